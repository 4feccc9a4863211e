package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestGrafanaCheck tests the check itself, which runs against a real Grafana only where its image can be had.
func TestGrafanaCheck(t *testing.T) {
	for name, c := range map[string]struct {
		broken, want string
	}{
		"well":             {"", ""},
		"no data source":   {"/api/datasources", "404"},
		"source is ill":    {"/api/datasources/uid/prometheus/health", "404"},
		"not provisioned":  {"provisioned", "not provisioned"},
		"a query is wrong": {"bad", "parse error"},
	} {
		t.Run(name, func(t *testing.T) {
			mux := http.NewServeMux()
			answer := func(path, body string) {
				mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
					if user, password, _ := r.BasicAuth(); path == c.broken || user != "admin" || password != "secret" {
						http.NotFound(w, r)
						return
					}
					sent, _ := io.ReadAll(r.Body)
					if path == "/api/ds/query" && (!json.Valid(sent) || strings.Contains(string(sent), "$") || c.broken == "bad") {
						body = `{"results":{"A":{"error":"parse error"}}}`
					}
					_, _ = io.WriteString(w, body)
				})
			}
			answer("/api/datasources", `[{"uid":"alertmanager","type":"alertmanager","readOnly":true},{"uid":"prometheus","type":"prometheus","readOnly":true}]`)
			answer("/api/datasources/uid/prometheus/health", `{"status":"OK"}`)
			answer("/api/dashboards/uid/overview", `{"meta":{"provisioned":`+map[bool]string{true: "false", false: "true"}[c.broken == "provisioned"]+`}}`)
			answer("/api/ds/query", `{"results":{"A":{}}}`)
			server := httptest.NewServer(mux)
			defer server.Close()

			var d dashboard
			must(t, json.Unmarshal([]byte(`{"uid":"overview","title":"Overview","templating":{"list":[{"name":"target","allValue":".+"}]},"panels":[
				{"title":"row","panels":[{"title":"rate","targets":[{"expr":"rate(x{target=~\"$target\"}[$__rate_interval])"}]}]}]}`), &d))
			g := &grafanaClient{base: server.URL, user: "admin", password: "secret"}
			err := g.check(t.Context(), d)
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("check answers %v, want %q", err, c.want)
			}
		})
	}
}

func TestFill(t *testing.T) {
	var d dashboard
	must(t, json.Unmarshal([]byte(`{"templating":{"list":[
		{"name":"datasource","type":"datasource","current":{"value":"prometheus"}},
		{"name":"job","type":"query","allValue":".+","current":{"value":["my.api"]}},
		{"name":"target","type":"query","allValue":".+","current":{"value":["$__all"]}}]}}`), &d))
	for in, want := range map[string]string{
		`rate(x[$__rate_interval])`:        `rate(x[40s])`,
		`increase(x[${__range}])`:          `increase(x[900s])`,
		`x / $__range_s`:                   `x / 900`,
		`x{target=~"${target:regex}"}`:     `x{target=~".+"}`,
		`x{job=~"$job",a="b$"}`:            `x{job=~"my\.api",a="b$"}`,
		`x{name=~"$unknown"}[$__interval]`: `x{name=~"$unknown"}[10s]`,
	} {
		if got := d.shown(false, quarter).fill(in); got != want {
			t.Errorf("%s becomes %s, want %s", in, got, want)
		}
	}
	if got := d.shown(true, day).fill("$job"); got != ".+" {
		t.Errorf("all jobs are %s", got)
	}
}

// The panel test asks with the interval of the data source.
func TestPanelStepIsTheScrapeInterval(t *testing.T) {
	var file struct {
		Datasources []struct {
			Type     string
			JSONData map[string]any `yaml:"jsonData"`
		}
	}
	contractYAML(t, "grafana/provisioning/datasources/upkeep.yml", &file)
	for _, d := range file.Datasources {
		if got := d.JSONData["timeInterval"]; d.Type == "prometheus" && got != fmt.Sprintf("%ds", scrapeInterval) {
			t.Errorf("the data source says %v, the panel test counts with %d s", got, scrapeInterval)
		}
	}
}
