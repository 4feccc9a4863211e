package process

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// parsed reads a page in the text format.
func parsed(t testing.TB, text string) []*dto.MetricFamily {
	t.Helper()
	all, err := families(strings.NewReader(text), expfmt.NewFormat(expfmt.TypeTextPlain))
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func printed(t testing.TB, all []*dto.MetricFamily) string {
	t.Helper()
	var b strings.Builder
	for _, f := range all {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func TestMerge(t *testing.T) {
	own := parsed(t, "# HELP up_total Ours.\n# TYPE up_total counter\nup_total 7\n")
	all, conflicts := merge(own, []page{
		{worker: "api-1", families: parsed(t, "# HELP up_total Theirs.\n# TYPE up_total counter\nup_total{zone=\"a\"} 1\n# TYPE jobs gauge\njobs{worker=\"mail\"} 2\n")},
		{worker: "api-2", families: parsed(t, "# TYPE up_total gauge\nup_total 3\n# TYPE jobs gauge\njobs 5\n")},
	})
	const want = `# TYPE jobs gauge
jobs{exported_worker="mail",worker="api-1"} 2
jobs{worker="api-2"} 5
# HELP up_total Ours.
# TYPE up_total counter
up_total 7
up_total{worker="api-1",zone="a"} 1
`
	if got := printed(t, all); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if strings.Join(conflicts, " ") != "up_total" {
		t.Errorf("conflicts: %v", conflicts)
	}
	if got := printed(t, own); strings.Contains(got, "worker") {
		t.Errorf("our own families were changed:\n%s", got)
	}
}

// Native histograms exist in protocol buffers only, and reach the merged page.
func TestNativeHistogramsAreKept(t *testing.T) {
	reg := prometheus.NewRegistry()
	h := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "took_seconds", Help: "x", NativeHistogramBucketFactor: 1.1})
	reg.MustRegister(h)
	h.Observe(0.3)
	server := httptest.NewServer(promhttp.HandlerFor(reg, promhttp.HandlerOpts{}))
	defer server.Close()
	req, _ := http.NewRequest(http.MethodGet, server.URL, nil)
	req.Header.Set("Accept", scrapeFormats)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	theirs, err := families(resp.Body, expfmt.ResponseFormat(resp.Header))
	if err != nil {
		t.Fatal(err)
	}
	all, _ := merge(nil, []page{{worker: "api-1", families: theirs}})
	if got := all[0].Metric[0].Histogram; got.Schema == nil || len(got.PositiveSpan) == 0 || all[0].Metric[0].Label[0].GetValue() != "api-1" {
		t.Errorf("the histogram is not native any more: %v", all[0])
	}
}

func TestMergedPage(t *testing.T) {
	s := running(t, func(o *Options) { o.Workers = 2 }, "serve")
	for range 2 {
		s.up()
	}
	const head = "# HELP served_total "
	want := "# TYPE served_total counter\nserved_total{worker=\"api-1\"} 1\nserved_total{worker=\"api-2\"} 1\n" +
		"# HELP watchdog_worker_scrape_success Whether the worker's metrics could be read for this page: 1, or 0.\n" +
		"# TYPE watchdog_worker_scrape_success gauge\nwatchdog_worker_scrape_success{target=\"api-1\"} 1\nwatchdog_worker_scrape_success{target=\"api-2\"} 1\n"
	all, err := s.Merge(prometheus.NewRegistry(), "/metrics").Gather()
	got := printed(t, all)
	if _, rest, _ := strings.Cut(strings.TrimPrefix(got, head), "\n"); err != nil || !strings.HasPrefix(got, head) || rest != want {
		t.Errorf("got\n%s\n%v", got, err)
	}
}

// A worker that hangs takes only its own metrics off the page.
func TestAHungWorkerDelaysNobody(t *testing.T) {
	s := running(t, func(o *Options) { o.Workers = 3 }, "serve")
	for range 3 {
		s.up()
	}
	began := time.Now()
	all, err := s.Merge(prometheus.NewRegistry(), "/hang").Gather()
	if took := time.Since(began); err != nil || took > 2*scrapeTime {
		t.Errorf("took %v for three workers that hang, %v", took, err)
	}
	if got := printed(t, all); strings.Count(got, "} 0\n") != 3 {
		t.Errorf("got\n%s", got)
	}
}

func TestMemoryLimit(t *testing.T) {
	if !MeasuresMemory {
		t.Skip("memory is not measured here")
	}
	s := running(t, func(o *Options) { o.MaxMemory = 60 << 20 }, "serve")
	run := s.up()
	s.measureOnce()
	resp, err := http.Get("http://" + s.address + "/eat")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	s.measureOnce()
	if n := s.next(); !n.Event.Seen.OverMemory || n.Event.Seen.Status != supervise.StatusRunning || n.Info.MemoryLimit != 60<<20 {
		t.Errorf("told %+v", n.Event.Seen)
	}
	if u := s.Evidence(t.Context(), run.ID, time.Now()).Usage; u == nil || u.MemoryBytes < 60<<20 || u.Processes != 1 || u.CPUSeconds == 0 {
		t.Errorf("usage: %+v", u)
	}
	want := fmt.Sprintf("# HELP container_spec_memory_limit_bytes Memory limit of the worker, 0 for none.\n# TYPE container_spec_memory_limit_bytes gauge\n"+
		"container_spec_memory_limit_bytes{compose_project=\"\",compose_service=\"\",image=%q,name=\"api-1\"} 6.291456e+07\n", s.opts.Command[0])
	if err := testutil.CollectAndCompare(NewCollector(s.Driver), strings.NewReader(want), "container_spec_memory_limit_bytes"); err != nil {
		t.Error(err)
	}
	if n := testutil.CollectAndCount(NewCollector(s.Driver)); n != 5 {
		t.Errorf("%d series, want 5", n)
	}
	// What is over its limit still answers, so its successor is ready before it is asked to stop.
	if out := s.Restart(t.Context(), "api-1", run, supervise.Restart{Reason: supervise.ReasonOOM, StopTimeout: -1}); out.Err != "" {
		t.Fatal(out.Err)
	}
	if n := s.next(); n.Event.Seen.OverMemory || n.Event.Seen.Instance.Same(run) {
		t.Errorf("told %+v", n.Event.Seen)
	}
}

func FuzzFamilies(f *testing.F) {
	f.Add([]byte("# TYPE a counter\na{worker=\"x\"} 1\n"), true)
	f.Add([]byte{3, 10, 1, 'a'}, false)
	f.Fuzz(func(t *testing.T, data []byte, text bool) {
		format := expfmt.NewFormat(expfmt.TypeProtoDelim)
		if text {
			format = expfmt.NewFormat(expfmt.TypeTextPlain)
		}
		theirs, err := families(strings.NewReader(string(data)), format)
		if err != nil {
			return
		}
		all, _ := merge(nil, []page{{worker: "api-1", families: theirs}})
		for _, f := range all {
			for _, m := range f.Metric {
				n := 0
				for _, l := range m.Label {
					if l.GetName() == "worker" && l.GetValue() == "api-1" {
						n++
					}
				}
				if n != 1 {
					t.Errorf("%s has %d labels worker", f.GetName(), n)
				}
			}
		}
	})
}
