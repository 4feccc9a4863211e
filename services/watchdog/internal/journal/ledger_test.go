package journal

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func reopen(t testing.TB, j *Journal, c Clock) *Journal {
	t.Helper()
	must(t, j.Close())
	return openOn(t, string(j.Dir()), c)
}

func TestLedgerKeepsEverything(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	want := supervise.History{
		Restarts: []time.Time{t0.Add(-50 * time.Minute), t0.Add(-time.Second)}, Attempts: 2, Sent: t0.Add(-2 * time.Second),
		Instance: supervise.Instance{ID: "abc", StartedAt: t0.Add(-time.Second)},
		Running:  true, Stopped: true, Signalled: t0.Add(-time.Second), Paused: true, PausedUntil: t0.Add(time.Hour), ConfigHash: "h1",
	}
	must(t, j.Save("api", supervise.History{Attempts: 9}, false))
	must(t, j.Save("api", want, true))
	must(t, j.Save("db", supervise.History{Running: true}, true))
	must(t, j.Save("old", supervise.History{}, true))
	must(t, j.Forget("old"))
	j = reopen(t, j, h.clock())
	got := j.Histories()
	if len(got) != 2 || !reflect.DeepEqual(got["api"], want) || !got["db"].Running {
		t.Errorf("got %+v\nwant api: %+v", got, want)
	}
	if w := j.Warnings(); len(w) != 0 {
		t.Errorf("warnings about a good file: %q", w)
	}
}

func TestLedgerSetsDamageAside(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	for i := range 5 {
		must(t, j.Save(fmt.Sprintf("t%d", i), supervise.History{Attempts: i + 1}, false))
	}
	must(t, j.Close())
	path := j.Dir().path(ledgerName)
	good, err := os.ReadFile(path)
	must(t, err)
	lines := strings.SplitAfter(string(good), "\n")
	for _, c := range []struct {
		name string
		data string
		want int // targets left
	}{
		{"torn tail", string(good[:len(good)-20]), 4},
		{"last newline missing", string(good[:len(good)-1]), 5},
		{"flipped digit", strings.Replace(string(good), `"attempts":3`, `"attempts":7`, 1), 4},
		{"garbage between", lines[0] + "\x00\x00\x00\n" + strings.Join(lines[1:], ""), 5},
		{"zeros, as after a power cut", string(good) + strings.Repeat("\x00", 4096), 5},
		{"all garbage", "not a ledger", 0},
		{"empty", "", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			must(t, os.WriteFile(filepath.Join(dir, ledgerName), []byte(c.data), 0o640))
			j := openOn(t, dir, h.clock())
			if got := len(j.Histories()); got != c.want {
				t.Errorf("%d targets left, want %d", got, c.want)
			}
			must(t, j.Save("more", supervise.History{Attempts: 1}, true))
			asides, _ := filepath.Glob(filepath.Join(dir, ledgerName+".corrupt-*"))
			damaged := c.name != "empty" && c.name != "last newline missing"
			if damaged != (len(asides) == 1) || damaged != (len(j.Warnings()) == 1) {
				t.Fatalf("set aside %q with warnings %q", asides, j.Warnings())
			}
			if damaged {
				kept, err := os.ReadFile(asides[0])
				must(t, err)
				if string(kept) != c.data {
					t.Error("what was set aside is not the damaged file")
				}
			}
			j = reopen(t, j, h.clock())
			if got := len(j.Histories()); got != c.want+1 || len(j.Warnings()) != 0 {
				t.Errorf("after the repair %d targets, warnings %q", got, j.Warnings())
			}
		})
	}
}

func TestDamagedFilesDoNotPileUp(t *testing.T) {
	dir, h := t.TempDir(), newHost()
	for range keepCorrupt + 3 {
		must(t, os.WriteFile(filepath.Join(dir, ledgerName), []byte("rubbish"), 0o640))
		must(t, openOn(t, dir, h.clock()).Close())
		h.pass(time.Second)
	}
	if asides, _ := filepath.Glob(filepath.Join(dir, "*.corrupt-*")); len(asides) != keepCorrupt {
		t.Errorf("%d damaged files are kept: %q", len(asides), asides)
	}
}

