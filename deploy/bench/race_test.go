package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	var out bytes.Buffer
	fast, slow := []time.Duration{400 * time.Millisecond, 600 * time.Millisecond}, []time.Duration{time.Second, 3 * time.Second, 2 * time.Second}
	report(&out, series{fast, slow}, series{fast, slow})
	for _, want := range []string{"| Upkeep, after a calm run | 0.50 | 0.60 | 0.40 0.60 |", "| restart: always, back to back | 2.00 | 3.00 |", "0.25 times"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

// A server that first leaves everybody hanging is seen as ready as soon as it answers, not a timeout later.
func TestWaitIsNotHeldUpByHangingRequests(t *testing.T) {
	var asked atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if asked.Add(1) <= 3 {
			<-r.Context().Done()
		}
	}))
	defer server.Close()
	began := time.Now()
	if err := (contender{"x", server.URL}).wait(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took >= askTimeout {
		t.Errorf("took %v, the hanging requests were waited for", took)
	}
}

func TestWaitEnds(t *testing.T) {
	err := contender{"api", "http://127.0.0.1:1/"}.wait(t.Context(), 50*time.Millisecond)
	if err == nil || !strings.Contains(err.Error(), "api was not ready within 50ms") {
		t.Errorf("wait answers %v", err)
	}
}

func TestRunRefusesWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-runs", "0"}, {"-runs", "many"}, {"-nonsense"}} {
		if err := run(t.Context(), args, new(bytes.Buffer), new(bytes.Buffer)); err == nil {
			t.Errorf("bench %v: no error", args)
		}
	}
}
