package slo

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

func committed(t *testing.T) Config {
	t.Helper()
	text, err := os.ReadFile("../../slo.yml")
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func rendered(t *testing.T, c Config) file {
	t.Helper()
	text, err := Render(c)
	if err != nil {
		t.Fatal(err)
	}
	var f file
	if err := yaml.Unmarshal(text, &f); err != nil {
		t.Fatal(err)
	}
	return f
}

func checkExpressions(t *testing.T, f file) {
	t.Helper()
	promql := parser.NewParser(parser.Options{})
	for _, g := range f.Groups {
		for _, r := range g.Rules {
			if _, err := promql.ParseExpr(r.Expr); err != nil {
				t.Errorf("%s%s: %v in %s", r.Record, r.Alert, err, r.Expr)
			}
		}
	}
}

func TestNumbersAreWrittenAsPeopleDo(t *testing.T) {
	for x, want := range map[float64]string{(100 - 99.9) / 100: "0.001", 99.95 / 100: "0.9995", (100 - 99.999) / 100: "0.00001", 14.4: "14.4", 6: "6", 0.3: "0.3"} {
		if got := decimal(x); got != want {
			t.Errorf("%v: %s, want %s", x, got, want)
		}
	}
}

func TestOneObjectiveIsEnough(t *testing.T) {
	for name, spoil := range map[string]func(s *Service){
		"latency":      func(s *Service) { s.Availability = nil },
		"availability": func(s *Service) { s.Latency, s.RoutesLeftOut = nil, "" },
	} {
		c := valid()
		spoil(&c.Services[0])
		f := rendered(t, c)
		if len(f.Groups) != 3 || !strings.HasSuffix(f.Groups[0].Name, "-api-"+name) {
			t.Errorf("%s: %+v", name, f.Groups)
		}
		checkExpressions(t, f)
	}
}

func TestServicesDoNotMix(t *testing.T) {
	c := valid()
	shop := c.Services[0]
	shop.Job = "shop"
	c.Services = append(c.Services, shop)
	for _, g := range rendered(t, c).Groups {
		mine, other := "api", "shop"
		if strings.Contains(g.Name, "-shop-") {
			mine, other = other, mine
		}
		for _, r := range g.Rules {
			if r.Record != "" && r.Labels["job"] != mine || strings.Contains(r.Expr, `"`+other) || strings.Contains(r.Annotations["description"], other) {
				t.Errorf("%s: %s%s: %s", g.Name, r.Record, r.Alert, r.Expr)
			}
		}
	}
}

// The longest window of a rate bounds what one evaluation reads; the period is read from one sample a minute.
func TestThePeriodIsReadFromRecordings(t *testing.T) {
	for _, g := range rendered(t, valid()).Groups {
		for _, r := range g.Rules {
			if strings.Contains(r.Expr, "[30d]") && strings.Contains(r.Expr, "http_") {
				t.Errorf("%s reads the raw series of 30 days: %s", r.Record, r.Expr)
			}
		}
	}
}

// A threshold between two buckets would leave the ratio without a result, and so the alert silent for ever.
func TestThresholdsAreBuckets(t *testing.T) {
	golden, err := os.ReadFile("../../../services/api/testdata/metrics.golden")
	if err != nil {
		t.Fatal(err)
	}
	var buckets []string
	for _, m := range regexp.MustCompile(`http_request_duration_seconds_bucket{.*le="([^"]+)"`).FindAllStringSubmatch(string(golden), -1) {
		buckets = append(buckets, m[1])
	}
	for _, s := range committed(t).Services {
		if s.Job == "api" && s.Latency != nil && !slices.Contains(buckets, decimal(s.Latency.Threshold.Seconds())) {
			t.Errorf("latency threshold %v: the api has no such bucket, but %v", s.Latency.Threshold, buckets)
		}
	}
}

func TestJobsAreScraped(t *testing.T) {
	text, err := os.ReadFile("../../prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Scrape []struct {
			Job string `yaml:"job_name"`
		} `yaml:"scrape_configs"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	for _, s := range committed(t).Services {
		if !slices.ContainsFunc(config.Scrape, func(c struct {
			Job string `yaml:"job_name"`
		}) bool {
			return c.Job == s.Job
		}) {
			t.Errorf("job %q of slo.yml is none of prometheus.yml", s.Job)
		}
	}
}

// The stack keeps what the period needs.
func TestPrometheusKeepsThePeriod(t *testing.T) {
	compose, err := os.ReadFile("../../../docker-compose.yml")
	if err != nil {
		t.Fatal(err)
	}
	kept := regexp.MustCompile(`retention\.time=\$\{PROMETHEUS_RETENTION_TIME:-(\d+d)\}`).FindStringSubmatch(string(compose))
	if kept == nil {
		t.Fatal("docker-compose.yml sets no retention in days")
	}
	limit, err := time.ParseDuration(strings.TrimSuffix(kept[1], "d") + "h")
	if err != nil || limit.Hours() <= days {
		t.Errorf("kept for %s, want more than %d days: %v", kept[1], days, err)
	}
}