func TestLedgerStaysSmall(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	stamps := make([]time.Time, 10)
	for i := range stamps {
		stamps[i] = h.wall
	}
	for i := range 20000 {
		must(t, j.Save(fmt.Sprintf("t%d", i%50), supervise.History{Restarts: stamps, Attempts: i}, false))
	}
	info, err := os.Stat(j.Dir().path(ledgerName))
	must(t, err)
	if limit := int64(ledgerSlack + 4096); info.Size() > limit {
		t.Errorf("50 targets take %d bytes, more than %d", info.Size(), limit)
	}
	j = reopen(t, j, h.clock())
	if got := j.Histories(); len(got) != 50 || got["t49"].Attempts != 19999 {
		t.Errorf("lost: %d targets, %+v", len(got), got["t49"])
	}
}

func TestLedgerBoundsTargets(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	for i := range maxLedgerTargets + 100 {
		h.pass(time.Millisecond)
		must(t, j.Save(fmt.Sprintf("job-%d", i), supervise.History{}, false))
	}
	j = reopen(t, j, h.clock())
	j = reopen(t, j, h.clock())
	got := j.Histories()
	if _, ok := got[fmt.Sprintf("job-%d", maxLedgerTargets+99)]; !ok || len(got) > maxLedgerTargets+100 {
		t.Errorf("%d targets, the latest known: %v", len(got), ok)
	}
}

// Somebody who empties the log directory does not make the watchdog forget.
func TestLedgerComesBackAfterRemoval(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	must(t, j.Save("api", supervise.History{Attempts: 3}, true))
	must(t, os.Remove(j.Dir().path(ledgerName)))
	must(t, j.Save("db", supervise.History{Attempts: 1}, true))
	j = reopen(t, j, h.clock())
	if got := j.Histories(); got["api"].Attempts != 3 || got["db"].Attempts != 1 {
		t.Errorf("got %+v", got)
	}
	must(t, os.RemoveAll(string(j.Dir())))
	if err := j.Save("api", supervise.History{}, true); err == nil {
		t.Error("saved into a directory that does not exist")
	}
}

func TestOneWatchdogPerDirectory(t *testing.T) {
	dir := t.TempDir()
	openOn(t, dir, newHost().clock())
	_, err := OpenWith(dir, Options{Clock: newHost().clock()})
	if err == nil || !strings.Contains(err.Error(), "another watchdog uses "+dir) {
		t.Errorf("a second watchdog opened the journal: %v", err)
	}
}

func FuzzLedger(f *testing.F) {
	rec := newRecord("api", supervise.History{Restarts: []time.Time{t0}, Paused: true, PausedUntil: t0}, newHost().clock())
	line, err := rec.encode()
	must(f, err)
	f.Add(line)
	f.Add(append(append([]byte{}, line...), line[:30]...))
	f.Add([]byte(`{"crc":"00000000","entry":{}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		sealedToo := data // also try the input as the inside of a good line, so that the checksum does not hide the rest
		if inner, err := marshalLine(sealed{CRC: checksum(bytes.TrimSpace(data)), Entry: bytes.TrimSpace(data)}); err == nil {
			sealedToo = append(append([]byte{}, data...), append([]byte{'\n'}, inner...)...)
		}
		path := filepath.Join(t.TempDir(), ledgerName)
		must(t, os.WriteFile(path, sealedToo, 0o640))
		h := newHost()
		l, err := openLedger(path, h.clock(), func(string, ...any) {})
		if err != nil {
			t.Fatal(err)
		}
		before := (&Journal{books: l}).Histories()
		for target, got := range before {
			for _, at := range got.Restarts {
				if target == "" || at.After(h.wall) {
					t.Fatalf("%q: a restart at %s, now is %s", target, at, h.wall)
				}
			}
		}
		must(t, l.close())
		l, err = openLedger(path, h.clock(), func(format string, args ...any) { t.Fatalf("still damaged: "+format, args...) })
		must(t, err)
		if after := (&Journal{books: l}).Histories(); !reflect.DeepEqual(before, after) {
			t.Fatalf("reading it again gives %+v, not %+v", after, before)
		}
		must(t, l.close())
	})
}

func BenchmarkSaveSynced(b *testing.B) { benchmarkSave(b, true) }

func BenchmarkSave(b *testing.B) { benchmarkSave(b, false) }

func benchmarkSave(b *testing.B, sync bool) {
	j := openOn(b, b.TempDir(), SystemClock(time.Now))
	h := supervise.History{Restarts: make([]time.Time, 10), Running: true, Instance: supervise.Instance{ID: strings.Repeat("a", 64), StartedAt: t0}}
	for i := range h.Restarts {
		h.Restarts[i] = time.Now()
	}
	b.ReportAllocs()
	for b.Loop() {
		must(b, j.Save("upkeep-api-1", h, sync))
	}
}
