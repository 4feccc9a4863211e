package process

import (
	"os"
	"sync/atomic"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

// run is one process of a worker, with all that it starts.
type run struct {
	w         *worker
	pid       int
	startedAt time.Time
	admin     string // path of its admin socket, empty without one
	tail      *tail

	stopping   atomic.Bool // it was asked to end: once, as many programs take a second SIGTERM for impatience
	expected   atomic.Bool // its end is part of a reload, and no news
	overMemory atomic.Bool
	oomKills   int                           // in our control group before it ended, -1 = not known
	usage      atomic.Pointer[observe.Usage] // the latest figures

	done      chan struct{} // closed when it is over; what follows is set before
	code      int
	endedAt   time.Time
	oomKilled bool
	told      chan struct{} // closed when its end has been told
}

// over reports whether the process has ended: with which exit code, 128 and the signal when one ended it, and when.
func (r *run) over() (code int, at time.Time, over bool) {
	select {
	case <-r.done:
		return r.code, r.endedAt, true
	default:
		return 0, time.Time{}, false
	}
}

// start starts a process. It stands for the target only when it is adopted.
func (w *worker) start() (*run, error) {
	d := w.d
	d.mu.Lock() // so that stop finds all that was started
	defer d.mu.Unlock()
	if d.stopping {
		return nil, errStopping
	}
	r := &run{w: w, tail: &tail{}, done: make(chan struct{}), told: make(chan struct{}), oomKills: d.oom.kills()}
	env := append(d.environ[:len(d.environ):len(d.environ)], "WATCHDOG_TARGET="+w.name)
	var inherit []*os.File
	w.mu.Lock()
	w.starts++
	number := w.starts
	w.mu.Unlock()
	if d.sockets() {
		path, admin, err := adminSocket(d.opts.RunDir, w.name, number)
		if err != nil {
			return nil, err
		}
		defer admin.Close() // the process has its own copy
		r.admin = path
		inherit = []*os.File{d.public, admin}
		env = append(env, "LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin")
	}
	out, err := r.tail.pipe("stdout", d.stdout)
	if err != nil {
		r.removeSocket()
		return nil, err
	}
	defer out.Close()
	errs, err := r.tail.pipe("stderr", d.stderr)
	if err != nil {
		r.removeSocket()
		return nil, err
	}
	defer errs.Close()
	r.startedAt = time.Now()
	r.pid, err = d.reap.start(d.opts.Command, env, append([]*os.File{nil, out, errs}, inherit...), r.ended)
	if err != nil {
		r.removeSocket()
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, r)
	if len(w.runs) > keptRuns {
		w.runs = w.runs[1:]
	}
	return r, nil
}

// ended is called once, when the process has been reaped.
func (r *run) ended(code int, at time.Time) {
	r.code, r.endedAt = code, at
	if code == 128+9 && r.oomKills >= 0 {
		r.oomKilled = r.w.d.oom.kills() > r.oomKills
	}
	close(r.done)
	r.w.ended(r)
	r.removeSocket()
	close(r.told)
}

func (r *run) removeSocket() {
	if r.admin != "" {
		_ = os.Remove(r.admin) // swept at the next start of the watchdog at the latest
	}
}

// stop asks the process to end, and after grace ends it with all that it has started. It returns when it is over and
// that has been told.
func (r *run) stop(grace time.Duration) {
	if grace > 0 {
		if !r.stopping.Swap(true) {
			r.signal(terminate)
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-r.told:
			return
		case <-timer.C:
		}
	}
	r.w.d.reap.kill(r.pid)
	<-r.told
}

// signal sends the process a signal, unless it is over.
func (r *run) signal(sig os.Signal) { r.w.d.reap.signal(r.pid, sig) }
