package httpmetrics_test

import (
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(m)
}

func TestExposition(t *testing.T) {
	c, reg := newClock(), prometheus.NewRegistry()
	h := httpmetrics.New(reg, httpmetrics.WithClock(c.Now)).Wrap(shop(c))
	for _, request := range []string{
		"GET /users/1", "GET /users/2", "HEAD /users/3", "POST /orders", "GET /hidden/1", "GET /panic", "GET /abort", "GET /early", "GET /odd",
		"GET /admin/x", "GET //named.example/", "PATCH /users/1", "BREW /users/1", "BREW /hidden/1", "GET /nowhere", "GET /users//x",
	} {
		method, url, _ := strings.Cut(request, " ")
		if strings.HasPrefix(url, "//named") {
			url = "http:" + url
		}
		ask(h, method, url)
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v, %v", problems, err)
	}
	golden(t, "metrics.txt", exposition(t, reg))
}

// A scanner adds no series: what it can reach was there before.
func TestRandomRequestsAddAtMostOneSeries(t *testing.T) {
	c, reg := newClock(), prometheus.NewRegistry()
	h := httpmetrics.New(reg, httpmetrics.WithClock(c.Now)).Wrap(shop(c))
	for _, known := range []string{"/users/1", "/orders"} {
		ask(h, http.MethodGet, known)
	}
	before := testutil.CollectAndCount(onlyFamily(t, reg, "http_requests_total"))
	random := rand.New(rand.NewPCG(1, 2))
	letters := []byte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/%")
	word := func(n int) string {
		b := make([]byte, 1+random.IntN(n))
		for i := range b {
			b[i] = letters[random.IntN(len(letters)-1)]
		}
		return string(b)
	}
	methods := []string{"GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT"}
	for i := range 10_000 {
		method := methods[random.IntN(len(methods))]
		if i%2 == 0 {
			method = strings.ToUpper(strings.Trim(word(12), "/"))
		}
		ask(h, method, "/"+word(60))
	}
	after := testutil.CollectAndCount(onlyFamily(t, reg, "http_requests_total"))
	if after > before+1 {
		t.Errorf("%d series became %d: want at most one more\n%s", before, after, exposition(t, reg))
	}
}

// onlyFamily narrows a registry to one family.
func onlyFamily(t *testing.T, reg *prometheus.Registry, name string) prometheus.Collector {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return count(len(f.GetMetric()))
		}
	}
	t.Fatalf("no %s", name)
	return nil
}

// count is a collector of so many series.
type count int

func (count) Describe(chan<- *prometheus.Desc) {}
func (n count) Collect(out chan<- prometheus.Metric) {
	desc := prometheus.NewDesc("n", "n", []string{"i"}, nil)
	for i := range int(n) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, 1, fmt.Sprint(i))
	}
}

func TestExemplarsCarryTheRequest(t *testing.T) {
	c, reg := newClock(), prometheus.NewRegistry()
	h := httpmetrics.New(reg, httpmetrics.WithClock(c.Now)).Wrap(shop(c))
	for i := range 3 { // only the first of a second gets one
		r := httptest.NewRequest(http.MethodGet, "/users/1", nil)
		r.Header.Set("X-Request-Id", fmt.Sprint("id-", i))
		r.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		h.ServeHTTP(httptest.NewRecorder(), r)
	}
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/metrics", nil)
	r.Header.Set("Accept", "application/openmetrics-text; version=1.0.0")
	promhttp.HandlerFor(reg, promhttp.HandlerOpts{EnableOpenMetrics: true}).ServeHTTP(w, r)
	got := w.Body.String()
	exemplars := regexp.MustCompile(`# {.*} 0\.03 `).FindAllString(got, -1) // their labels come in any order
	if len(exemplars) != 1 || !strings.Contains(exemplars[0], `request_id="id-0"`) ||
		!strings.Contains(exemplars[0], `trace_id="0af7651916cd43dd8448eb211c80319c"`) {
		t.Errorf("exemplars: %q, want one, of the first request", exemplars)
	}
}

func TestPanicsPassThrough(t *testing.T) {
	c := newClock()
	h := httpmetrics.New(prometheus.NewRegistry()).Wrap(shop(c))
	defer func() {
		if got := recover(); got != "oh no" {
			t.Errorf("recovered %v, want the handler's own panic", got)
		}
	}()
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/panic", nil))
}

func TestInFlight(t *testing.T) {
	inside, leave := make(chan struct{}), make(chan struct{})
	m := httpmetrics.New(prometheus.NewRegistry())
	h := m.Handler("slow", http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		inside <- struct{}{}
		<-leave
	}))
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() { ask(h, http.MethodGet, "/") })
		<-inside
	}
	if got := m.Stats().InFlight; got != 3 {
		t.Errorf("in flight: %d, want 3", got)
	}
	close(leave)
	wg.Wait()
	if got := m.Stats().InFlight; got != 0 {
		t.Errorf("in flight in the end: %d", got)
	}
}

// Recorders are pooled; no request may see another one's.
func TestConcurrentRequests(t *testing.T) {
	c, reg := newClock(), prometheus.NewRegistry()
	m := httpmetrics.New(reg)
	h := m.Wrap(shop(c))
	var wg sync.WaitGroup
	for worker := range 8 {
		wg.Go(func() {
			for i := range 200 {
				id := fmt.Sprintf("%d-%d", worker, i)
				if got := ask(h, http.MethodGet, "/users/"+id).Body.String(); got != "user "+id {
					t.Errorf("got %q, want user %s", got, id)
				}
				ask(h, http.MethodGet, "/panic")
				if i%50 == 0 {
					_ = m.Stats()
					_ = exposition(t, reg)
				}
			}
		})
	}
	wg.Wait()
	if s := m.Stats(); s.Total != 3200 || s.Errors != 1600 {
		t.Errorf("%+v, want 3200 requests and 1600 errors", s)
	}
}

func TestZeroAllocationsOnTheMetricsPath(t *testing.T) {
	h := httpmetrics.New(prometheus.NewRegistry()).Handler(route, http.HandlerFunc(answer))
	r := httptest.NewRequest(http.MethodGet, "/users/7", nil)
	w := &nullWriter{header: http.Header{}}
	if n := testing.AllocsPerRun(1000, func() { h.ServeHTTP(w, r) }); n != 0 {
		t.Errorf("%v allocations a request, want none", n)
	}
}

func Example() {
	registry := prometheus.NewRegistry()
	metrics := httpmetrics.New(registry)
	router := mux.NewRouter()
	router.HandleFunc("/users/{id}", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "request %s", httpmetrics.RequestID(r.Context()))
	})
	handler := metrics.Wrap(router) // give this to http.Server

	request := httptest.NewRequest(http.MethodGet, "/users/7", nil)
	request.Header.Set("X-Request-Id", "order-4711")
	answer := httptest.NewRecorder()
	handler.ServeHTTP(answer, request)
	fmt.Println(answer.Body, answer.Header().Get("X-Request-Id"))

	families, _ := registry.Gather()
	for _, family := range families {
		if family.GetName() != "http_requests_total" {
			continue
		}
		for _, m := range family.GetMetric() { // labels stand in order: code, method, route
			fmt.Println(m.GetLabel()[2].GetValue(), m.GetLabel()[0].GetValue(), m.GetCounter().GetValue())
		}
	}
	// Output:
	// request order-4711 order-4711
	// /users/{id} 200 1
	// unmatched 404 0
	// unmatched 405 0
}

var _ io.ReaderFrom = (*nullWriter)(nil)
