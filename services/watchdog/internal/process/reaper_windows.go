package process

import (
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Windows has no SIGTERM: a worker is ended at once.
const terminate = unsupported("terminate")

// Forwarded are the signals whose meaning only a program knows.
var Forwarded []os.Signal

type unsupported string

func (u unsupported) String() string { return string(u) }

// Signal implements os.Signal.
func (u unsupported) Signal() {}

// reaper starts processes and waits for them.
type reaper struct {
	orphans atomic.Int64

	mu   sync.Mutex
	kids map[int]*os.Process
}

func newReaper() *reaper { return &reaper{kids: map[int]*os.Process{}} }

func (r *reaper) begin() (stop func(), err error) { return func() {}, nil }

// start starts a program; ended is called when it is over.
func (r *reaper) start(command, env []string, files []*os.File, ended func(code int, at time.Time)) (pid int, err error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return 0, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	p, err := os.StartProcess(path, command, &os.ProcAttr{Env: env, Files: files})
	if err != nil {
		return 0, err
	}
	r.kids[p.Pid] = p
	go func() {
		state, err := p.Wait()
		code := 1
		if err == nil {
			code = state.ExitCode()
		}
		r.mu.Lock()
		delete(r.kids, p.Pid)
		r.mu.Unlock()
		ended(code, time.Now())
	}()
	return p.Pid, nil
}

func (r *reaper) signal(pid int, sig os.Signal) {
	if sig == os.Signal(terminate) || sig == os.Interrupt {
		r.kill(pid)
	}
}

func (r *reaper) kill(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if p := r.kids[pid]; p != nil {
		_ = p.Kill() // it may have ended in this moment
	}
}
