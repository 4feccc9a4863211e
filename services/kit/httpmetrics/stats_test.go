package httpmetrics_test

import (
	"encoding/json"
	"net/http"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

func TestWindowsSlide(t *testing.T) {
	c := newClock()
	m := httpmetrics.New(prometheus.NewRegistry(), httpmetrics.WithClock(c.Now))
	h := m.Wrap(shop(c))
	send := func(good, bad int) {
		for range good {
			ask(h, http.MethodGet, "/nowhere")
		}
		for range bad {
			ask(h, http.MethodGet, "/panic")
		}
	}
	check := func(when string, want1, want5, want15 [2]uint64) {
		t.Helper()
		s := m.Stats()
		for i, got := range []httpmetrics.Window{s.Last1m, s.Last5m, s.Last15m} {
			want := [][2]uint64{want1, want5, want15}[i]
			rate := 0.0
			if want[0] > 0 {
				rate = float64(want[1]) / float64(want[0])
			}
			if got.Requests != want[0] || got.Errors != want[1] || got.ErrorRate != rate {
				t.Errorf("%s, window %d: %+v, want %v", when, i, got, want)
			}
		}
	}
	none := [2]uint64{}
	check("at first", none, none, none)
	send(3, 1)
	check("at once", [2]uint64{4, 1}, [2]uint64{4, 1}, [2]uint64{4, 1})
	c.add(54 * time.Second)
	send(0, 2)
	check("within a minute", [2]uint64{6, 3}, [2]uint64{6, 3}, [2]uint64{6, 3})
	c.add(6 * time.Second)
	check("after a minute", [2]uint64{2, 2}, [2]uint64{6, 3}, [2]uint64{6, 3})
	c.add(4 * time.Minute)
	check("after five", none, [2]uint64{2, 2}, [2]uint64{6, 3})
	c.add(10 * time.Minute)
	check("after fifteen", none, none, [2]uint64{2, 2})
	c.add(time.Hour)
	check("later", none, none, none)
	send(1, 0)
	check("again", [2]uint64{1, 0}, [2]uint64{1, 0}, [2]uint64{1, 0})
	if s := m.Stats(); s.Total != 7 || s.Errors != 3 {
		t.Errorf("%+v, want 7 requests and 3 errors since the start", s)
	}
}

func TestRate(t *testing.T) {
	c := newClock()
	m := httpmetrics.New(prometheus.NewRegistry(), httpmetrics.WithClock(c.Now))
	h := m.Wrap(shop(c))
	for range 30 * 60 { // two a second for a quarter of an hour
		ask(h, http.MethodGet, "/nowhere")
		c.add(500 * time.Millisecond)
	}
	s := m.Stats()
	for i, w := range []httpmetrics.Window{s.Last1m, s.Last5m, s.Last15m} {
		if w.PerSecond < 1.99 || w.PerSecond > 2.01 {
			t.Errorf("window %d: %v a second, want 2", i, w.PerSecond)
		}
	}
}

// Probes and scrapes hide no error, and a health page's 503 is none.
func TestProbesStayOutOfTheWindows(t *testing.T) {
	c := newClock()
	m := httpmetrics.New(prometheus.NewRegistry(), httpmetrics.WithClock(c.Now))
	h := m.Wrap(shop(c))
	for range 99 {
		ask(h, http.MethodGet, "/health/ready")
	}
	ask(h, http.MethodGet, "/panic")
	if s := m.Stats(); s.Total != 100 || s.Errors != 1 || s.Last1m.Requests != 1 || s.Last1m.ErrorRate != 1 {
		t.Errorf("%+v, want 100 requests, one error and an error rate of 1", s)
	}
}

func TestStatsAsJSON(t *testing.T) {
	c := newClock()
	m := httpmetrics.New(prometheus.NewRegistry(), httpmetrics.WithClock(c.Now))
	h := m.Wrap(shop(c))
	ask(h, http.MethodPost, "/orders") // takes two seconds
	ask(h, http.MethodGet, "/panic")
	got, err := json.MarshalIndent(m.Stats(), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "stats.json", string(got)+"\n")
}
