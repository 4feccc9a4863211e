package health_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// The benchmarks measure the pages while one check hangs for ever, and a bare
// net/http handler with a body of the same length beside them.
//
//	go test -run '^$' -bench Pages ./health

func hangingPages(b *testing.B) http.Handler {
	b.Helper()
	answered := make(chan struct{})
	var once sync.Once
	checker := health.New(health.Options{Service: "api", Version: "1.0.0", OnChange: func(c health.Change) {
		if c.Check == "deaf" {
			once.Do(func() { close(answered) })
		}
	}})
	ok := func(context.Context) error { return nil }
	err := checker.Add(
		health.Check{Name: "deaf", Soft: true, Interval: time.Second, Timeout: 10 * time.Millisecond, Run: func(context.Context) error { select {} }},
		health.Check{Name: "a", Run: ok}, health.Check{Name: "b", Run: ok}, health.Check{Name: "c", Run: ok},
	)
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	go checker.Run(ctx)
	<-answered
	return mounted(health.NewPages(checker, health.PageOptions{}))
}

func bare(body string) http.Handler {
	raw := []byte(body)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(raw)
	})
}

const summaryBody = `{"status":"degraded","service":"api","version":"1.0.0","uptime_seconds":2.590468,"timestamp":"2026-11-23T22:49:39.305Z","checks":{"total":4,"healthy":3,"degraded":0,"unhealthy":1,"unknown":0}}` + "\n"

func BenchmarkPages(b *testing.B) {
	pages := hangingPages(b)
	for _, c := range []struct {
		name, path string
		handler    http.Handler
	}{
		{"bare-short", "/health/live", bare(`{"status":"healthy","live":true}` + "\n")},
		{"live", "/health/live", pages},
		{"ready", "/health/ready", pages},
		{"bare-long", "/health", bare(summaryBody)},
		{"summary", "/health", pages},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				r, _ := http.NewRequest(http.MethodGet, c.path, nil)
				w := &sink{header: http.Header{}}
				for pb.Next() {
					c.handler.ServeHTTP(w, r)
				}
			})
		})
	}
}

// sink is a ResponseWriter that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(int)             {}
