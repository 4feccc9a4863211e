package journal

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// roles are what the test binary can play in a process of its own.
var roles = map[string]func(dir string) int{"writer": keepWriting, "full": fullDisk}

// keepWriting writes everything as fast as it can, and says on stdout which restart is safe on disk.
func keepWriting(dir string) int {
	j, err := Open(dir, time.Now)
	if err != nil {
		fmt.Println(err)
		return 1
	}
	r, err := NewRecorder(j, "test")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	for i := j.Histories()["api"].Attempts + 1; ; i++ {
		if err := j.Save("api", supervise.History{Attempts: i, Restarts: []time.Time{time.Now()}}, true); err != nil {
			fmt.Println(err)
			return 1
		}
		fmt.Println(i)
		state := []supervise.State{supervise.StateDown, supervise.StateRestarting, supervise.StateUp}[i%3]
		_, err := r.Observe("api", supervise.Change{To: state, Reason: supervise.ReasonExited, At: time.Now()})
		if err := errors.Join(err, j.Log(Entry{Type: TypeState, Target: "api", Detail: strings.Repeat("x", i%500)}),
			j.WriteStatus(Status{Version: strconv.Itoa(i), Targets: make([]Target, i%50)})); err != nil {
			fmt.Println(err)
			return 1
		}
	}
}

// A watchdog that is killed at any moment leaves every file whole, and has forgotten no restart that it went ahead with.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	safe := 0
	rounds := 25
	if testing.Short() {
		rounds = 5
	}
	for range rounds {
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), "JOURNAL_TEST_ROLE=writer", "JOURNAL_TEST_DIR="+dir)
		out, err := cmd.StdoutPipe()
		must(t, err)
		must(t, cmd.Start())
		lines := bufio.NewScanner(out)
		for after := 1 + rand.IntN(40); after > 0 && lines.Scan(); after-- {
			safe, err = strconv.Atoi(lines.Text())
			if err != nil {
				t.Fatalf("the writer says %q", lines.Text())
			}
		}
		must(t, cmd.Process.Kill())
		for lines.Scan() { // what it managed to say before it died
			if n, err := strconv.Atoi(lines.Text()); err == nil {
				safe = n
			}
		}
		_ = cmd.Wait() // killed

		j, err := Open(dir, time.Now)
		must(t, err)
		if w := j.Warnings(); len(w) > 0 {
			t.Fatalf("something was damaged: %q", w)
		}
		if got := j.Histories()["api"].Attempts; got < safe {
			t.Fatalf("restart %d was safe, but %d is the last that is known", safe, got)
		}
		must(t, j.Close())
		allWhole(t, dir)
	}
	t.Logf("killed %d times, %d restarts", rounds, safe)
}

// allWhole checks that every JSON file is JSON, every line of every line file too, and that nothing is left lying about.
func allWhole(t *testing.T, dir string) {
	t.Helper()
	must(t, filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err != nil || e.IsDir() || e.Name() == "watchdog.lock" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		switch filepath.Ext(path) {
		case ".json":
			if !json.Valid(data) {
				t.Errorf("%s is not whole: %q", path, data)
			}
		case ".jsonl", ".log":
			for line := range strings.Lines(string(data)) {
				if !json.Valid([]byte(line)) {
					t.Errorf("%s has a line that is not whole: %q", path, line)
				}
			}
		default:
			t.Errorf("left behind: %s", path)
		}
		return nil
	}))
}

// fullDisk writes until the file size limit, which cuts a line in two as a full disk does, then gets room again.
func fullDisk(dir string) int {
	fail := func(format string, args ...any) int { fmt.Printf(format+"\n", args...); return 1 }
	signal.Ignore(syscall.SIGXFSZ)
	j, err := Open(dir, time.Now)
	if err != nil {
		return fail("open: %v", err)
	}
	limit := func(n uint64) {
		var l syscall.Rlimit
		_ = syscall.Getrlimit(syscall.RLIMIT_FSIZE, &l)
		l.Cur = min(n, l.Max)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &l); err != nil {
			panic(err)
		}
	}
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	must(j.Save("before", supervise.History{Attempts: 1}, true))
	must(j.Log(Entry{Type: TypeStarting}))
	limit(500)
	var failed int
	for i := range 10 {
		if err := j.Save("api", supervise.History{Attempts: i, ConfigHash: strings.Repeat("h", 100)}, true); err != nil {
			failed++
			if !errors.Is(err, syscall.EFBIG) {
				return fail("save: %v", err)
			}
		}
		_ = j.Log(Entry{Type: TypeState, Detail: strings.Repeat("d", 100)})
	}
	if failed == 0 {
		return fail("nothing failed on a full disk")
	}
	if got := j.Histories()["api"].Attempts; got != 9 {
		return fail("in memory: attempt %d", got)
	}
	limit(1 << 40)
	must(j.Save("after", supervise.History{Attempts: 1}, true))
	must(j.Log(Entry{Type: TypeStopping}))
	must(j.Close())
	return 0
}

func TestFullDisk(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "JOURNAL_TEST_ROLE=full", "JOURNAL_TEST_DIR="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	j, err := Open(dir, time.Now)
	must(t, err)
	defer j.Close()
	got := j.Histories()
	if len(j.Warnings()) > 0 || got["before"].Attempts != 1 || got["api"].Attempts != 9 || got["after"].Attempts != 1 {
		t.Errorf("after a full disk: %+v, warnings %q", got, j.Warnings())
	}
	var types []Type
	must(t, j.Dir().Events(t.Context(), 0, false, func(l Line) error { types = append(types, l.Type); return nil }))
	if len(types) < 2 || types[len(types)-1] != TypeStopping {
		t.Errorf("events after a full disk: %q", types)
	}
}
