package journal

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestEntryShape(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	code := 137
	must(t, j.Log(Entry{Type: TypeStarting}))
	must(t, j.Log(Entry{
		At: sec(1.25), Level: LevelWarn, Type: TypeState, Target: "upkeep-api-1", From: "up", To: "down", Reason: "exited",
		Detail: "exit code 137 <SIGKILL>\nTOKEN=abc", Incident: "20261123T220001Z-upkeep-api-1-abcd", ExitCode: &code, Seconds: 1.2,
	}))
	data, err := os.ReadFile(j.Dir().Log())
	must(t, err)
	golden(t, "watchdog.log", data)
}

func emitInto(got *[]string) func(Line) error {
	return func(l Line) error { *got = append(*got, l.Detail); return nil }
}

func numbers(from, to int) string {
	var s []string
	for i := from; i < to; i++ {
		s = append(s, fmt.Sprint(i))
	}
	return fmt.Sprint(s)
}

func TestEventsReachIntoTheRotatedLog(t *testing.T) {
	j, err := OpenWith(t.TempDir(), Options{Clock: newHost().clock(), LogMaxSize: 1, LogMaxBackups: 2})
	must(t, err)
	n := 0
	pad := strings.Repeat("x", 1000)
	for range 2500 { // 2.6 MB: rotated twice
		must(t, j.Log(Entry{Type: TypeState, Detail: fmt.Sprint(n), Target: pad}))
		n++
	}
	for range 2 { // before and after the rotated file is compressed, which Close waits for
		var got []string
		must(t, j.Dir().Events(t.Context(), 1000, false, emitInto(&got)))
		if fmt.Sprint(got) != numbers(n-1000, n) {
			t.Fatalf("the last 1000 of %d are %d, from %s", n, len(got), got[0])
		}
		must(t, j.Close())
	}
	packed, _ := filepath.Glob(j.Dir().path("watchdog-*.log.gz"))
	if len(packed) == 0 {
		t.Error("rotated logs are not compressed")
	}
	var got []string
	stop := errors.New("enough")
	if err := j.Dir().Events(t.Context(), 3, false, func(l Line) error { got = append(got, l.Detail); return stop }); !errors.Is(err, stop) || len(got) != 1 {
		t.Errorf("went on after an error: %v, %q", err, got)
	}
	if err := Dir(t.TempDir()).Events(t.Context(), 3, false, emitInto(&got)); err == nil || !strings.Contains(err.Error(), "LOG_DIR") {
		t.Errorf("no log: %v", err)
	}
}

func TestEventsSkipRubbish(t *testing.T) {
	dir := Dir(t.TempDir())
	must(t, os.WriteFile(dir.Log(), []byte(`{"type":"state","detail":"a"}
rubbish
{"type":"state","detail":"b"}{"type"
{"no":"type"}

{"type":"state","detail":"c"}
{"type":"state","detail":"torn`), 0o640))
	var got []string
	must(t, dir.Events(t.Context(), 0, false, emitInto(&got)))
	if fmt.Sprint(got) != "[a c]" {
		t.Errorf("got %q", got)
	}
	j := openOn(t, string(dir), newHost().clock())
	must(t, j.Log(Entry{Type: TypeState, Detail: "d"}))
	got = nil
	must(t, dir.Events(t.Context(), 2, false, emitInto(&got)))
	if fmt.Sprint(got) != "[c d]" {
		t.Errorf("after a torn line: %q", got)
	}
}

// Whoever follows misses nothing when the log begins, is rotated, is moved away, or is written in pieces.
func TestFollow(t *testing.T) {
	dir := Dir(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var got []string
		done := make(chan error, 1)
		go func() { done <- dir.Events(ctx, 10, true, emitInto(&got)) }()
		look := func() { time.Sleep(followEvery + time.Millisecond); synctest.Wait() }
		look()
		n := 0
		write := func(data string) {
			f, err := os.OpenFile(dir.Log(), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
			must(t, err)
			_, err = f.WriteString(data)
			must(t, errors.Join(err, f.Close()))
		}
		line := func() string {
			n++
			return fmt.Sprintf(`{"type":"state","detail":"%d"}`+"\n", n-1)
		}
		write(line())
		look()
		l := line()
		write(l[:10])
		look()
		write(l[10:] + line())
		look()
		write(line()) // not yet seen when it is rotated
		must(t, os.Rename(dir.Log(), dir.path("watchdog-1.log")))
		write(line())
		look()
		must(t, os.Rename(dir.Log(), dir.path("moved")))
		look() // no file at all
		write(line())
		look()
		must(t, os.Truncate(dir.Log(), 0)) // copytruncate
		look()
		write(line())
		look()
		cancel()
		must(t, <-done)
		if fmt.Sprint(got) != numbers(0, n) {
			t.Errorf("got %q of %d", got, n)
		}
	})
}

// What a person moves away is let go of with Reopen.
func TestReopen(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	must(t, j.Log(Entry{Type: TypeState, Detail: "a"}))
	must(t, os.Rename(j.Dir().Log(), j.Dir().path("away")))
	must(t, j.Log(Entry{Type: TypeState, Detail: "b"}))
	must(t, j.Reopen())
	must(t, j.Log(Entry{Type: TypeState, Detail: "c"}))
	away, err := os.ReadFile(j.Dir().path("away"))
	must(t, err)
	var got []string
	must(t, j.Dir().Events(t.Context(), 0, false, emitInto(&got)))
	if strings.Count(string(away), "\n") != 2 || fmt.Sprint(got) != "[c]" {
		t.Errorf("moved away: %q; new: %q", away, got)
	}
}
