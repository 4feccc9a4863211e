package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const scrapes = 50

// weigh prints the size of the images, the memory of the running services and what a scrape of them costs.
func weigh(ctx context.Context, s *stack.Stack, w io.Writer) error {
	fmt.Fprintf(w, "\n| image | MB |\n|---|---|\n")
	for _, name := range stack.Built {
		size, err := stack.ImageSize(ctx, stack.Image(name))
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %.1f |\n", name, float64(size)/1e6)
	}
	fmt.Fprintf(w, "\n| service | resident memory, MB | /metrics, median of %d, ms | bytes |\n|---|---|---|---|\n", scrapes)
	for _, name := range []string{"api", "watchdog"} {
		var times []time.Duration
		var page []byte
		for range scrapes {
			began := time.Now()
			var err error
			if page, err = s.Get(ctx, s.URL(name, "/metrics")); err != nil {
				return err
			}
			times = append(times, time.Since(began))
		}
		rss, err := stack.Metric(page, "process_resident_memory_bytes")
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "| %s | %.1f | %.2f | %d |\n", name, rss/1e6, float64(median(times).Microseconds())/1000, len(page))
	}
	return nil
}
