package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// fake is an Alertmanager whose receivers do this or that from some time after the alert on.
type fake struct {
	begin     time.Time
	posted    []map[string]any
	receivers map[string]func(since time.Duration) (requests, failed, gaveUp int, reason string)
	refuse    int
	down      time.Duration // /metrics is not answered for so long after the alert
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	answer := func(code int, body string) (*http.Response, error) {
		return &http.Response{StatusCode: code, Status: http.StatusText(code), Body: io.NopCloser(strings.NewReader(body)), Header: http.Header{}, Request: r}, nil
	}
	switch {
	case f.refuse != 0:
		return answer(f.refuse, "because")
	case r.URL.Path == "/api/v2/alerts":
		var alerts []map[string]any
		if err := json.NewDecoder(r.Body).Decode(&alerts); err != nil || len(alerts) != 1 {
			return answer(http.StatusBadRequest, "what?")
		}
		f.posted = append(f.posted, alerts[0])
		if f.begin.IsZero() {
			f.begin = time.Now()
		}
		return answer(http.StatusOK, "")
	case !f.begin.IsZero() && time.Since(f.begin) < f.down:
		return nil, errors.New("connection refused")
	}
	since := time.Duration(-1)
	if !f.begin.IsZero() {
		since = time.Since(f.begin)
	}
	page := "# TYPE alertmanager_notification_requests_total counter\n# TYPE alertmanager_notification_requests_failed_total counter\n# TYPE alertmanager_notifications_failed_total counter\n"
	for name, does := range f.receivers {
		requests, failed, gaveUp, reason := does(since)
		page += fmt.Sprintf("alertmanager_notification_requests_total{integration=\"x\",receiver_name=%q} %d\n", name, requests+100)
		page += fmt.Sprintf("alertmanager_notification_requests_failed_total{integration=\"x\",receiver_name=%q} %d\n", name, failed+10)
		page += fmt.Sprintf("alertmanager_notifications_failed_total{integration=\"x\",receiver_name=%q,reason=%q} %d\n", name, reason, gaveUp)
	}
	return answer(http.StatusOK, page)
}

func good(after time.Duration) func(time.Duration) (int, int, int, string) {
	return func(since time.Duration) (int, int, int, string) {
		if since >= after {
			return 1, 0, 0, "other"
		}
		return 0, 0, 0, "other"
	}
}

func TestTest(t *testing.T) {
	f := &fake{down: 3 * time.Second, receivers: map[string]func(time.Duration) (int, int, int, string){
		"slack":          good(time.Second),
		"email":          good(20 * time.Second),
		"deadmansswitch": good(50 * time.Second),
		"webhook": func(since time.Duration) (int, int, int, string) { // one attempt, given up
			if since >= 5*time.Second {
				return 1, 1, 1, "authError"
			}
			return 0, 0, 0, "authError"
		},
		"ntfy": func(since time.Duration) (int, int, int, string) { // tries and tries
			n := int(max(since, 0) / (10 * time.Second))
			return n, n, 0, "other"
		},
		"discord": good(time.Hour),
	}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		got := map[string]string{}
		err := Alertmanager{"http://alertmanager:9093/", &http.Client{Transport: f}}.Test(ctx, "run-1",
			[]string{"slack", "email", "webhook", "ntfy", "discord"}, "deadmansswitch", func(r Result) {
				got[r.Receiver] = fmt.Sprintf("%.1f %s", r.After.Seconds(), r.Fault)
			})
		if err != nil {
			t.Fatal(err)
		}
		for name, want := range map[string]string{
			"slack": "3.0 ", "email": "20.0 ", "deadmansswitch": "50.0 ",
			"webhook": "5.0 it refuses the key, the token or the address (401 or 403)",
			"ntfy":    "90.0 9 attempts failed, and Alertmanager still tries",
			"discord": "90.0 Alertmanager did not send it: is it silenced?",
		} {
			if got[name] != want {
				t.Errorf("%s: %q, want %q", name, got[name], want)
			}
		}
		if len(f.posted) != 2 || f.posted[0]["labels"].(map[string]any)["run"] != "run-1" || f.posted[0]["labels"].(map[string]any)["alertname"] != AlertName {
			t.Fatalf("posted %v", f.posted)
		}
		ends := func(i int) time.Time {
			at, err := time.Parse(time.RFC3339Nano, f.posted[i]["endsAt"].(string))
			if err != nil {
				t.Fatal(err)
			}
			return at
		}
		if ends(0).Sub(f.begin) != 5*time.Minute || !ends(1).Equal(time.Now()) {
			t.Errorf("the alert ends at %v, the second says at %v", ends(0), ends(1))
		}
	})
}

func TestAHeartbeatAlone(t *testing.T) {
	f := &fake{receivers: map[string]func(time.Duration) (int, int, int, string){"deadmansswitch": good(time.Hour)}}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
		defer cancel()
		err := Alertmanager{"http://a", &http.Client{Transport: f}}.Test(ctx, "x", nil, "deadmansswitch", func(r Result) {
			if !strings.Contains(r.Fault, "does Prometheus run") {
				t.Errorf("%+v", r)
			}
		})
		if err != nil || len(f.posted) != 0 {
			t.Errorf("%v, posted %v", err, f.posted)
		}
	})
}

func TestWhatStopsIt(t *testing.T) {
	known := map[string]func(time.Duration) (int, int, int, string){"slack": good(0)}
	for name, c := range map[string]struct {
		f    *fake
		want string
	}{
		"an unknown receiver": {&fake{receivers: known}, "does not know the receiver email yet: run docker compose up -d"},
		"an error":            {&fake{refuse: 500}, "answers /metrics with Internal Server Error: because"},
	} {
		err := Alertmanager{"http://a", &http.Client{Transport: c.f}}.Test(t.Context(), "x", []string{"slack", "email"}, "", func(Result) {})
		if err == nil || !strings.Contains(err.Error(), c.want) || len(c.f.posted) > 0 {
			t.Errorf("%s: %v, posted %v", name, err, c.f.posted)
		}
	}
	if err := (Alertmanager{"http://127.0.0.1:1", http.DefaultClient}).Test(t.Context(), "x", []string{"slack"}, "", func(Result) {}); err == nil ||
		!strings.Contains(err.Error(), "does it run? docker compose up -d") {
		t.Errorf("no Alertmanager: %v", err)
	}
	if err := (Alertmanager{"http://a\x7f", http.DefaultClient}).post(t.Context()); err == nil {
		t.Error("no address is taken")
	}
}

func FuzzRead(f *testing.F) {
	f.Add("# TYPE alertmanager_notification_requests_total counter\nalertmanager_notification_requests_total{integration=\"slack\",receiver_name=\"slack\"} 3\n")
	f.Add("alertmanager_notifications_failed_total{receiver_name=\"x\",reason=\"other\"} NaN\n")
	f.Add("{")
	f.Fuzz(func(t *testing.T, page string) {
		accounts, err := read(strings.NewReader(page))
		if err != nil {
			return
		}
		for name, a := range accounts {
			if name == "" {
				t.Error("a receiver without a name")
			}
			if _, known := fate(a, a); known {
				t.Error("something happened although nothing changed")
			}
		}
	})
}
