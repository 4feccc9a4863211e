package docker

import (
	"context"
	"sync"
	"time"

	"github.com/containerd/errdefs"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	lookers   = 16               // looks at once
	patience  = time.Second      // after that, a look that hangs makes room for another
	lookLimit = 30 * time.Second // after that it is given up
	endLimit  = time.Second      // how long to wait for the event of an end that a look has found
)

// looker inspects containers: many at once, one at a time each, and never held up by one that hangs.
type looker struct {
	d     *Driver
	cli   *client.Client
	ctx   context.Context
	wg    *sync.WaitGroup
	slots chan struct{}
	since time.Time // when the stream of events was opened

	mu      sync.Mutex
	running map[string]bool // by ID; true: look once more, something happened since
}

// look starts to look at containers.
func (l *looker) look(ids ...string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, id := range ids {
		if _, ok := l.running[id]; ok {
			l.running[id] = true
			continue
		}
		l.running[id] = false
		l.wg.Go(func() { l.run(id) })
	}
}

func (l *looker) run(id string) {
	for {
		l.one(id)
		l.mu.Lock()
		if !l.running[id] || l.ctx.Err() != nil {
			delete(l.running, id)
			l.mu.Unlock()
			return
		}
		l.running[id] = false
		l.mu.Unlock()
	}
}

// one looks once.
func (l *looker) one(id string) {
	select {
	case l.slots <- struct{}{}:
	case <-l.ctx.Done():
		return
	}
	var once sync.Once
	free := func() { once.Do(func() { <-l.slots }) }
	defer free()
	defer time.AfterFunc(patience, free).Stop()

	ctx, cancel := context.WithTimeout(l.ctx, lookLimit)
	defer cancel()
	seen, err := inspect(ctx, l.cli, id)
	switch {
	case errdefs.IsNotFound(err):
		l.look(l.d.reg.drop(id)...)
	case l.ctx.Err() != nil:
	case err != nil:
		l.d.log.Warn("a container cannot be looked at", "container", id, "error", err)
	default:
		donor, donorErr := l.d.donorOf(ctx, l.cli, seen)
		again, wait := l.d.saw(seen, donor, errdefs.IsNotFound(donorErr), l.since)
		l.look(again...)
		if wait > 0 {
			l.wg.Go(func() { l.later(id, wait) })
		}
	}
}

// later looks again after a while.
func (l *looker) later(id string, wait time.Duration) {
	select {
	case <-l.ctx.Done():
	case <-time.After(wait):
		l.look(id)
	}
}

func inspect(ctx context.Context, cli *client.Client, id string) (look, error) {
	res, err := cli.ContainerInspect(ctx, id, client.ContainerInspectOptions{})
	if err != nil {
		return look{}, err
	}
	return examine(res.Container), nil
}

// donorOf looks at the container whose network another one shares; nil when it shares none.
func (d *Driver) donorOf(ctx context.Context, cli *client.Client, l look) (*look, error) {
	if l.donor == "" {
		return nil, nil
	}
	donor, err := inspect(ctx, cli, l.donor)
	if err != nil {
		return nil, err
	}
	return &donor, nil
}

// saw takes in a look and tells of it. It returns the IDs of the containers for which that changed something, and how long
// to wait before another look when this one came too early to be told.
func (d *Driver) saw(l look, donor *look, donorMissing bool, since time.Time) (again []string, wait time.Duration) {
	where := d.addresses(l, donor)
	r := d.reg
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.all[l.id]
	if e == nil || !e.target {
		return nil, 0
	}
	if r.tooEarly(e, l, since) {
		return nil, endLimit
	}
	changed := e.name != l.name
	e.identity = e.renamed(l.name)
	if donor != nil && e.donor != donor.id {
		e.donor, changed = donor.id, true
	}
	if changed {
		again = r.settle()
	}
	e.thaw(l)
	e.look = &l
	e.where = where
	e.info = &observe.Info{
		Target: e.key, ContainerID: l.id, Name: l.name, Image: l.image, Project: e.project, Service: e.service,
		Addresses: where.addrs, StartedAt: l.startedAt, MemoryLimit: l.memoryLimit,
	}
	if r.owners[e.key] != e {
		return again, 0
	}
	r.told[e.key] = true
	r.tell(observe.Notice{
		Event: supervise.Event{Kind: supervise.EventSeen, At: time.Now(), Target: e.key, Seen: e.observation(l, donorMissing)},
		Info:  e.info,
	})
	return again, 0
}

// tooEarly reports whether a look that found a container ended overtook the event of that end, and with it the signal that
// may explain it. The event leads to another look; should it never come, the wait has an end.
func (r *registry) tooEarly(e *entry, l look, since time.Time) bool {
	ended := l.status == supervise.StatusExited || l.status == supervise.StatusDead
	if !ended || l.finishedAt.Before(since) || !e.lastDie.Before(l.finishedAt) {
		e.awaiting = time.Time{}
		return false
	}
	if e.awaiting.IsZero() {
		e.awaiting = time.Now()
		return true
	}
	if time.Since(e.awaiting) < endLimit {
		return true
	}
	e.awaiting = time.Time{}
	return false
}

// died notes when a container ended, by the engine's clock.
func (r *registry) died(id string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.all[id]; e != nil {
		e.lastDie = at
	}
}

// oom counts a process that the kernel killed for want of memory.
func (r *registry) oom(id string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.all[id]; e != nil {
		e.ooms++
	}
}
