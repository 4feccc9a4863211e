package load_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/load"
)

// Every other request fails with a status, and all of them when nobody listens any more.
func TestCount(t *testing.T) {
	var asked atomic.Int32
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		switch n := asked.Add(1); {
		case n >= 6:
			cancel()
		case n%2 == 0:
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	var l load.Load
	l.Run(ctx, 1000, server.URL)
	if c := l.Count(); c.Failed != 2 || c.Refused != 0 || c.InFlight != 0 || c.Sent != c.Answered+2 || len(c.Errors) != 2 || c.Slowest <= 0 {
		t.Errorf("%+v", c)
	}

	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	var r load.Load
	r.Run(ctx, 1000, "http://"+closed.Addr().String())
	if c := r.Count(); c.Sent == 0 || c.Refused != c.Sent || c.Failed != c.Sent {
		t.Errorf("%+v", c)
	}
}
