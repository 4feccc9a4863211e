package health_test

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
)

func TestProbe(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			w.WriteHeader(http.StatusNoContent)
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusFound)
		case "/deaf":
			<-release
		default:
			http.Error(w, "the database is gone", http.StatusServiceUnavailable)
		}
	}))
	defer server.Close()
	defer close(release)

	for _, test := range []struct{ path, want string }{
		{"/ok", "<nil>"},
		{"/moved", "302"},
		{"/ill", "503 Service Unavailable the database is gone"},
		{"/deaf", "no answer in time"},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		got := fmt.Sprint(health.Probe(ctx, server.URL+test.path))
		cancel()
		if !strings.Contains(got, test.want) {
			t.Errorf("%s: %s, want %s", test.path, got, test.want)
		}
	}
	if err := health.Probe(t.Context(), "http://127.0.0.1:1/"); err == nil {
		t.Error("a port where nobody listens: no error")
	}
	if err := health.Probe(t.Context(), "::"); err == nil {
		t.Error("not a URL: no error")
	}
}

func TestLocalURL(t *testing.T) {
	for addr, want := range map[string]string{
		":8000":            "http://127.0.0.1:8000/health/live",
		"0.0.0.0:8000":     "http://127.0.0.1:8000/health/live",
		"[::]:8000":        "http://127.0.0.1:8000/health/live",
		"127.0.0.1:9":      "http://127.0.0.1:9/health/live",
		"[::1]:8000":       "http://[::1]:8000/health/live",
		"api.internal:800": "http://api.internal:800/health/live",
		"api.internal":     "http://api.internal:80/health/live",
	} {
		if got := health.LocalURL(addr, "/health/live"); got != want {
			t.Errorf("%s: %s, want %s", addr, got, want)
		}
	}
}
