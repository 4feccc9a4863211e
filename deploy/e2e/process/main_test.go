package process

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	seconds   = flag.Int("seconds", 10, "how long the load of TestProcessZeroDowntime lasts")
	maxBehind = flag.Duration("max-behind", 0, "fail when the median recovery is that much slower than a bare start; 0 only prints")

	programs string // the directory of the programs under test
)

// TestMain builds the programs.
func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		fmt.Println("the end-to-end tests of watchdog run are left out: -short")
		return
	}
	os.Exit(built(m))
}

func built(m *testing.M) int {
	dir, err := os.MkdirTemp("", "upkeep")
	if err != nil {
		fmt.Println(err)
		return 1
	}
	defer os.RemoveAll(dir)
	build := exec.Command("go", "build", "-o", dir, "./services/watchdog", "./services/api")
	build.Dir, build.Stdout, build.Stderr = filepath.Join("..", "..", ".."), os.Stdout, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Println("build the programs:", err)
		return 1
	}
	programs = dir
	return m.Run()
}

// watchdog is a running watchdog run.
type watchdog struct {
	t      *testing.T
	cmd    *exec.Cmd
	dir    string // LOG_DIR
	port   int    // of the workers
	status string // address of its own pages
	output buffer
	exited chan struct{} // closed at its end; then err is set
	err    error
}

type buffer struct {
	mu   sync.Mutex
	text strings.Builder
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// run starts the watchdog; each setting is a NAME=value of its environment.
func run(t *testing.T, settings []string, command ...string) *watchdog {
	t.Helper()
	return runAs(t, nil, settings, command...)
}

// runAs is run with attributes for the watchdog's process.
func runAs(t *testing.T, attributes *syscall.SysProcAttr, settings []string, command ...string) *watchdog {
	t.Helper()
	w := &watchdog{t: t, port: freePort(t), status: fmt.Sprintf("127.0.0.1:%d", freePort(t)), exited: make(chan struct{})}
	var err error
	if w.dir, err = os.MkdirTemp("", "w"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(w.dir) })
	w.cmd = exec.Command(filepath.Join(programs, "watchdog"), append([]string{"run", "--"}, command...)...)
	w.cmd.Env = append(append(os.Environ(), "LOG_DIR="+w.dir, "LISTEN_HOST=127.0.0.1", fmt.Sprint("PORT=", w.port), "WATCHDOG_LISTEN="+w.status,
		"ENVIRONMENT=test", "LOG_LEVEL=WARN", "HEALTH_CPU_DEGRADED=0"), settings...)
	w.cmd.Stdout, w.cmd.Stderr, w.cmd.SysProcAttr = &w.output, &w.output, attributes
	if err := w.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { w.err = w.cmd.Wait(); close(w.exited) }()
	t.Cleanup(func() {
		_ = w.cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-w.exited:
		case <-time.After(20 * time.Second):
			_ = w.cmd.Process.Kill()
			t.Error("the watchdog did not end in 20 s")
		}
		if t.Failed() {
			t.Logf("the watchdog said:\n%s", tail(w.output.String(), 6000))
		}
	})
	return w
}

func tail(s string, n int) string { return s[max(len(s)-n, 0):] }

func api() string { return filepath.Join(programs, "api") }

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// target is what /status tells of one worker.
type target struct {
	Target string `json:"target"`
	Pid    string `json:"container_id"`
	State  string `json:"state"`
}

func (w *watchdog) targets() []target {
	resp, err := http.Get("http://" + w.status + "/status")
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	var s struct{ Targets []target }
	if json.NewDecoder(resp.Body).Decode(&s) != nil {
		return nil
	}
	return s.Targets
}

// up waits until n workers are up.
func (w *watchdog) up(n int) []target {
	w.t.Helper()
	var all []target
	w.eventually(fmt.Sprintf("%d workers are up", n), func() bool {
		all = w.targets()
		for _, x := range all {
			if x.State != "up" {
				return false
			}
		}
		return len(all) == n
	})
	return all
}

func (w *watchdog) eventually(what string, happened func() bool) {
	w.t.Helper()
	eventually(w.t, what, happened)
}

// eventually waits for something that happens by itself.
func eventually(t *testing.T, what string, happened func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	again := time.NewTicker(5 * time.Millisecond)
	defer again.Stop()
	for !happened() {
		select {
		case <-deadline:
			t.Fatalf("30 s have passed, and still not: %s", what)
		case <-again.C:
		}
	}
}

func (w *watchdog) url(path string) string { return fmt.Sprintf("http://127.0.0.1:%d%s", w.port, path) }

// get returns the status and the body of an answer of the workers' port.
func (w *watchdog) get(path string, headers ...string) (int, string) {
	w.t.Helper()
	return fetch(w.t, w.url(path), headers...)
}

func fetch(t *testing.T, url string, headers ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// exit waits for the end of the watchdog and returns its exit code.
func (w *watchdog) exit(within time.Duration) int {
	w.t.Helper()
	select {
	case <-w.exited:
	case <-time.After(within):
		w.t.Fatalf("the watchdog has not ended within %v", within)
	}
	return w.cmd.ProcessState.ExitCode()
}

func pid(t *testing.T, x target) int {
	t.Helper()
	n, err := strconv.Atoi(x.Pid)
	if err != nil || n <= 0 {
		t.Fatalf("%s has the process %q", x.Target, x.Pid)
	}
	return n
}

// alive reports whether a process exists and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

// overUnix is a client of a Unix socket.
func overUnix(path string) *http.Client {
	return &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", path)
		},
	}}
}
