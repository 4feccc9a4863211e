package process

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestOOMFiles(t *testing.T) {
	for own, want := range map[string]string{
		"0::/system.slice/watchdog.service\n": "/c/system.slice/watchdog.service/memory.events /c/memory.events",
		"12:cpu,cpuacct:/a\n11:memory:/docker/abc\n0::/x": "/c/memory/docker/abc/memory.oom_control /c/memory/memory.oom_control " +
			"/c/x/memory.events /c/memory.events",
		"nonsense\n": "",
	} {
		if got := strings.Join(oomFiles("/c", own), " "); got != want {
			t.Errorf("%q: got %s, want %s", own, got, want)
		}
	}
}

func FuzzOOMKills(f *testing.F) {
	f.Add([]byte("low 0\nhigh 0\nmax 4\noom 1\noom_kill 3\n"))
	f.Add([]byte("oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"))
	f.Add([]byte("oom_kill -3"))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n := parseOOMKills(text); n < -1 || n >= 0 && !strings.Contains(string(text), "oom_kill ") {
			t.Errorf("%q: %d", text, n)
		}
	})
}

// A SIGKILL while the kernel's count rises is its want of memory; any other is somebody's.
func TestOOMIsTold(t *testing.T) {
	counter := filepath.Join(t.TempDir(), "memory.events")
	count := func(text string) {
		t.Helper()
		if err := os.WriteFile(counter, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	count("oom 0\noom_kill 5\n")
	s := running(t, nil, "serve")
	s.up()
	s.oom = openOOMCounter(counter)
	if out := s.Restart(t.Context(), "api-1", s.workers[0].now().instance(), supervise.Restart{Reason: supervise.ReasonRequested, StopTimeout: -1}); out.Err != "" {
		t.Fatal(out.Err)
	}
	for _, want := range []bool{false, true} {
		run := s.up()
		if want {
			count("oom 1\noom_kill 6\n")
		}
		if err := syscall.Kill(number(t, run), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		if n := s.next(); n.Event.Seen.OOMKilled != want {
			t.Errorf("killed by the kernel: told %v, want %v", n.Event.Seen.OOMKilled, want)
		}
		if out := s.Restart(t.Context(), "api-1", run, supervise.Restart{StartOnly: true}); out.Err != "" {
			t.Fatal(out.Err)
		}
	}
}
