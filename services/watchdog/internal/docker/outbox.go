package docker

import (
	"context"
	"sync"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

// outbox holds notices until the reader takes them, so that a reader that is busy never makes the driver slow: the engine
// drops events of a stream that is not read for 100 ms.
type outbox struct {
	mu    sync.Mutex
	queue []observe.Notice
	wake  chan struct{}
}

func (o *outbox) push(n observe.Notice) {
	o.mu.Lock()
	o.queue = append(o.queue, n)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// run hands the notices out, in their order, until ctx ends.
func (o *outbox) run(ctx context.Context, out chan<- observe.Notice) {
	for {
		o.mu.Lock()
		batch := o.queue
		o.queue = nil
		o.mu.Unlock()
		for _, n := range batch {
			select {
			case out <- n:
			case <-ctx.Done():
				return
			}
		}
		if len(batch) > 0 {
			continue
		}
		select {
		case <-o.wake:
		case <-ctx.Done():
			return
		}
	}
}
