package process

import (
	"net"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// systemd hears that the watchdog is ready when the workers are, that it lives, and that it stops.
func TestProcessNotifiesSystemd(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	hear := func(want string) {
		t.Helper()
		buf := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(20 * time.Second))
		for {
			n, err := c.Read(buf)
			if err != nil {
				t.Fatalf("never heard %s: %v", want, err)
			}
			switch got := string(buf[:n]); {
			case got == want:
				return
			case got != "WATCHDOG=1":
				t.Fatalf("heard %s, want %s", got, want)
			}
		}
	}
	w := run(t, []string{"WORKERS=2", "NOTIFY_SOCKET=" + name, "WATCHDOG_USEC=3000000"}, "/bin/sh", "-c",
		`[ -z "$NOTIFY_SOCKET$WATCHDOG_USEC" ] || exit 1; exec "$0"`, api()) // what is said to the watchdog is not said to workers
	hear("READY=1")
	for _, p := range w.up(2) {
		if !alive(pid(t, p)) {
			t.Errorf("%s is not there", p.Target)
		}
	}
	hear("WATCHDOG=1")
	hear("WATCHDOG=1")
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hear("STOPPING=1")
}

// Signals whose meaning only the program knows reach every worker.
func TestProcessForwardsSignals(t *testing.T) {
	w := run(t, []string{"WORKERS=2"}, api())
	w.up(2)
	if err := w.cmd.Process.Signal(syscall.SIGUSR1); err != nil { // the api logs more
		t.Fatal(err)
	}
	w.eventually("both workers have changed their log level", func() bool {
		return strings.Count(w.output.String(), `"msg":"log level changed"`) == 2
	})
}
