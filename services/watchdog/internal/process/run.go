package process

import (
	"os"
	"runtime"
	"slices"
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
	files     []*os.File // what only this process inherits, until it is started

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
	if err := w.prepare(); err != nil {
		return nil, err
	}
	r := w.next
	w.next = nil
	defer r.closeFiles() // the process has its own
	env := append(d.environ[:len(d.environ):len(d.environ)], "WATCHDOG_TARGET="+w.name)
	if d.sockets() {
		env = append(env, "LISTEN_FDS=2", "LISTEN_FDNAMES=http:admin")
	}
	r.oomKills, r.startedAt = d.oom.kills(), time.Now()
	var err error
	if r.pid, err = d.reap.start(d.opts.Command, env, r.inherited(), r.ended); err != nil {
		r.removeSocket()
		return nil, err
	}
	time.AfterFunc(prepareAfter, w.prepareNext)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.runs = append(w.runs, r)
	if len(w.runs) > keptRuns {
		w.runs = w.runs[1:]
	}
	return r, nil
}

// prepareAfter is how long after a start the next one is prepared: when the program, too, has the machine for itself no more.
const prepareAfter = 100 * time.Millisecond

// prepareNext makes ready what the next process inherits, so that a crash does not have to wait for it.
func (w *worker) prepareNext() {
	w.d.mu.Lock()
	defer w.d.mu.Unlock()
	if !w.d.stopping {
		_ = w.prepare() // the start tries again, and tells
	}
}

// prepare makes the next run, but for its process, unless that is made already. It is called with the driver's lock held.
func (w *worker) prepare() error {
	if w.next != nil {
		return nil
	}
	r := &run{w: w, tail: &tail{}, done: make(chan struct{}), told: make(chan struct{})}
	w.prepared++
	if err := r.open(w.prepared); err != nil {
		r.discard()
		return err
	}
	w.next = r
	return nil
}

// open opens what the process inherits.
func (r *run) open(number int) error {
	d := r.w.d
	add := func(f *os.File, err error) error {
		if err == nil {
			r.files = append(r.files, f)
		}
		return err
	}
	if err := add(os.Open(os.DevNull)); err != nil {
		return err
	}
	if err := add(r.tail.pipe("stdout", d.stdout)); err != nil {
		return err
	}
	if err := add(r.tail.pipe("stderr", d.stderr)); err != nil {
		return err
	}
	if !d.sockets() {
		return nil
	}
	path, admin, err := adminSocket(d.opts.RunDir, r.w.name, number)
	r.admin = path
	return add(admin, err)
}

// inherited are the files of the process, in the order of their numbers.
func (r *run) inherited() []*os.File {
	if !r.w.d.sockets() {
		return r.files
	}
	return slices.Insert(slices.Clone(r.files), 3, r.w.d.public)
}

// discard takes back what was prepared.
func (r *run) discard() {
	r.closeFiles()
	r.removeSocket()
}

func (r *run) closeFiles() {
	for _, f := range r.files {
		_ = f.Close() // nothing was written to it
	}
	r.files = nil
}

// ended is called once, when the process has been reaped.
func (r *run) ended(code int, at time.Time) {
	r.code, r.endedAt = code, at
	if code == 128+9 && r.oomKills >= 0 {
		r.oomKilled = r.w.d.oom.kills() > r.oomKills
	}
	close(r.done)
	r.w.ended(r)
	runtime.Gosched() // what was told comes first, and with it the next run, also on a lone processor
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
