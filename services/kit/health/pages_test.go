package health_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
)

var update = flag.Bool("update", false, "write the golden files anew")

// transcript collects requests with their answers, for a golden file.
type transcript struct{ text bytes.Buffer }

// get asks for a page and writes down what came.
func (tr *transcript) get(t *testing.T, h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	t.Helper()
	w := get(h, target, headers...)
	fmt.Fprintf(&tr.text, "GET %s\n", target)
	for i := 0; i+1 < len(headers); i += 2 {
		fmt.Fprintf(&tr.text, "%s: %s\n", headers[i], headers[i+1])
	}
	fmt.Fprintf(&tr.text, "\n%d %s\n", w.Code, w.Header().Get("Content-Type"))
	if err := json.Indent(&tr.text, bytes.TrimSpace(w.Body.Bytes()), "", "  "); err != nil {
		t.Fatalf("%s: not JSON: %v\n%s", target, err, w.Body)
	}
	tr.text.WriteString("\n\n")
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: Cache-Control %s, want no-store", target, got)
	}
	return w
}

// golden compares the transcript with a file of testdata.
func (tr *transcript) golden(t *testing.T, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(path, tr.text.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%v; run the tests with -update", err)
	}
	if !bytes.Equal(want, tr.text.Bytes()) {
		t.Errorf("%s differs; if that is meant, run the tests with -update and look at the difference. Got:\n%s", path, tr.text.Bytes())
	}
}

// mounted are all pages on a plain mux.
func mounted(pages *health.Pages) http.Handler {
	mux := http.NewServeMux()
	pages.Mount(mux.Handle)
	mux.Handle("/health/startup", pages.Startup())
	return mux
}

func get(h http.Handler, target string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

const draftType = "application/health+json"

// TestPages walks a service through its states and pins every body.
func TestPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db, mail outcome
		db.set(errDown)
		checker := health.New(health.Options{Service: "shop", Version: "1.4.0", Revision: "4f2a9c1"})
		err := checker.Add(
			health.Check{Name: "db", Kind: "datastore", Run: db.run, Interval: time.Second, Jitter: -1, Grace: time.Minute, Groups: health.Readiness | health.Startup},
			health.Check{Name: "mail", Run: mail.run, Interval: time.Second, Jitter: -1, Soft: true},
			health.Check{Name: "disk", Kind: "system", Groups: health.StatusOnly, Interval: time.Second, Jitter: -1, Run: func(ctx context.Context) error {
				health.Observe(ctx, 0.91234567, "ratio")
				return nil
			}},
		)
		if err != nil {
			t.Fatal(err)
		}
		section := func(name string, value any) health.Section {
			return health.Section{Name: name, Value: func() any { return value }}
		}
		pages := mounted(health.NewPages(checker, health.PageOptions{
			Sections: []health.Section{section("requests", map[string]int{"total": 3}), section("broken", math.NaN())},
			Metrics:  []health.Section{section("system", map[string]float64{"load1": 0.5})},
		}))
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()

		all := func(state string, health, ready, live, startup int) {
			t.Helper()
			var tr transcript
			for _, page := range []struct {
				path string
				code int
			}{
				{"/health", health}, {"/health/detailed", health}, {"/health/metrics", 200},
				{"/health/ready", ready}, {"/health/live", live}, {"/health/startup", startup},
			} {
				for _, headers := range [][]string{nil, {"Accept", draftType}} {
					if w := tr.get(t, pages, page.path, headers...); w.Code != page.code {
						t.Errorf("%s, %s: %d, want %d", state, page.path, w.Code, page.code)
					}
				}
			}
			tr.golden(t, state)
		}

		all("new", 200, 503, 200, 503)
		go checker.Run(ctx)
		wait(1500 * time.Millisecond)
		all("starting", 200, 503, 200, 503)
		db.set(nil)
		wait(time.Second)
		all("healthy", 200, 200, 200, 200)
		mail.set(errors.New(strings.Repeat("é", 400)))
		wait(time.Second)
		all("degraded", 200, 200, 200, 200)
		db.set(errDown)
		wait(time.Second)
		all("unhealthy", 503, 503, 200, 200)
		db.set(nil)
		mail.set(nil)
		wait(time.Second)
		checker.Drain()
		all("draining", 200, 503, 200, 200)
	})
}

