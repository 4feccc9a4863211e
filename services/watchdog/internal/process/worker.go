package process

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// worker is one target: the runs of the program that follow one another under one name.
type worker struct {
	d    *Driver
	name string

	acting sync.Mutex // one start, restart or replacement at a time

	next     *run // prepared; under the driver's lock, as is the number
	prepared int

	mu      sync.Mutex
	current *run   // what stands for the target
	runs    []*run // the latest ones, the current among them, for evidence
}

// keptRuns is how many runs of a worker are remembered.
const keptRuns = 3

// adopt makes a run the one that stands for the target, and tells so.
func (w *worker) adopt(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.current = r
	w.report()
}

// ended is called when a run is over.
func (w *worker) ended(r *run) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == r && !r.expected.Load() {
		w.report()
	}
}

// report tells how the current run stands. It is called with the lock held, so that what is told is told in its order.
func (w *worker) report() {
	r, d := w.current, w.d
	obs := &supervise.Observation{
		Instance: r.instance(), Status: supervise.StatusRunning,
		Health: supervise.HealthNone, RestartPolicy: supervise.RestartNo, Policy: d.policy, OverMemory: r.overMemory.Load(),
	}
	if code, at, over := r.over(); over {
		obs.Status, obs.ExitCode, obs.FinishedAt, obs.OOMKilled = supervise.StatusExited, code, at, r.oomKilled
	}
	d.tell(observe.Notice{
		Event: supervise.Event{Kind: supervise.EventSeen, At: time.Now(), Target: w.name, Seen: obs},
		Info: &observe.Info{
			Target: w.name, ContainerID: r.id(), Name: w.name, Image: d.opts.Command[0], StartedAt: r.startedAt,
			MemoryLimit: uint64(max(d.opts.MaxMemory, 0)),
		},
	})
}

// now returns the run that stands for the target, nil before the first.
func (w *worker) now() *run {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.current
}

// alive lists the runs that have not ended: while one replaces another, both.
func (w *worker) alive() []*run {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Clone(w.runs), func(r *run) bool { _, _, over := r.over(); return over })
}

// find returns a run by its ID.
func (w *worker) find(id string) *run {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, r := range slices.Backward(w.runs) {
		if r.id() == id {
			return r
		}
	}
	return nil
}

func (r *run) id() string { return strconv.Itoa(r.pid) }

func (r *run) instance() supervise.Instance {
	return supervise.Instance{ID: r.id(), StartedAt: r.startedAt}
}
