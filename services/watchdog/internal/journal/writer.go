package journal

import (
	"errors"
	"slices"
	"sync"
)

// writer writes the recorder's incidents on a goroutine that lives as long as there is something to write. An incident
// that changes while it waits is written once.
type writer struct {
	unsaved map[string]waiting
	count   uint64
	writing bool
	idle    *sync.Cond // on the recorder's mutex: writing became false
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
		r.writing = true
		go r.write()
	}
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
		r.writing = true
		go r.write()
		return
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
