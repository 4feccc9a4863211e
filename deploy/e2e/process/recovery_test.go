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

// How long a worker is away: from SIGKILL to the answer of the next process on its own socket, beside the floor, which
// is starting the same program by hand.
func TestProcessRecovery(t *testing.T) {
	w := run(t, []string{"WORKERS=1", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000"}, api())
	w.up(1)
	answered(t, filepath.Join(w.dir, "run", "api-1.1.sock"))
	var recoveries, starts, ends []time.Duration
	var victim target
	for n := 2; n < 2+crashes; n++ {
		start, kill := bareStart(t)
		last := victim.Pid // the status may be half a second old
		w.eventually("the new process is up", func() bool {
			victim = w.up(1)[0]
			return victim.Pid != last
		})
		next := filepath.Join(w.dir, "run", fmt.Sprintf("api-1.%d.sock", n))
		began := time.Now()
		if err := syscall.Kill(pid(t, victim), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		answered(t, next)
		recoveries = append(recoveries, time.Since(began))
		starts, ends = append(starts, start), append(ends, kill())
	}
	recovery, start, end := median(recoveries), median(starts), median(ends)
	t.Logf("median of %d: recovery %v; bare start %v, so all else takes %v, of which the kernel takes about %v to end the killed process",
		crashes, recovery, start, recovery-start, end)
	t.Logf("recoveries %v\nbare starts %v\nbare ends %v", recoveries, starts, ends)
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

// bareStart starts the api with the sockets that the watchdog would give to it, and returns how long it takes to answer. kill
// kills it, and returns how long it takes until that is told.
func bareStart(t *testing.T) (start time.Duration, kill func() time.Duration) {
	t.Helper()
	dir := t.TempDir()
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer public.Close()
	path := filepath.Join(dir, "s")
	admin, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	one, err := public.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, err := admin.File()
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	cmd := exec.Command(api())
	cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin", "LOG_DIR="+dir, "WATCHDOG_TARGET=api-1",
		"ENVIRONMENT=test", "LOG_LEVEL=WARN", "HEALTH_CPU_DEGRADED=0")
	cmd.ExtraFiles = []*os.File{one, two}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answered(t, path)
	return time.Since(began), func() time.Duration {
		began := time.Now()
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // killed
		return time.Since(began)
	}
}
