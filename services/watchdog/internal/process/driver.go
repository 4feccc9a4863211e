package process

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// Options say what to run. Name, Workers, Command and RunDir are needed.
type Options struct {
	Name    string   // targets are called NAME-1, NAME-2 …
	Workers int      // how many processes
	Command []string // the program, by a path or by a name on PATH, and its arguments
	Environ []string // what the workers inherit, as os.Environ gives it

	// Listener is the public socket, which every worker inherits; nil where PortEnv is set. The driver closes it at the end of
	// Run.
	Listener net.Listener
	PortEnv  string // a program that cannot inherit binds by itself: the variable that tells it the port
	Port     int    // which is this one

	Probe     string           // what a worker is asked: a path, or empty for no probe
	Policy    supervise.Policy // Probe in it is set by the driver
	MaxMemory int64            // bytes of all processes of a worker, 0 = no limit
	RunDir    string           // holds the admin sockets; made, for its owner only
	Upstream  string           // what METRICS_UPSTREAM tells the workers, empty for nothing

	Stdout, Stderr io.Writer    // take what the workers write
	Log            *slog.Logger // for what no Notice tells; nil = silence
}

// Driver runs and restarts workers. Make one with New; its methods may be called from any goroutine.
type Driver struct {
	opts    Options
	log     *slog.Logger
	policy  supervise.Policy
	public  *os.File // nil where programs bind by themselves
	environ []string
	workers []*worker
	reap    *reaper
	oom     oomCounter
	stdout  *sink
	stderr  *sink

	out      chan<- observe.Notice // of Run
	ended    chan struct{}         // Run is over: nobody reads out any more
	mu       sync.Mutex
	stopping bool // nothing is started any more

	reloading sync.Mutex // one reload at a time
}

// defaultGrace is what a worker gets between SIGTERM and SIGKILL unless the policy says otherwise.
const defaultGrace = 10 * time.Second

// New makes a Driver. It starts nothing yet.
func New(opts Options) (*Driver, error) {
	d := &Driver{opts: opts, log: opts.Log, policy: opts.Policy, reap: newReaper(), oom: newOOMCounter(), ended: make(chan struct{})}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.policy.Probe = cmp.Or(opts.Probe, "none")
	if d.policy.StopTimeout < 0 {
		d.policy.StopTimeout = defaultGrace
	}
	d.stdout, d.stderr = &sink{out: opts.Stdout}, &sink{out: opts.Stderr}
	if opts.Listener != nil {
		public, err := handOver(opts.Listener)
		if err != nil {
			return nil, fmt.Errorf("hand the socket %s to the workers: %w", opts.Listener.Addr(), err)
		}
		d.public = public
	}
	if d.sockets() {
		if err := prepareRunDir(opts.RunDir); err != nil {
			return nil, errors.Join(err, d.public.Close())
		}
	}
	d.environ = d.inherited()
	for n := 1; n <= opts.Workers; n++ {
		d.workers = append(d.workers, &worker{d: d, name: opts.Name + "-" + strconv.Itoa(n)})
	}
	return d, nil
}

// sockets reports whether workers are handed sockets.
func (d *Driver) sockets() bool { return d.public != nil }

// notForWorkers are variables that are about the watchdog's own process.
var notForWorkers = []string{
	"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "WATCHDOG_TARGET", "METRICS_UPSTREAM",
}

// inherited is the environment of all workers.
func (d *Driver) inherited() []string {
	drop := map[string]bool{"PORT": d.opts.Port > 0, d.opts.PortEnv: true, "WORKERS": true}
	for _, name := range notForWorkers {
		drop[name] = true
	}
	env := []string{"WORKERS=" + strconv.Itoa(d.opts.Workers)} // so that each knows with how many it shares the machine
	for _, v := range d.opts.Environ {
		if name, _, _ := strings.Cut(v, "="); !drop[name] {
			env = append(env, v)
		}
	}
	if d.opts.Port > 0 {
		env = append(env, cmp.Or(d.opts.PortEnv, "PORT")+"="+strconv.Itoa(d.opts.Port))
	}
	if d.opts.Upstream != "" {
		env = append(env, "METRICS_UPSTREAM="+d.opts.Upstream)
	}
	return env
}

// Run starts the workers, watches them until ctx ends, and stops them: SIGTERM to all, SIGKILL to what is left after the
// stop timeout. It fails at once when the program cannot be started. It is called once.
func (d *Driver) Run(ctx context.Context, out chan<- observe.Notice) error {
	defer close(d.ended)
	defer d.oom.close()
	if d.public != nil {
		defer d.public.Close()
	}
	d.out = out
	watching, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	stopReaping, err := d.reap.begin()
	if err != nil {
		return err
	}
	defer stopReaping()
	for _, w := range d.workers {
		r, err := w.start()
		if err != nil {
			d.stop()
			return fmt.Errorf("start %s: %w", w.name, err)
		}
		w.adopt(r)
	}
	wg.Go(func() { d.measure(watching) })
	<-ctx.Done()
	d.stop()
	return nil
}

// stop ends all workers at once and waits for them.
func (d *Driver) stop() {
	d.mu.Lock()
	d.stopping = true
	d.mu.Unlock()
	var wg sync.WaitGroup
	for _, w := range d.workers {
		if w.next != nil { // nobody changes it any more
			w.next.discard()
		}
		for _, r := range w.alive() {
			wg.Go(func() {
				r.stop(d.policy.StopTimeout)
				r.tail.settled() // its last words are passed on, too
			})
		}
	}
	wg.Wait()
}

// errStopping is why nothing is started any more.
var errStopping = errors.New("the watchdog is stopping")

// Signal sends a signal to every worker.
func (d *Driver) Signal(sig os.Signal) {
	for _, w := range d.workers {
		for _, r := range w.alive() {
			r.signal(sig)
		}
	}
}

// tell hands a notice to the loop, until Run is over.
func (d *Driver) tell(n observe.Notice) {
	select {
	case d.out <- n:
	case <-d.ended:
	}
}

// worker returns the worker of a target.
func (d *Driver) worker(target string) *worker {
	for _, w := range d.workers {
		if w.name == target {
			return w
		}
	}
	return nil
}