func TestPagesOfOneCheck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var db, mail outcome
		mail.set(errDown)
		checker := running(t, health.Options{Service: "shop"},
			health.Check{Name: "db", Run: db.run, Interval: time.Minute},
			health.Check{Name: "mail", Run: mail.run, Interval: time.Minute, Soft: true},
			health.Check{Name: "stock", Run: mail.run, Interval: time.Minute},
		)
		wait(time.Second)
		pages := mounted(health.NewPages(checker, health.PageOptions{}))
		var tr transcript
		for _, test := range []struct {
			target string
			code   int
		}{
			{"/health?check=db", 200},
			{"/health?check=mail", 200},
			{"/health?check=stock", 503},
			{"/health?check=db&check=mail", 200},
			{"/health?check=nothing", 404},
			{"/health/ready?check=db", 200},
			{"/health/live?check=db", 200},
			{"/health/startup?check=db", 200},
			{"/health/detailed?check=db", 200},
			{"/health/detailed?check=stock", 503},
			{"/health/detailed?check=", 404},
			{"/health?unrelated=1", 503},
			{"/health?%zz", 503},
		} {
			if w := tr.get(t, pages, test.target); w.Code != test.code {
				t.Errorf("%s: %d, want %d", test.target, w.Code, test.code)
			}
		}
		tr.get(t, pages, "/health?check=stock", "Accept", draftType)
		tr.golden(t, "one-check")
	})
}

func TestLivenessFailsOnlyWithACanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := health.NewHeartbeat(time.Minute)
		checker := running(t, health.Options{}, health.Check{
			Name: "worker", Run: beat.Check, Interval: 10 * time.Second, Groups: health.Liveness,
		})
		pages := mounted(health.NewPages(checker, health.PageOptions{}))
		wait(30 * time.Second)
		if w := get(pages, "/health/live"); w.Code != 200 {
			t.Errorf("while it beats: %d", w.Code)
		}
		wait(time.Minute)
		var tr transcript
		if w := tr.get(t, pages, "/health/live"); w.Code != 503 {
			t.Errorf("after it stopped: %d, want 503", w.Code)
		}
		tr.get(t, pages, "/health/live", "Accept", draftType)
		tr.golden(t, "not-live")
		beat.Stop()
		wait(30 * time.Second)
		if w := get(pages, "/health/live"); w.Code != 200 {
			t.Errorf("after it ended on purpose: %d", w.Code)
		}
	})
}

func TestMethods(t *testing.T) {
	server := httptest.NewServer(mounted(health.NewPages(health.New(health.Options{}), health.PageOptions{Token: "t"})))
	defer server.Close()
	for _, path := range []string{"/health", "/health/detailed", "/health/metrics", "/health/ready", "/health/live"} {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"} {
			r, _ := http.NewRequest(method, server.URL+path, nil)
			response, err := server.Client().Do(r)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if response.StatusCode != 405 || response.Header.Get("Allow") != "GET, HEAD" {
				t.Errorf("%s %s: %d, Allow %q, want 405 and GET, HEAD", method, path, response.StatusCode, response.Header.Get("Allow"))
			}
		}
	}
	response, err := server.Client().Head(server.URL + "/health")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != 200 || response.ContentLength <= 0 {
		t.Errorf("HEAD: %d with length %d, want 200 and the length of the body", response.StatusCode, response.ContentLength)
	}
}

func TestToken(t *testing.T) {
	pages := mounted(health.NewPages(health.New(health.Options{}), health.PageOptions{Token: "s3cret"}))
	for _, path := range []string{"/health/detailed", "/health/metrics"} {
		for header, want := range map[string]int{
			"": 401, "s3cret": 401, "Bearer": 401, "Bearer ": 401, "Basic s3cret": 401, "Bearer s3cre": 401, "Bearer s3crets": 401,
			"Bearer s3cret": 200, "bearer s3cret": 200, "BEARER  s3cret ": 200,
		} {
			w := get(pages, path, "Authorization", header)
			if w.Code != want {
				t.Errorf("%s with %q: %d, want %d", path, header, w.Code, want)
			}
			if want == 401 && !strings.HasPrefix(w.Header().Get("WWW-Authenticate"), "Bearer") {
				t.Errorf("%s with %q: no WWW-Authenticate", path, header)
			}
		}
	}
	var tr transcript
	tr.get(t, pages, "/health/detailed")
	tr.golden(t, "unauthorized")
	for _, path := range []string{"/health", "/health/live"} {
		if w := get(pages, path); w.Code != 200 {
			t.Errorf("%s without a token: %d, want it open", path, w.Code)
		}
	}
}
