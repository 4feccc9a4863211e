package process

import (
	"bufio"
	"fmt"
	"io"
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
	bare := byHand(t)
	var recoveries, starts, ends, restarts []time.Duration
	var victim target
	for n := 2; n < 2+crashes; n++ {
		// All that waits comes first, so that all three are measured on processors as busy, and caches as warm.
		last := victim.Pid // the status may be half a second old
		w.eventually("the new process is up", func() bool {
			victim = w.up(1)[0]
			return victim.Pid != last
		})
		conn := connected(t, filepath.Join(w.dir, "run", fmt.Sprintf("api-1.%d.sock", n)))

		bare.prepare()
		began := time.Now()
		bare.start()
		starts = append(starts, time.Since(began))
		bare.prepare()
		began = time.Now()
		bare.kill()
		bare.start()
		restarts = append(restarts, time.Since(began))
		began = time.Now()
		bare.kill()
		ends = append(ends, time.Since(began))

		began = time.Now()
		if err := syscall.Kill(pid(t, victim), syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		answered(t, conn)
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

// connected returns a connection over a Unix socket that waits in its queue, so that whoever is started next answers it first.
func connected(t *testing.T, path string) net.Conn {
	t.Helper()
	var conn net.Conn
	eventually(t, "the socket of the next process is there", func() bool {
		var err error
		conn, err = net.Dial("unix", path)
		return err == nil
	})
	return conn
}

// answered asks over a connection, and waits for the answer.
func answered(t *testing.T, conn net.Conn) {
	t.Helper()
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, "http://worker/health/live", nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s %v", resp.StatusCode, body, err)
	}
}

// hand starts and kills the api with the sockets that the watchdog would give to it.
type hand struct {
	t      *testing.T
	dir    string // its LOG_DIR
	public *os.File
	number int
	admin  *os.File // of the next start
	conn   net.Conn // waits there
	cmd    *exec.Cmd
}

func byHand(t *testing.T) *hand {
	t.Helper()
	h := &hand{t: t, dir: t.TempDir()}
	public, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer public.Close()
	if h.public, err = public.(*net.TCPListener).File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.public.Close() })
	return h
}

// prepare makes ready what the next start needs, as the watchdog does.
func (h *hand) prepare() {
	h.t.Helper()
	h.number++
	path := filepath.Join(h.dir, fmt.Sprint(h.number))
	admin, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		h.t.Fatal(err)
	}
	admin.SetUnlinkOnClose(false)
	defer admin.Close()
	if h.admin, err = admin.File(); err != nil {
		h.t.Fatal(err)
	}
	h.conn = connected(h.t, path)
}

// start returns when the program has answered.
func (h *hand) start() {
	h.t.Helper()
	defer h.admin.Close()
	h.cmd = exec.CommandContext(h.t.Context(), api())
	h.cmd.Env = append(os.Environ(), "LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin", "LOG_DIR="+h.dir, "WATCHDOG_TARGET=api-1",
		"WORKERS=1", "ENVIRONMENT=test", "LOG_LEVEL=WARN", "HEALTH_CPU_DEGRADED=0")
	h.cmd.ExtraFiles = []*os.File{h.public, h.admin}
	if err := h.cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	answered(h.t, h.conn)
}

// kill returns when the end is told.
func (h *hand) kill() {
	_ = h.cmd.Process.Kill()
	_ = h.cmd.Wait() // killed
}
