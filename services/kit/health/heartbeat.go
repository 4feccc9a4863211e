package health

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// Heartbeat watches a loop that must not stand still. The loop calls Beat on
// every round; the check fails when none has come for too long. It is the one
// kind of check that belongs to Liveness: a loop that stands still does not
// start again by itself.
//
//	beat := health.NewHeartbeat(time.Minute)
//	checker.Add(health.Check{Name: "mailer", Run: beat.Check, Groups: health.Liveness})
//	for job := range jobs {
//		beat.Beat()
//		…
//	}
type Heartbeat struct {
	patience time.Duration
	began    time.Time
	latest   atomic.Int64 // nanoseconds after began; negative once stopped
}

// NewHeartbeat makes a Heartbeat that counts as beating now, and as standing
// still when no beat has come for longer than patience.
func NewHeartbeat(patience time.Duration) *Heartbeat {
	return &Heartbeat{patience: patience, began: time.Now()}
}

// Beat says that the loop is alive. It costs next to nothing.
func (h *Heartbeat) Beat() { h.latest.Store(int64(time.Since(h.began))) }

// Stop says that the loop has ended on purpose and no beat is expected until
// the next one.
func (h *Heartbeat) Stop() { h.latest.Store(-1) }

// Check is the check.
func (h *Heartbeat) Check(ctx context.Context) error {
	latest := h.latest.Load()
	if latest < 0 {
		return nil
	}
	silence := time.Since(h.began) - time.Duration(latest)
	Observe(ctx, silence.Seconds(), "seconds")
	if silence > h.patience {
		return fmt.Errorf("no beat for %v, want one every %v", silence.Round(time.Millisecond), h.patience)
	}
	return nil
}
