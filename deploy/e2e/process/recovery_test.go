package process

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"
)

const crashes = 20

// How long a worker is away: from SIGKILL to the answer of the next process on its own socket. Beside it the floor, which is
// starting the same program by hand, and the least that any supervisor needs, which is to wait for the end and to start anew.
func TestProcessRecovery(t *testing.T) {
	w := run(t, []string{"WORKERS=1", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000"}, api())
	w.up(1)
	answered(t, filepath.Join(w.dir, "run", "api-1.1.sock"))
	bare := byHand(t)
	var recoveries, starts, ends, restarts []time.Duration
	var victim target
	for n := 2; n < 2+crashes; n++ {
		began := time.Now()
		bare.start()
		starts = append(starts, time.Since(began))
		began = time.Now()
		bare.kill()
		bare.start()
		restarts = append(restarts, time.Since(began))
		began = time.Now()
		bare.kill()
		ends = append(ends, time.Since(began))

		last := victim.Pid // the status may be half a second old
		w.eventually("the new process is up", func() bool {
			victim = w.up(1)[0]
			return victim.Pid != last
		})
		began = time.Now()
		if err := syscall.Kill(pid(t, victim), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		answered(t, filepath.Join(w.dir, "run", fmt.Sprintf("api-1.%d.sock", n)))
		recoveries = append(recoveries, time.Since(began))
	}
	recovery, start, end, restart := median(recoveries), median(starts), median(ends), median(restarts)
	t.Logf("median of %d: recovery %v; bare start %v, so all else takes %v, of which the kernel takes about %v to end the killed process; "+
		"waiting and starting by hand %v, ratio %.2f", crashes, recovery, start, recovery-start, end, restart, float64(recovery)/float64(restart))
	t.Logf("recoveries %v\nbare starts %v\nbare ends %v\nby hand %v", recoveries, starts, ends, restarts)
	if *maxBehind > 0 && recovery-start > *maxBehind {
		t.Errorf("a recovery takes %v more than a bare start, want %v at most", recovery-start, *maxBehind)
	}
}

func median(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}

// answered asks over a Unix socket, as soon as somebody listens there; from then on the question waits in its queue.
func answered(t *testing.T, path string) {
	t.Helper()
	client := overUnix(path)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(200 * time.Microsecond) {
		if _, err := os.Lstat(path); err != nil && time.Now().Before(deadline) {
			continue // looking costs less than asking, and the processor is needed elsewhere
		}
		resp, err := client.Get("http://worker/health/live")
		if err != nil && time.Now().Before(deadline) && (errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%d %s %v", resp.StatusCode, body, err)
		}
		return
	}
}

// hand starts and kills the api with the sockets that the watchdog would give to it.
type hand struct {
	t             *testing.T
	dir, path     string // its LOG_DIR and its admin socket
	public, admin *os.File
	cmd           *exec.Cmd
}

func byHand(t *testing.T) *hand {
	t.Helper()
	h := &hand{t: t, dir: t.TempDir()}
	h.path = filepath.Join(h.dir, "s")
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer public.Close()
	admin, err := net.ListenUnix("unix", &net.UnixAddr{Name: h.path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	admin.SetUnlinkOnClose(false)
	defer admin.Close()
	if h.public, err = public.(*net.TCPListener).File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.public.Close() })
	if h.admin, err = admin.File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.admin.Close() })
	return h
}

// start returns when the program has answered.
func (h *hand) start() {
	h.t.Helper()
	h.cmd = exec.CommandContext(h.t.Context(), api())
	h.cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin", "LOG_DIR="+h.dir, "WATCHDOG_TARGET=api-1",
		"WORKERS=1", "ENVIRONMENT=test", "LOG_LEVEL=WARN", "HEALTH_CPU_DEGRADED=0")
	h.cmd.ExtraFiles = []*os.File{h.public, h.admin}
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	answered(h.t, h.path)
}

// kill returns when the end is told.
func (h *hand) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait() // killed
}
