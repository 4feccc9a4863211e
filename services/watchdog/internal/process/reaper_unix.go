//go:build unix

package process

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

const terminate = syscall.SIGTERM

// Forwarded are the signals whose meaning only a program knows.
var Forwarded = []os.Signal{syscall.SIGUSR1, syscall.SIGUSR2}

// reaper starts processes and collects whatever ends: our own children, and, where the watchdog is PID 1 or a subreaper, the
// orphans that they leave behind. All of it happens here, as waiting for any child would take the exit codes of
// children from those who wait for one of them.
type reaper struct {
	jobs    chan func() // run on a thread of their own
	orphans atomic.Int64

	mu   sync.Mutex // also held from a process's start until it is known here, so that its end cannot come first
	kids map[int]func(code int, at time.Time)
}

func newReaper() *reaper {
	return &reaper{jobs: make(chan func()), kids: map[int]func(int, time.Time){}}
}

// begin collects until the returned function is called.
func (r *reaper) begin() (stop func(), err error) {
	if err := adoptOrphans(); err != nil {
		return nil, err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	quit := make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			select {
			case <-ended:
				r.collect()
			case <-quit:
				return
			}
		}
	})
	wg.Go(func() {
		// The kernel takes the end of a thread for the end of the parent when a child asked to die with it, so they are all
		// started from a thread that lives as long as the watchdog.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		for {
			select {
			case job := <-r.jobs:
				job()
			case <-quit:
				return
			}
		}
	})
	return func() {
		signal.Stop(ended)
		close(quit)
		wg.Wait()
		r.collect()
	}, nil
}

// start starts a program; ended is called when it is over.
func (r *reaper) start(command, env []string, files []*os.File, ended func(code int, at time.Time)) (pid int, err error) {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return 0, err
	}
	fds := make([]uintptr, len(files))
	for i, f := range files {
		fds[i] = f.Fd()
	}
	done := make(chan struct{})
	r.jobs <- func() {
		defer close(done)
		r.mu.Lock()
		defer r.mu.Unlock()
		pid, err = syscall.ForkExec(path, command, &syscall.ProcAttr{Env: env, Files: fds, Sys: attributes()}) //nolint:gosec // starting the command that we are given is what we are for
		if err == nil {
			r.kids[pid] = ended
		}
	}
	<-done
	runtime.KeepAlive(files)
	if err != nil {
		return 0, &os.PathError{Op: "start", Path: path, Err: err}
	}
	return pid, nil
}

// collect reaps everything that has ended. What a worker has started ends with it.
func (r *reaper) collect() {
	for {
		var status syscall.WaitStatus
		r.mu.Lock()
		pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
		if err == syscall.EINTR {
			r.mu.Unlock()
			continue
		}
		if err != nil || pid <= 0 {
			r.mu.Unlock()
			return
		}
		at := time.Now()
		ended := r.kids[pid]
		delete(r.kids, pid)
		if ended != nil {
			_ = syscall.Kill(-pid, syscall.SIGKILL) // mostly nobody is left
		}
		r.mu.Unlock()
		if ended == nil {
			r.orphans.Add(1)
			continue
		}
		code := status.ExitStatus()
		if status.Signaled() {
			code = 128 + int(status.Signal())
		}
		ended(code, at)
	}
}

// signal sends a process a signal, unless it has been reaped: then its number may belong to another.
func (r *reaper) signal(pid int, sig os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s, ok := sig.(syscall.Signal); ok && r.kids[pid] != nil {
		_ = syscall.Kill(pid, s) // it exists, if only as a zombie
	}
}

// kill ends a process and its group.
func (r *reaper) kill(pid int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.kids[pid] != nil {
		_ = syscall.Kill(-pid, syscall.SIGKILL) // it leads the group
	}
}
