package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// dashboards: what every panel asks is answered, by Prometheus itself and, where its image is there, through Grafana.
func dashboards(t *testing.T, w *world) {
	files, err := filepath.Glob(filepath.Join(w.Root, "grafana", "dashboards", "*.json"))
	must(t, err)
	if len(files) == 0 {
		t.Fatal("no dashboard under grafana/dashboards")
	}
	var grafana *grafanaClient
	if w.grafana {
		grafana = w.openGrafana(t)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		must(t, err)
		var d dashboard
		must(t, json.Unmarshal(raw, &d))
		queries := d.queries()
		empty := 0
		for _, q := range queries {
			n, err := w.query(t, substitute(q.expr))
			if err != nil {
				t.Errorf("%s, panel %q: %v\n%s", d.Title, q.panel, err, q.expr)
			}
			if n == 0 {
				empty++
				t.Logf("%s, panel %q: no series now: %s", d.Title, q.panel, q.expr)
			}
		}
		if len(queries) == 0 || empty*2 > len(queries) {
			t.Errorf("%s: %d of %d queries answer nothing on a stack that runs", d.Title, empty, len(queries))
		}
		t.Logf("%s: %d queries, %d of them without a series now", d.Title, len(queries), empty)
		if grafana != nil {
			must(t, grafana.check(t.Context(), d))
		}
	}
}

type dashboard struct {
	UID, Title string
	Panels     []panel
}

type panel struct {
	Title   string
	Panels  []panel // of a row that is folded
	Targets []struct{ Expr string }
}

type query struct{ panel, expr string }

func (d dashboard) queries() []query { return queriesOf(d.Panels) }

func queriesOf(panels []panel) []query {
	var all []query
	for _, p := range panels {
		for _, target := range p.Targets {
			if target.Expr != "" {
				all = append(all, query{p.Title, target.Expr})
			}
		}
		all = append(all, queriesOf(p.Panels)...)
	}
	return all
}

var variable = regexp.MustCompile(`\$(\w+|\{\w+(:\w+)?\})`)

// substitute puts in what Grafana would for its variables: durations for its own, everything for the dashboard's.
func substitute(expr string) string {
	return variable.ReplaceAllStringFunc(expr, func(name string) string {
		switch name = strings.Trim(name, "${}"); {
		case name == "__range":
			return "1h"
		case strings.HasPrefix(name, "__"):
			return "1m"
		default:
			return ".*"
		}
	})
}

type grafanaClient struct{ base, user, password string }

func (w *world) openGrafana(t *testing.T) *grafanaClient {
	password, err := w.Compose(t.Context(), "exec", "-T", "grafana", "cat", "/config/grafana/admin-password")
	must(t, err)
	return &grafanaClient{base: w.URL("grafana", ""), user: "admin", password: strings.TrimSpace(password)}
}

// check asks Grafana for its data source and the dashboard, and sends the query of every panel the way a browser does.
func (g *grafanaClient) check(ctx context.Context, d dashboard) error {
	var sources []struct {
		UID, Type string
		ReadOnly  bool
	}
	if err := g.call(ctx, http.MethodGet, "/api/datasources", nil, &sources); err != nil {
		return err
	}
	uid := ""
	for _, source := range sources {
		if source.Type == "prometheus" && source.ReadOnly {
			uid = source.UID
		}
	}
	if uid == "" {
		return fmt.Errorf("want a provisioned data source for Prometheus, Grafana has %+v", sources)
	}
	if err := g.call(ctx, http.MethodGet, "/api/datasources/uid/"+uid+"/health", nil, nil); err != nil {
		return err
	}
	var shown struct{ Meta struct{ Provisioned bool } }
	if err := g.call(ctx, http.MethodGet, "/api/dashboards/uid/"+d.UID, nil, &shown); err != nil {
		return err
	}
	if !shown.Meta.Provisioned {
		return fmt.Errorf("dashboard %s is not provisioned from a file", d.Title)
	}
	for _, q := range d.queries() {
		var answer struct {
			Results map[string]struct{ Error string }
		}
		err := g.call(ctx, http.MethodPost, "/api/ds/query", map[string]any{
			"from": "now-15m", "to": "now",
			"queries": []any{map[string]any{
				"refId": "A", "datasource": map[string]string{"type": "prometheus", "uid": uid},
				"expr": substitute(q.expr), "range": true, "intervalMs": 15000, "maxDataPoints": 100,
			}},
		}, &answer)
		if err == nil && answer.Results["A"].Error != "" {
			err = fmt.Errorf("%s", answer.Results["A"].Error)
		}
		if err != nil {
			return fmt.Errorf("%s, panel %q: %w", d.Title, q.panel, err)
		}
	}
	return nil
}

func (g *grafanaClient) call(ctx context.Context, method, path string, body, into any) error {
	var payload bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&payload).Encode(body); err != nil {
			return err
		}
	}
	req, err := http.NewRequestWithContext(ctx, method, g.base+path, &payload)
	if err != nil {
		return err
	}
	req.SetBasicAuth(g.user, g.password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := (&http.Client{Timeout: 20 * time.Second}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: %s", method, path, resp.Status)
	}
	if into == nil {
		return nil
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
