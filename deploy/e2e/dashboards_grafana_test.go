package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

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
	values := d.shown(false, quarter)
	for _, q := range d.queries() {
		var answer struct {
			Results map[string]struct{ Error string }
		}
		err := g.call(ctx, http.MethodPost, "/api/ds/query", map[string]any{
			"from": "now-15m", "to": "now",
			"queries": []any{map[string]any{
				"refId": "A", "datasource": map[string]string{"type": "prometheus", "uid": uid},
				"expr": values.fill(q.expr), "range": !q.instant, "instant": q.instant, "intervalMs": quarter.step * 1000, "maxDataPoints": 100,
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
