package systemd

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager is the socket of a service manager.
func manager(t *testing.T, name string) (heard func() string) {
	t.Helper()
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return func() string {
		var all []string
		buf := make([]byte, 1000)
		for {
			_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond)) // datagrams on this machine are there at once
			n, err := c.Read(buf)
			if err != nil {
				return strings.Join(all, " ")
			}
			all = append(all, string(buf[:n]))
		}
	}
}

func TestWhatSystemdIsTold(t *testing.T) {
	for _, name := range []string{filepath.Join(t.TempDir(), "s"), "@upkeep-test-" + filepath.Base(t.TempDir()) + time.Now().String()} {
		heard := manager(t, name)
		n, err := New(name, 30*time.Second, 0)
		if err != nil {
			t.Fatal(err)
		}
		n.Ready()
		for at := range 60 { // a minute, second by second
			n.Alive(time.Unix(int64(at), 0))
		}
		n.Stopping()
		if got, want := heard(), "READY=1"+strings.Repeat(" WATCHDOG=1", 6)+" STOPPING=1"; got != want {
			t.Errorf("over %s: %s, want %s", name, got, want)
		}
	}
}

func TestSignsOfLifeAreOnlyOursToGive(t *testing.T) {
	name := filepath.Join(t.TempDir(), "s")
	heard := manager(t, name)
	for _, c := range []struct {
		limit time.Duration
		pid   int
		want  string
	}{{time.Second, os.Getpid(), "WATCHDOG=1"}, {time.Second, os.Getpid() + 1, ""}, {0, 0, ""}} {
		n, err := New(name, c.limit, c.pid)
		if err != nil {
			t.Fatal(err)
		}
		n.Alive(time.Unix(100, 0))
		if got := heard(); got != c.want {
			t.Errorf("limit %v, pid %d: %q, want %q", c.limit, c.pid, got, c.want)
		}
	}
}

func TestWithoutSystemd(t *testing.T) {
	n, err := New("", time.Second, 0)
	if n != nil || err != nil {
		t.Fatal(n, err)
	}
	n.Ready()
	n.Alive(time.Now())
	n.Stopping()
	if _, err := New("relative", 0, 0); err == nil || !strings.Contains(err.Error(), `NOTIFY_SOCKET="relative"`) {
		t.Errorf("got %v", err)
	}
	if _, err := New(filepath.Join(t.TempDir(), "nobody"), 0, 0); err == nil || !strings.Contains(err.Error(), "reach NOTIFY_SOCKET=") {
		t.Errorf("got %v", err)
	}
}
