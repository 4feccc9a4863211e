package process

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// The test binary is also the program that the workers run; what it does is its first argument.
func TestMain(m *testing.M) {
	if os.Getenv("UPKEEP_TEST_WORKER") != "" {
		os.Exit(program(os.Args[1], os.Args[2:]))
	}
	os.Exit(m.Run())
}

// program is what a worker does.
func program(what string, args []string) int {
	switch what {
	case "exit": // at once, with a code
		code, _ := strconv.Atoi(args[0])
		fmt.Println("on stdout")
		fmt.Fprintln(os.Stderr, "on stderr")
		return code
	case "serve": // until SIGTERM
		return serve(true)
	case "stubborn": // serve, and ignore SIGTERM
		return serve(false)
	case "family": // with a child that ignores SIGTERM; its pid is in a file
		child := exec.Command(os.Args[0], "stubborn")
		child.Env = []string{"UPKEEP_TEST_WORKER=1"} // without the sockets, which are its parent's
		child.Stdout = os.Stdout
		if err := child.Start(); err != nil {
			return 1
		}
		_ = os.WriteFile(args[0], []byte(strconv.Itoa(child.Process.Pid)), 0o600)
		return serve(true)
	case "orphans": // leave N children behind that end by themselves, then serve
		n, _ := strconv.Atoi(args[0])
		for range n {
			middle := exec.Command("/bin/sh", "-c", "(exit 0) & exit 0")
			if err := middle.Run(); err != nil {
				return 1
			}
		}
		return serve(true)
	case "once": // serve the first time, exit later; a file tells which it is
		if _, err := os.Stat(args[0]); err == nil {
			return 9
		}
		_ = os.WriteFile(args[0], nil, 0o600)
		return serve(true)
	}
	return 99
}

// serve answers on both sockets, says so, and ends at SIGTERM if it is polite.
func serve(polite bool) int {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	mux := http.NewServeMux()
	mux.HandleFunc("/health/live", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "%s %d", os.Getenv("WATCHDOG_TARGET"), os.Getpid())
	})
	mux.HandleFunc("/hang", func(http.ResponseWriter, *http.Request) { select {} })
	var ballast []byte
	mux.HandleFunc("/eat", func(http.ResponseWriter, *http.Request) {
		ballast = bytes.Repeat([]byte{1}, 64<<20)
		_ = ballast
	})
	mux.HandleFunc("/metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# HELP served_total By %d.\n# TYPE served_total counter\nserved_total 1\n", os.Getpid())
	})
	n, _ := strconv.Atoi(os.Getenv("LISTEN_FDS"))
	for fd := 3; fd < 3+n; fd++ {
		l, err := net.FileListener(os.NewFile(uintptr(fd), "socket"))
		if err != nil {
			fmt.Println(err)
			return 1
		}
		go http.Serve(l, mux)
	}
	if port := os.Getenv("APP_PORT"); port != "" {
		l, err := net.Listen("tcp", "127.0.0.1:"+port)
		if err != nil {
			fmt.Println(err)
			return 1
		}
		go http.Serve(l, mux)
	}
	fmt.Println("serving", os.Getenv("LISTEN_FDNAMES"), os.Getenv("PORT"))
	<-stop
	fmt.Println("asked to stop")
	if !polite {
		select {}
	}
	return 0
}

// site is a driver under test, and what it has told.
type site struct {
	*Driver
	t       *testing.T
	address string
	out     lockedBuffer
	seen    chan observe.Notice
	end     context.CancelFunc
	ended   chan error
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// running starts workers of the program; change may adjust the options.
func running(t *testing.T, change func(*Options), args ...string) *site {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &site{t: t, address: l.Addr().String(), seen: make(chan observe.Notice, 100), ended: make(chan error, 1)}
	policy := supervise.DefaultPolicy()
	policy.StopTimeout, policy.StopTimeoutHung, policy.StartPeriod = 5*time.Second, 0, 10*time.Second
	opts := Options{
		Name: "api", Workers: 1, Command: append([]string{os.Args[0]}, args...), Environ: append(os.Environ(), "UPKEEP_TEST_WORKER=1", "GORACE=atexit_sleep_ms=0"),
		Listener: l, Port: l.Addr().(*net.TCPAddr).Port, Probe: "/health/live", Policy: policy,
		RunDir: filepath.Join(shortDir(t), "run"), Stdout: &s.out, Stderr: &s.out,
	}
	if change != nil {
		change(&opts)
	}
	if s.Driver, err = New(opts); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	s.end = cancel
	go func() { s.ended <- s.Run(ctx, s.seen) }()
	t.Cleanup(func() {
		cancel()
		<-s.Driver.ended
	})
	return s
}

// shortDir is a directory whose path leaves room for the name of a socket.
func shortDir(t *testing.T) string {
	dir, err := os.MkdirTemp("", "w")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// next returns the next look at a target.
func (s *site) next() observe.Notice {
	s.t.Helper()
	select {
	case n := <-s.seen:
		return n
	case <-time.After(10 * time.Second):
		s.t.Fatalf("nothing is told; the workers say:\n%s", s.out.String())
		panic("unreachable")
	}
}

// up returns the run of the next look once it answers its probe.
func (s *site) up() supervise.Instance {
	s.t.Helper()
	n := s.next()
	run := n.Event.Seen.Instance
	if r, body := s.Probe(s.t.Context(), n.Event.Target, run); !r.OK || body != n.Event.Target+" "+run.ID {
		s.t.Fatalf("%s does not answer: %+v, %q", n.Event.Target, r, body)
	}
	return run
}

func number(t *testing.T, run supervise.Instance) int {
	t.Helper()
	pid, err := strconv.Atoi(run.ID)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// alive reports whether a process exists and is no zombie.
func alive(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}
