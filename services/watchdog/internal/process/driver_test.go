package process

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestACrashIsToldAndTheStartAfterIt(t *testing.T) {
	s := running(t, nil, "serve")
	first := s.up()
	if err := syscall.Kill(number(t, first), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	n := s.next()
	if o := n.Event.Seen; o.Status != supervise.StatusExited || o.ExitCode != 128+9 || !o.Instance.Same(first) || o.FinishedAt.IsZero() {
		t.Errorf("told %+v, want the end of %v with exit code 137", o, first)
	}
	out := s.Restart(t.Context(), "api-1", first, supervise.Restart{Attempt: 7, StartOnly: true, Reason: supervise.ReasonExited})
	if out.Err != "" || out.Attempt != 7 {
		t.Fatalf("the restart: %+v", out)
	}
	if second := s.up(); second.Same(first) {
		t.Error("the same run again")
	}
}

func TestExitCodesAndLastLines(t *testing.T) {
	s := running(t, func(o *Options) { o.Probe = "" }, "exit", "3")
	run := s.next().Event.Seen.Instance
	n := s.next()
	if n.Event.Seen.ExitCode != 3 || n.Event.Seen.Policy.Probe != "none" || n.Info.Image != os.Args[0] {
		t.Errorf("told %+v", n.Event.Seen)
	}
	ev := s.Evidence(t.Context(), run.ID, time.Now())
	if len(ev.Logs) != 2 || ev.ExitCode != 3 || len(ev.Errors) > 0 {
		t.Fatalf("evidence: %+v", ev)
	}
	for _, l := range ev.Logs {
		if l.Text != "on "+l.Stream {
			t.Errorf("%s said %q", l.Stream, l.Text)
		}
	}
	if got := s.out.String(); !strings.Contains(got, "on stdout\n") || !strings.Contains(got, "on stderr\n") {
		t.Errorf("passed on: %q", got)
	}
	if ev := s.Evidence(t.Context(), "1", time.Now()); len(ev.Errors) != 1 {
		t.Errorf("of an unknown run: %+v", ev)
	}
}

// What the next process inherits is made ready while all is well: who asks it before it is started gets its answer.
func TestTheNextStartIsPrepared(t *testing.T) {
	s := running(t, nil, "serve")
	first := s.up()
	w := s.workers[0]
	w.prepareNext()
	prepared := w.next
	w.prepareNext() // as the timer of the start may
	if w.next != prepared || prepared == nil {
		t.Fatalf("prepared %p, then %p", prepared, w.next)
	}
	conn, err := net.Dial("unix", prepared.admin)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := syscall.Kill(number(t, first), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.next()
	if out := s.Restart(t.Context(), "api-1", first, supervise.Restart{StartOnly: true}); out.Err != "" {
		t.Fatal(out.Err)
	}
	if w.now() != prepared || prepared.files != nil {
		t.Error("what was prepared was not used, or its files are still open here")
	}
	if _, err := fmt.Fprint(conn, "GET /health/live HTTP/1.0\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if answer, err := io.ReadAll(conn); err != nil || !strings.HasSuffix(string(answer), "api-1 "+prepared.id()) {
		t.Errorf("answered %q, %v", answer, err)
	}
}

// The public socket is shared: whoever of the workers lives answers, and while none does connections wait.
func TestNoConnectionIsRefused(t *testing.T) {
	s := running(t, func(o *Options) { o.Workers = 2 }, "serve")
	one, two := s.up(), s.up()
	for _, run := range []supervise.Instance{one, two} {
		if err := syscall.Kill(number(t, run), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		s.next()
	}
	answer := make(chan error, 1)
	go func() {
		resp, err := http.Get("http://" + s.address + "/health/live")
		if err == nil {
			_, err = io.ReadAll(resp.Body)
			resp.Body.Close()
		}
		answer <- err
	}()
	s.Restart(t.Context(), "api-2", two, supervise.Restart{StartOnly: true})
	if err := <-answer; err != nil {
		t.Errorf("a request while no worker lived: %v", err)
	}
}

func TestReloadReplacesOneAfterTheOther(t *testing.T) {
	s := running(t, func(o *Options) { o.Workers = 2 }, "serve")
	old := []supervise.Instance{s.up(), s.up()}
	replaced, err := s.Reload(t.Context())
	if err != nil || strings.Join(replaced, " ") != "api-1 api-2" {
		t.Fatalf("replaced %v, %v", replaced, err)
	}
	for _, before := range old {
		if now := s.up(); now.Same(before) {
			t.Error("a worker was not replaced")
		}
		if alive(number(t, before)) {
			t.Error("an old process is still there")
		}
	}
	if n := strings.Count(s.out.String(), "asked to stop"); n != 2 {
		t.Errorf("%d of 2 were asked to stop", n)
	}
}

// A person who reloads has put right what was wrong, so that what had been given up is started, too.
func TestReloadStartsWhatHadEnded(t *testing.T) {
	s := running(t, nil, "serve")
	old := s.up()
	if err := syscall.Kill(number(t, old), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.next()
	if replaced, err := s.Reload(t.Context()); err != nil || len(replaced) != 1 {
		t.Fatalf("replaced %v, %v", replaced, err)
	}
	if now := s.up(); now.Same(old) {
		t.Error("it was not started")
	}
	// The restart that was due meanwhile finds it done.
	if out := s.Restart(t.Context(), "api-1", old, supervise.Restart{StartOnly: true}); out.Err != "" {
		t.Error(out.Err)
	}
	if n := len(s.workers[0].runs); n != 2 {
		t.Errorf("started %d times, want 2", n)
	}
}

func TestReloadKeepsTheOldWhereTheNewDoesNotGetReady(t *testing.T) {
	s := running(t, func(o *Options) { o.Workers = 1 }, "once", filepath.Join(t.TempDir(), "mark"))
	old := s.up()
	replaced, err := s.Reload(t.Context())
	if err == nil || len(replaced) > 0 || !strings.Contains(err.Error(), "api-1: the new process did not get ready, so the old one stays: it ended with exit code 9") {
		t.Errorf("replaced %v, %v", replaced, err)
	}
	if r, _ := s.Probe(t.Context(), "api-1", old); !r.OK {
		t.Errorf("the old one is gone: %+v", r)
	}
}

func TestWhatIgnoresSIGTERMIsKilledWithItsChildren(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "child")
	s := running(t, func(o *Options) { o.Policy.StopTimeout = 0 }, "family", mark)
	run := s.up()
	text, err := os.ReadFile(mark)
	if err != nil {
		t.Fatal(err)
	}
	child, _ := strconv.Atoi(string(text))
	if !alive(child) {
		t.Fatal("there is no grandchild")
	}
	s.Restart(t.Context(), "api-1", run, supervise.Restart{Reason: supervise.ReasonProbe, Hung: true})
	if n := s.next(); n.Event.Seen.ExitCode != 128+9 {
		t.Errorf("told %+v", n.Event.Seen)
	}
	s.up()
	waitFor(t, "the grandchild is gone", func() bool { return !alive(child) })
}

// With a port of its own nothing can run twice, so the old process ends before the new one begins.
func TestAProgramThatBindsByItself(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	port := free.Addr().(*net.TCPAddr).Port
	free.Close()
	s := running(t, func(o *Options) {
		o.Listener.Close()
		o.Listener, o.PortEnv, o.Port = nil, "APP_PORT", port
	}, "serve")
	told := func(status supervise.Status) supervise.Instance {
		t.Helper()
		n := s.next()
		if n.Event.Seen.Status != status {
			t.Fatalf("told %+v, want %s", n.Event.Seen, status)
		}
		return n.Event.Seen.Instance
	}
	ready := func(run supervise.Instance) {
		t.Helper()
		waitFor(t, "it answers", func() bool {
			_, body := s.Probe(t.Context(), "api-1", run)
			return body == "api-1 "+run.ID
		})
	}
	first := told(supervise.StatusRunning)
	ready(first)
	if out := s.Restart(t.Context(), "api-1", first, supervise.Restart{Reason: supervise.ReasonRequested, StopTimeout: -1}); out.Err != "" {
		t.Fatal(out.Err)
	}
	told(supervise.StatusExited)
	second := told(supervise.StatusRunning)
	ready(second)
	if _, err := s.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	ready(told(supervise.StatusRunning)) // that the old one has ended is no outage
	if strings.Contains(s.out.String(), "http:admin") {
		t.Errorf("it was handed sockets:\n%s", s.out.String())
	}
}

func TestStopAsksFirst(t *testing.T) {
	s := running(t, func(o *Options) { o.Workers = 3 }, "serve")
	for range 3 {
		s.up()
	}
	for _, w := range s.workers {
		w.prepareNext()
	}
	s.end()
	if err := <-s.ended; err != nil {
		t.Error(err)
	}
	if n := strings.Count(s.out.String(), "asked to stop"); n != 3 {
		t.Errorf("%d of 3 were asked to stop:\n%s", n, s.out.String())
	}
	if out := s.Restart(t.Context(), "api-1", supervise.Instance{}, supervise.Restart{StartOnly: true}); out.Err == "" {
		t.Error("a worker was started after the end")
	}
	left, err := os.ReadDir(s.opts.RunDir)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

func TestAProgramThatCannotBeStarted(t *testing.T) {
	s := running(t, func(o *Options) { o.Command = []string{"/nonexistent/program"} })
	if err := <-s.ended; err == nil || !strings.Contains(err.Error(), "start api-1") || !strings.Contains(err.Error(), "/nonexistent/program") {
		t.Errorf("got %v", err)
	}
}

// Orphans come to the watchdog as to PID 1, and leave no zombies.
func TestOrphansAreReaped(t *testing.T) {
	const n = 50
	s := running(t, nil, "orphans", strconv.Itoa(n))
	s.up()
	waitFor(t, "all orphans are reaped", func() bool { return s.reap.orphans.Load() >= n })
}

func waitFor(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	again := time.NewTicker(2 * time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-deadline:
			t.Fatalf("10 s have passed, and still not: %s", what)
		case <-again.C:
		}
	}
}

// A worker is told with how many it shares the machine, and nothing that is about the watchdog's own process.
func TestInheritedEnvironment(t *testing.T) {
	d := &Driver{opts: Options{Workers: 3, Port: 80, Environ: []string{"A=b", "WORKERS=8", "PORT=1", "NOTIFY_SOCKET=/run/x", "LISTEN_FDS=1"}}}
	if got, want := d.inherited(), []string{"WORKERS=3", "A=b", "PORT=80"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
