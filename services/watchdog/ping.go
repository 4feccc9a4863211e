package main

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/config"
)

// pingTimeout bounds one ping.
const pingTimeout = 10 * time.Second

// pinger tells an observer outside that the watchdog goes round and reaches the engine. When the pings stop, somebody
// else raises the alarm: nothing on a dead machine can. A nil pinger does nothing.
type pinger struct {
	url    config.Secret // knowing it is all that it takes to silence the alarm
	every  time.Duration
	log    *zap.Logger
	client *http.Client
	last   time.Time
	failed bool
	mu     sync.Mutex // guards failed
}

func newPinger(url config.Secret, every time.Duration, log *zap.Logger) *pinger {
	if url == "" {
		return nil
	}
	return &pinger{url: url, every: max(every, time.Second), log: log, client: &http.Client{Timeout: pingTimeout}}
}

// round is called when the loop has gone round; it pings when that is due and the engine is reached.
func (p *pinger) round(calls *sync.WaitGroup, ctx context.Context, now time.Time, connected bool) {
	if p == nil || !connected || !p.last.IsZero() && now.Sub(p.last) < p.every {
		return
	}
	p.last = now
	calls.Go(func() { p.note(p.ping(ctx)) })
}

func (p *pinger) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url.Reveal(), nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return fmt.Errorf("it answers %d", resp.StatusCode)
	}
	return nil
}

// note logs when pings begin to fail and when they work again. The error names the URL, so it is not logged.
func (p *pinger) note(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if failed := err != nil; failed != p.failed {
		p.failed = failed
		if failed {
			p.log.Warn("the pings to WATCHDOG_PING_URL fail; the observer will raise the alarm")
		} else {
			p.log.Info("the pings to WATCHDOG_PING_URL arrive again")
		}
	}
}
