package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"testing"
	"time"
)

// soon is far more than anything here takes; only a fault uses it up.
const soon = 10 * time.Second

func TestEventsPassOneByOne(t *testing.T) {
	fake := newFakeEngine(t)
	events := make(chan string)
	gone := make(chan struct{})
	fake.answers["GET /events"] = func(w http.ResponseWriter, r *http.Request) {
		out := http.NewResponseController(w)
		_ = out.Flush()
		for {
			select {
			case e := <-events:
				_, _ = io.WriteString(w, e+"\n")
				_ = out.Flush()
			case <-r.Context().Done():
				close(gone)
				return
			}
		}
	}
	g := newGuarded(t, fake.socket)
	// the header comes before the first event
	resp := g.open(t, "GET", "/v1.41/events")
	read := bufio.NewReader(resp.Body)
	for _, want := range []string{"one", "two", "three"} {
		events <- want
		if got, err := read.ReadString('\n'); err != nil || got != want+"\n" {
			t.Fatalf("%q %v, want %q", got, err, want)
		}
	}
	// a caller that hangs up frees the engine's side
	resp.Body.Close()
	select {
	case <-gone:
	case <-time.After(soon):
		t.Error("the engine's stream is still open")
	}
}

func TestStreamsEndAtShutdown(t *testing.T) {
	fake := newFakeEngine(t)
	fake.answers["GET /events"] = func(w http.ResponseWriter, r *http.Request) {
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
	}
	fake.answers["GET /containers/"+webID+"/logs"] = fake.answers["GET /events"]
	fake.answers["GET /containers/web/stats"] = fake.answers["GET /events"]
	g := newGuarded(t, fake.socket)
	var open []*http.Response
	for _, target := range []string{"/events", "/containers/web/logs?follow=1&stdout=1", "/containers/web/stats"} {
		open = append(open, g.open(t, "GET", target))
	}
	begin := time.Now()
	g.close()
	ctx, cancel := context.WithTimeout(t.Context(), soon)
	defer cancel()
	if err := g.server.Shutdown(ctx); err != nil {
		t.Fatalf("shutdown: %v", err)
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("shutdown took %v", took)
	}
	for _, resp := range open {
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Errorf("a stream did not end cleanly: %v", err)
		}
	}
}

func TestAnEngineThatBreaksOffIsNotTakenForAWholeAnswer(t *testing.T) {
	fake := newFakeEngine(t)
	fake.answers["GET /containers/json"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `[{"Id":`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
	g := newGuarded(t, fake.socket)
	resp, err := http.Get(g.url + "/containers/json")
	if err != nil {
		return // broken off before the header was out: nobody can take that for an answer
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("read %q, %v", body, err)
	}
}

func TestTheEngineCannotSwitchProtocols(t *testing.T) {
	fake := newFakeEngine(t)
	fake.answers["GET /version"] = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "tcp")
		w.WriteHeader(http.StatusSwitchingProtocols)
	}
	g := newGuarded(t, fake.socket)
	if code, _ := g.do(t, "GET", "/version"); code != 502 {
		t.Errorf("%d, want 502", code)
	}
}
