package serve_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/kit/serve"
)

// silent is a listener that nobody calls. It notes when it was closed.
type silent struct {
	once   sync.Once
	closed chan struct{}
	at     time.Time
}

func newSilent() *silent { return &silent{closed: make(chan struct{})} }

func (s *silent) Accept() (net.Conn, error) {
	<-s.closed
	return nil, net.ErrClosed
}

func (s *silent) Close() error {
	s.once.Do(func() {
		s.at = time.Now()
		close(s.closed)
	})
	return nil
}

func (s *silent) Addr() net.Addr { return &net.UnixAddr{Name: "silent", Net: "unix"} }

// The times of the end, to the nanosecond.
func TestTimesOfTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		var said []string
		note := func(what string) { said = append(said, fmt.Sprint(what, " ", time.Since(start))) }
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		ln := newSilent()
		err := serve.Run(ctx, serve.Options{
			Listeners:       []net.Listener{ln},
			Handler:         hello,
			BeforeDrain:     func() { note("not ready") },
			DrainDelay:      5 * time.Second,
			ShutdownTimeout: 10 * time.Second,
			Teardown: []serve.Step{
				{Name: "slow", Func: func(context.Context) error { time.Sleep(2 * time.Second); note("slow"); return nil }},
				{Name: "stuck", Func: func(ctx context.Context) error { <-ctx.Done(); return context.Cause(ctx) }},
				{Name: "late", Func: func(context.Context) error { note("late"); return nil }},
			},
		})
		note("end")
		if got := ln.at.Sub(start); got != time.Minute+5*time.Second {
			t.Errorf("the listener closed after %v, want 1m5s", got)
		}
		// Of ten seconds, slow takes two; stuck may have half of the other eight; the rest is late's.
		if got, want := strings.Join(said, ", "), "not ready 1m0s, slow 1m7s, late 1m11s, end 1m11s"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if err == nil || !strings.Contains(err.Error(), "stuck: ") {
			t.Errorf("error: %v, want the stuck step in it", err)
		}
	})
}
