package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"

	"github.com/upkeephq/upkeep/services/kit/config"
)

func TestPingsAfterARoundWithAnEngine(t *testing.T) {
	var mu sync.Mutex
	pings, answer := 0, http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		pings++
		w.WriteHeader(answer)
	}))
	defer srv.Close()
	core, logs := observer.New(zapcore.DebugLevel)
	p := newPinger(config.Secret(srv.URL+"/secret-id"), 30*time.Second, zap.New(core))
	var calls sync.WaitGroup
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, c := range []struct {
		after     time.Duration
		connected bool
		answer    int
		pings     int
	}{
		{0, false, 200, 0}, // nobody is told that all is well when it is not
		{time.Second, true, 200, 1},
		{30 * time.Second, true, 200, 1}, // not due
		{31 * time.Second, true, 500, 2},
		{62 * time.Second, true, 500, 3},
		{93 * time.Second, true, 200, 4},
	} {
		answer = c.answer
		p.round(&calls, t.Context(), now.Add(c.after), c.connected)
		calls.Wait()
		if pings != c.pings {
			t.Errorf("after %s: %d pings, want %d", c.after, pings, c.pings)
		}
	}
	var said []string
	for _, e := range logs.All() {
		said = append(said, e.Message)
		if strings.Contains(e.Message, "secret-id") {
			t.Error("the URL is in the log:", e.Message)
		}
	}
	if len(said) != 2 {
		t.Errorf("said %q, want one line when pings begin to fail and one when they work again", said)
	}
	var none *pinger
	none.round(&calls, t.Context(), now, true)
}
