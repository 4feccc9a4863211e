package docker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/moby/moby/api/types/events"
	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

const (
	callTimeout  = 10 * time.Second // for calls that are answered at once by an engine that is well
	listTimeout  = 30 * time.Second
	pingEvery    = 10 * time.Second
	firstBackoff = 250 * time.Millisecond
	maxBackoff   = 5 * time.Second
	steady       = 30 * time.Second // a connection that lasted so long makes the next try immediate
	eventBuffer  = 8192             // events read and not yet worked off
)

// Run watches until ctx ends, whatever happens to the engine, and then returns nil. It is called once.
func (d *Driver) Run(ctx context.Context, out chan<- observe.Notice) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	wg.Go(func() { d.out.run(ctx, out) })
	backoff, told := firstBackoff, ""
	for {
		began := time.Now()
		connected, err := d.session(ctx)
		d.setClient(nil)
		if ctx.Err() != nil {
			return nil
		}
		if connected || err.Error() != told {
			told = err.Error()
			d.out.push(observe.Notice{Connection: &observe.Connection{Error: told}})
		}
		if connected && time.Since(began) > steady {
			backoff = firstBackoff
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(backoff):
		}
		backoff = min(2*backoff, maxBackoff)
	}
}

// session is one connection, from the first ping to the loss.
func (d *Driver) session(parent context.Context) (connected bool, err error) {
	ctx, cancel := context.WithCancelCause(parent)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel(nil)

	cli, err := d.dial()
	if err != nil {
		return false, err
	}
	defer cli.Close()
	conn, err := greet(ctx, cli)
	if err != nil {
		return false, err
	}
	d.learnSelf(ctx, cli)
	since := d.lastAlive()
	opened := time.Now()
	stream, err := subscribe(ctx, cli)
	if err != nil {
		return false, err
	}
	queue := make(chan events.Message, eventBuffer)
	wg.Go(func() { cancel(drain(ctx, stream, queue)) })

	// The stream is open, so from here on nothing is missed. What is listed now is known before it is told, so that
	// signals from before can be told first.
	list, err := d.list(ctx, cli)
	if err != nil {
		return false, err
	}
	l := &looker{d: d, cli: cli, ctx: ctx, wg: &wg, slots: make(chan struct{}, lookers), running: map[string]bool{}, since: opened}
	vanished := d.reg.missing(list)
	d.reg.add(list...)
	d.setClient(cli)
	d.out.push(observe.Notice{Connection: &conn})
	replayed := d.replay(ctx, cli, list, since)
	d.setAlive()
	l.look(vanished...)
	l.look(d.reg.targets()...)
	wg.Go(func() { cancel(d.watchConnection(ctx, cli)) })
	wg.Go(func() { cancel(d.resync(ctx, cli, l)) })
	var told ends
	take := func(m events.Message) {
		told.note(m, time.Now())
		if m.Action != events.ActionKill || !eventTime(m).Before(replayed) { // else told already, or answered by a start
			d.handle(m, l)
		}
	}
	for {
		select {
		case m := <-queue:
			take(m)
		case id := <-d.peeks:
			l.look(id)
		case <-ctx.Done():
			for len(queue) > 0 {
				take(<-queue)
			}
			d.doubts, _ = told.shutdown(time.Now())
			return true, context.Cause(ctx)
		}
	}
}

// greet negotiates the API version and asks for the engine's.
func greet(ctx context.Context, cli *client.Client) (observe.Connection, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := cli.Ping(ctx, client.PingOptions{NegotiateAPIVersion: true}); err != nil {
		return observe.Connection{}, fmt.Errorf("ping: %w", err)
	}
	conn := observe.Connection{Connected: true, APIVersion: cli.ClientVersion()}
	if v, err := cli.ServerVersion(ctx, client.ServerVersionOptions{}); err == nil {
		conn.ServerVersion = v.Version
	}
	return conn, nil
}

func (d *Driver) setClient(cli *client.Client) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.cli = cli
}

func (d *Driver) setAlive() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.alive = time.Now()
}

func (d *Driver) lastAlive() time.Time {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.alive
}

// list returns all containers, those that are no targets too: another's network may be theirs.
func (d *Driver) list(ctx context.Context, cli *client.Client) ([]known, error) {
	ctx, cancel := context.WithTimeout(ctx, listTimeout)
	defer cancel()
	res, err := cli.ContainerList(ctx, client.ContainerListOptions{All: true})
	if err != nil {
		return nil, fmt.Errorf("list containers: %w", err)
	}
	list := make([]known, 0, len(res.Items))
	for _, c := range res.Items {
		list = append(list, known{id: c.ID, name: properName(c.Names), labels: c.Labels, created: c.Created, running: c.State == container.StateRunning})
	}
	return list, nil
}

// resync looks at everything again and again, as a lost event may have hidden something.
func (d *Driver) resync(ctx context.Context, cli *client.Client, l *looker) error {
	ticker := time.NewTicker(d.opts.Resync)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
		list, err := d.list(ctx, cli)
		if err != nil {
			return err
		}
		d.learnSelf(ctx, cli)
		l.look(d.reg.missing(list)...) // not dropped at once: it may have been made after the list
		d.reg.add(list...)
		l.look(d.reg.targets()...)
	}
}

// watchConnection ends with an error when the engine stops answering, which an open stream may not show.
func (d *Driver) watchConnection(ctx context.Context, cli *client.Client) error {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for failures := 0; ; {
		one, cancel := context.WithTimeout(ctx, callTimeout)
		_, err := cli.Ping(one, client.PingOptions{})
		cancel()
		switch {
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case err == nil:
			failures = 0
			d.setAlive()
		default:
			if failures++; failures == 2 {
				return fmt.Errorf("the engine does not answer: %w", err)
			}
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
