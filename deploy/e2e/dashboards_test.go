package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// dashboards: every query of every panel returns data from Prometheus, and from Grafana where its image is there.
func dashboards(t *testing.T, w *world) {
	all := readDashboards(t, w.Root)
	if len(all) == 0 {
		t.Fatal("no dashboard under grafana/dashboards")
	}
	w.giveTheDashboardsSomethingToShow(t)

	var total panelTally
	var missing []string
	// The rules of the SLOs are evaluated once a minute, and a rate wants two scrapes: what is empty now is asked again.
	err := stack.Poll(t.Context(), 4*time.Minute, func() error {
		w.traffic(t)
		total, missing = panelTally{}, nil
		for _, d := range all {
			one, empty := w.ask(t, d, false)
			total.add(one)
			missing = append(missing, empty...)
		}
		if len(missing) > 0 {
			return fmt.Errorf("%d queries return no data: %s", len(missing), strings.Join(missing, ", "))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	for _, d := range all {
		w.askVariables(t, d)
		if one, empty := w.ask(t, d, true); len(empty) > 0 {
			t.Errorf("%s, everything chosen: of %d queries no data for %s", d.Title, one.queries, strings.Join(empty, ", "))
		}
		one, _ := w.ask(t, d, false)
		t.Logf("%-22s %s", d.Title, one)
	}
	total.dashboards = len(all)
	t.Logf("dashboards %d, %s, failed %d", total.dashboards, total, len(missing))
	for _, key := range slices.Sorted(maps.Keys(mayBeEmpty)) {
		if !total.seen[key] {
			t.Errorf("mayBeEmpty names %s, which no dashboard has", key)
		}
		t.Logf("allowed to be empty, empty now %-5v: %s: %s", total.empty[key], key, mayBeEmpty[key])
	}
	if w.grafana {
		grafana := w.openGrafana(t)
		for _, d := range all {
			must(t, grafana.check(t.Context(), d))
		}
	}
}

// A panelTally counts what the panels of one or more dashboards returned.
type panelTally struct {
	dashboards, panels, queries, data, allowed int
	took                                       time.Duration
	seen, empty                                map[string]bool // by the key of mayBeEmpty
}

func (t *panelTally) add(o panelTally) {
	t.panels, t.queries, t.data, t.allowed, t.took = t.panels+o.panels, t.queries+o.queries, t.data+o.data, t.allowed+o.allowed, t.took+o.took
	if t.seen == nil {
		t.seen, t.empty = map[string]bool{}, map[string]bool{}
	}
	maps.Copy(t.seen, o.seen)
	maps.Copy(t.empty, o.empty)
}

func (t panelTally) String() string {
	return fmt.Sprintf("panels %d, queries %d, returned data %d, allowed empty %d, %.2f s in all", t.panels, t.queries, t.data, t.allowed, t.took.Seconds())
}

// ask sends every query of a dashboard and returns what came back, and the queries that ought to return data and do not.
func (w *world) ask(t *testing.T, d dashboard, everything bool) (panelTally, []string) {
	t.Helper()
	values := d.shown(everything, quarter)
	result := panelTally{panels: len(withQueries(d.Panels)), seen: map[string]bool{}, empty: map[string]bool{}}
	var missing []string
	for _, q := range d.queries() {
		key := d.UID + "/" + q.String()
		if strings.HasPrefix(q.panel, "annotation ") { // the same on each dashboard
			key = q.panel
		}
		result.seen[key] = true
		result.queries++
		began := time.Now()
		n, err := points(t.Context(), w.URL("prometheus", ""), values.fill(q.expr), q.instant, quarter)
		result.took += time.Since(began)
		_, allowed := mayBeEmpty[key]
		switch {
		case err != nil:
			t.Errorf("%s: %v\n%s", key, err, q.expr)
		case n > 0:
			result.data++
		case allowed:
			result.allowed++
			result.empty[key] = true
		default:
			missing = append(missing, key)
		}
	}
	return result, missing
}

// points asks a Prometheus as Grafana does and counts the numbers and histograms that come back.
func points(ctx context.Context, prometheus, expr string, instant bool, r timeRange) (int, error) {
	return pointsUntil(ctx, prometheus, expr, instant, r, time.Now())
}

func pointsUntil(ctx context.Context, prometheus, expr string, instant bool, r timeRange, until time.Time) (int, error) {
	end := int(until.Unix())
	ask := url.Values{"query": {expr}}
	path := "/api/v1/query_range"
	if instant {
		path = "/api/v1/query"
		ask.Set("time", fmt.Sprint(end))
	} else {
		ask.Set("start", fmt.Sprint(end-r.span))
		ask.Set("end", fmt.Sprint(end))
		ask.Set("step", fmt.Sprint(r.step))
	}
	code, body, err := stack.Do(ctx, http.MethodGet, prometheus+path+"?"+ask.Encode())
	if err != nil {
		return 0, err
	}
	if code != http.StatusOK {
		return 0, fmt.Errorf("GET %s: %d %.300s", path, code, body)
	}
	var answer struct {
		Data struct {
			Result []struct {
				Value                 []any
				Values                [][]any
				Histogram, Histograms json.RawMessage
			}
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return 0, err
	}
	n := 0
	for _, series := range answer.Data.Result {
		for _, value := range append(series.Values, series.Value) {
			if len(value) == 2 && value[1] != "NaN" {
				n++
			}
		}
		if len(series.Histogram)+len(series.Histograms) > 0 {
			n++
		}
	}
	return n, nil
}

// askVariables: each choice at the top has something to choose.
func (w *world) askVariables(t *testing.T, d dashboard) {
	t.Helper()
	values := d.shown(true, quarter)
	for _, v := range d.Templating.List {
		if v.Type != "query" {
			continue
		}
		selector, label, _ := strings.Cut(strings.TrimSuffix(strings.TrimPrefix(values.fill(v.Definition), "label_values("), ")"), ", ")
		var answer struct{ Data []string }
		must(t, w.GetJSON(t.Context(), w.URL("prometheus", "/api/v1/label/"+label+"/values?match[]="+url.QueryEscape(selector)), &answer))
		if len(answer.Data) == 0 {
			t.Errorf("%s: variable %s has nothing to choose: %s", d.Title, v.Name, v.Definition)
		}
	}
}

// giveTheDashboardsSomethingToShow makes requests that succeed, that fail and that are unknown, and one crash that is healed.
func (w *world) giveTheDashboardsSomethingToShow(t *testing.T) {
	t.Helper()
	before := w.up(t)
	w.eventually(t, time.Minute, func() error { // what comes later is an increase
		return w.hasSample(t, fmt.Sprintf(`count_over_time(watchdog_restarts_total{target=%q,reason="exited"}[5m]) >= 2`, w.api()))
	})
	w.traffic(t)
	_, err := stack.Crash(t.Context(), w.api())
	must(t, err)
	w.healed(t, before)
	code, body, err := stack.Do(t.Context(), http.MethodPost, w.URL("api", "/debug/fault/errors?ratio=0.5&for=60s"))
	if err != nil || code >= 300 {
		t.Fatalf("POST /debug/fault/errors: %d %v %s", code, err, body)
	}
}

func (w *world) traffic(t *testing.T) {
	t.Helper()
	for range 5 {
		for _, path := range []string{"/", "/api/hello/you", "/nowhere"} {
			_, _, _ = stack.Do(t.Context(), http.MethodGet, w.URL("api", path)) // one that fails is traffic, too
		}
	}
}
