package journal

import (
	"errors"
	"slices"
	"sync"
	"time"
)

// burst is how long a changed incident waits for more. A crash makes several changes within milliseconds, of which one file is
// made; and meanwhile the disk and the processors are left to the program that is being started again.
const burst = 50 * time.Millisecond

// writer writes the recorder's incidents behind its back, as long as there is something to write. An incident that changes while
// it waits is written once.
type writer struct {
	unsaved map[string]waiting
	count   uint64
	writing bool        // a write is under way, or due
	due     *time.Timer // starts it; nil before the first
	idle    *sync.Cond  // on the recorder's mutex: a write has ended
	failed  error
}

type waiting struct {
	Incident
	number uint64
}

func (r *Recorder) prepare() {
	r.unsaved, r.idle = map[string]waiting{}, sync.NewCond(&r.mu)
}

// put hands an incident to the writer.
func (r *Recorder) put(in Incident) {
	r.remember(in)
	in.Restarts = slices.Clone(in.Restarts) // the latest one may still change
	r.count++
	r.unsaved[in.ID] = waiting{in, r.count}
	if !r.writing {
		r.later()
	}
}

// later has what is unsaved written after a burst.
func (r *Recorder) later() {
	r.writing, r.due = true, time.AfterFunc(burst, r.write)
}

// write writes until nothing is left or something fails; the next put tries again.
func (r *Recorder) write() {
	r.mu.Lock()
	defer r.mu.Unlock()
	failed := false
	for id, w := range r.unsaved {
		r.mu.Unlock()
		err := r.j.SaveIncident(w.Incident)
		r.mu.Lock()
		if err != nil {
			r.failed, failed = err, true
			break
		}
		if r.unsaved[id].number == w.number {
			delete(r.unsaved, id)
		}
	}
	r.writing = false
	if !failed && len(r.unsaved) > 0 { // something was put meanwhile
		r.later()
	}
	r.idle.Broadcast()
}

// trouble returns the error of an earlier write, once.
func (r *Recorder) trouble() error {
	err := r.failed
	r.failed = nil
	return err
}

// Flush waits until every incident is on disk, or the attempt has failed.
func (r *Recorder) Flush() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.writing {
		if r.due.Stop() {
			go r.write()
		}
		r.idle.Wait()
	}
	return r.trouble()
}

// Close writes what is left and closes the file of outages.
func (r *Recorder) Close() error {
	err := r.Flush()
	r.mu.Lock()
	defer r.mu.Unlock()
	var errs []error
	for id, w := range r.unsaved { // failed before: one more try
		errs = append(errs, r.j.SaveIncident(w.Incident))
		delete(r.unsaved, id)
	}
	if len(errs) == 0 {
		errs = append(errs, err)
	}
	return errors.Join(append(errs, r.outages.close())...)
}
