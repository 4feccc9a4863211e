package control

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// executor notes what it is asked for.
type executor struct {
	got []Command
	err error
}

func (e *executor) do(_ context.Context, c Command) ([]string, error) {
	e.got = append(e.got, c)
	if e.err != nil {
		return nil, e.err
	}
	if c.Target != "" {
		return []string{c.Target}, nil
	}
	return []string{"b", "a"}, nil
}

func TestCommands(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
		want         Command
		contains     string
	}{
		{"POST", "/targets/upkeep-api-1/pause", 200, Command{Pause, "upkeep-api-1", 0}, `"upkeep-api-1"`},
		{"POST", "/targets/upkeep-api-1/pause?for=30m", 200, Command{Pause, "upkeep-api-1", 30 * time.Minute}, `"pause"`},
		{"POST", "/targets/a%2Fb/resume", 200, Command{Resume, "a/b", 0}, `"a/b"`},
		{"POST", "/all/restart", 200, Command{Restart, "", 0}, `"a",`},
		{"POST", "/all/reset", 200, Command{Reset, "", 0}, `"b"`},
		{"POST", "/targets/x/pause?for=soon", 400, Command{}, "want a duration"},
		{"POST", "/targets/x/pause?for=-1m", 400, Command{}, "want a duration"},
		{"POST", "/targets/x/pause?for=90000h", 400, Command{}, "want a duration"},
		{"POST", "/targets/x/restart?for=1m", 400, Command{}, "only a pause"},
		{"POST", "/targets/x/stop", 404, Command{}, "nothing at this path"},
		{"POST", "/targets//pause", 404, Command{}, "nothing at this path"},
		{"POST", "/status", 404, Command{}, "nothing at this path"},
		{"GET", "/targets/x/pause", 405, Command{}, "takes POST"},
	} {
		e := &executor{}
		w := ask(Commands(e.do), c.method, c.path)
		if w.Code != c.code || !strings.Contains(w.Body.String(), c.contains) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
		if c.code == 200 && (len(e.got) != 1 || e.got[0] != c.want) || c.code != 200 && len(e.got) > 0 {
			t.Errorf("%s %s: carried out %+v", c.method, c.path, e.got)
		}
	}
}

// serveSocket serves commands on a real socket.
func serveSocket(t *testing.T, do Executor) (path string, stop func()) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "watchdog.sock")
	l, err := Listen(path)
	must(t, err)
	s := &http.Server{Handler: Commands(do), ReadHeaderTimeout: time.Second}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve(l) }()
	return path, func() {
		must(t, s.Close())
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	}
}

func TestSend(t *testing.T) {
	e := &executor{}
	path, stop := serveSocket(t, e.do)
	for _, c := range []Command{{Pause, "upkeep-api-1", 90 * time.Second}, {Resume, "a/b?c %", 0}, {Reset, "", 0}} {
		targets, err := Send(t.Context(), path, c)
		must(t, err)
		if got := e.got[len(e.got)-1]; got != c {
			t.Errorf("sent %+v, arrived %+v", c, got)
		}
		if want := "[a b]"; c.Target == "" && fmt.Sprint(targets) != want {
			t.Errorf("targets %v, want %s", targets, want)
		}
	}
	e.err = fmt.Errorf("%w: x; watchdog status lists them", ErrUnknownTarget)
	if _, err := Send(t.Context(), path, Command{Pause, "x", 0}); err == nil || err.Error() != e.err.Error() {
		t.Errorf("got %v, want the watchdog's own words", err)
	}
	stop()
	if _, err := Send(t.Context(), path, Command{Pause, "x", 0}); err == nil || !strings.Contains(err.Error(), "does it run") {
		t.Errorf("without a watchdog: %v", err)
	}
	if _, err := os.Lstat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the socket is left behind: %v", err)
	}
}

func TestSocketIsPrivateFromTheStart(t *testing.T) {
	path, stop := serveSocket(t, (&executor{}).do)
	defer stop()
	info, err := os.Lstat(path)
	must(t, err)
	if info.Mode() != os.ModeSocket|0o600 {
		t.Errorf("mode %s", info.Mode())
	}
	files, _ := os.ReadDir(filepath.Dir(path))
	if len(files) != 1 {
		t.Errorf("left beside the socket: %v", files)
	}
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "another watchdog answers") {
		t.Errorf("took over a socket that answers: %v", err)
	}
}

func TestStaleSocketIsReplaced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "watchdog.sock")
	dead, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	must(t, err)
	dead.SetUnlinkOnClose(false)
	must(t, dead.Close())
	first, err := Listen(path)
	must(t, err)
	must(t, os.Remove(path))
	second, err := Listen(path)
	must(t, err)
	must(t, first.Close())
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the first took the second's socket with it: %v", err)
	}
	must(t, second.Close())
	must(t, second.Close())

	must(t, os.WriteFile(path, []byte("precious"), 0o600))
	if _, err := Listen(path); err == nil || !strings.Contains(err.Error(), "in the way") {
		t.Errorf("a file was taken for a stale socket: %v", err)
	}
	if _, err := Listen(filepath.Join(t.TempDir(), strings.Repeat("long", 50), "watchdog.sock")); err == nil {
		t.Error("a directory that does not exist was taken")
	}
	long := filepath.Join(t.TempDir(), strings.Repeat("l", 100))
	must(t, os.Mkdir(long, 0o700))
	if _, err := Listen(filepath.Join(long, "watchdog.sock")); err == nil || !strings.Contains(err.Error(), "shorter LOG_DIR") {
		t.Errorf("a path that is too long: %v", err)
	}
}
