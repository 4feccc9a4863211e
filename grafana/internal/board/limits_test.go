package board

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

type rule struct {
	Alert, Record, Expr string
	Labels, Annotations map[string]string
}

// everyRule returns the alerts and recording rules of Prometheus.
func everyRule(t *testing.T) []rule {
	t.Helper()
	paths, err := filepath.Glob("../../../prometheus/rules/*.yml")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no rule files: %v", err)
	}
	var all []rule
	for _, path := range paths {
		var file struct {
			Groups []struct{ Rules []rule }
		}
		loose(t, path, &file)
		for _, group := range file.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}

// rules returns the expressions of an alert or a recording rule, by its name.
func rules(t *testing.T, name string) []string {
	t.Helper()
	var found []string
	for _, r := range everyRule(t) {
		if name == r.Alert || name == r.Record {
			found = append(found, r.Expr)
		}
	}
	if len(found) == 0 {
		t.Fatalf("no rule %s", name)
	}
	return found
}

// The limits that panels draw are those at which alerts fire.
func TestLimitsAreThoseOfTheAlertRules(t *testing.T) {
	for alert, want := range map[string][]string{
		"HighErrorRate":             {more(MaxFailedShare), fmt.Sprintf(">= %d", MinFailed)},
		"HighLatency":               {more(MaxLatency), fmt.Sprintf(">= %d", MinRequests)},
		"FileDescriptorsRunningOut": {more(MaxOpenFiles)},
		"WatchdogDown":              {more(MaxHeartbeatAge)},
		"TargetUnhealthy":           {more(MaxFailedProbes), more(4.5), "== 1"}, // five or more of them, and up all the time
		"ContainerMemoryNearLimit":  {more(MaxContainerMemory)},
		"HostMemoryHigh":            {more(MaxHostMemory)},
		"HostCpuSaturated":          {more(MaxHostCPU)},
		"HostCpuStolen":             {more(MaxCPUSteal)},
		"HostLoadHigh":              {more(MaxLoadPerCore), "< 0.8"}, // or HostCpuSaturated tells of it
		"HostInodesRunningOut":      {more(MaxInodes)},
		"ContainerCpuThrottled":     {more(MaxThrottled)},
		"HostDiskFillingUp":         {more(FillingDisk), more(1)},
		"HostDiskAlmostFull":        {more(FullDisk)},
	} {
		var got []string
		for _, expr := range rules(t, alert) {
			got = append(got, comparisons(promql(t, expr))...)
		}
		slices.Sort(got)
		slices.Sort(want)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s compares with %v, limits.go says %v", alert, got, want)
		}
	}
}

func more(limit float64) string { return fmt.Sprintf("> %g", limit) }

// The windows and factors of the SLO dashboard are those of the burn rate alerts.
func TestBurnRatesAreThoseOfTheAlertRules(t *testing.T) {
	condition := regexp.MustCompile(`ratio_rate(\w+)\{[^}]*\} > \(([\d.]+) \* `)
	var want []string
	for _, b := range burns {
		want = append(want, fmt.Sprintf("%s %s > %g", b.severity, b.short, b.factor), fmt.Sprintf("%s %s > %g", b.severity, b.long, b.factor))
	}
	slices.Sort(want)
	for _, alert := range []string{"AvailabilityErrorBudgetBurn", "LatencyErrorBudgetBurn"} {
		var got []string
		for _, r := range everyRule(t) {
			if r.Alert == alert {
				for _, m := range condition.FindAllStringSubmatch(r.Expr, -1) {
					got = append(got, fmt.Sprintf("%s %s > %s", r.Labels["severity"], m[1], m[2]))
				}
			}
		}
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("%s fires at %v, limits.go says %v", alert, got, want)
		}
	}
}

func TestPanelsDrawTheLimits(t *testing.T) {
	for _, tc := range []struct {
		file, title string
		want        []float64
	}{
		{"overview.json", "Failed requests", []float64{MaxFailedShare}},
		{"overview.json", "Restart budget left", []float64{1}}, // RestartBudgetExhausted fires at nothing left
		{"overview.json", "Backend", []float64{1}},             // ApiDown fires at no replica up
		{"overview.json", "Disk", []float64{FillingDisk, FullDisk}},
		{"api.json", "Failed requests", []float64{MaxFailedShare}},
		{"api.json", "Latency", []float64{MaxLatency}},
		{"api.json", "Latency by route", []float64{MaxLatency}},
		{"api.json", "File descriptors", []float64{MaxOpenFiles}},
		{"watchdog.json", "Last turn of the loop", []float64{MaxHeartbeatAge}},
		{"watchdog.json", "Failed probes", []float64{MaxFailedProbes}},
		{"containers.json", "Nearest to its limit", []float64{MaxContainerMemory}},
		{"containers.json", "Memory of the containers", []float64{MaxContainerMemory}},
		{"host.json", "CPU", []float64{MaxHostCPU}},
		{"host.json", "Memory used", []float64{MaxHostMemory}},
		{"host.json", "Load for each processor", []float64{MaxLoadPerCore}},
		{"host.json", "Stolen", []float64{MaxCPUSteal}},
		{"host.json", "Inodes used", []float64{MaxInodes}},
		{"containers.json", "Waits for its CPU limit", []float64{MaxThrottled}},
		{"host.json", "Fullest disk", []float64{FillingDisk, FullDisk}},
		{"host.json", "Disk", []float64{FillingDisk, FullDisk}},
		{"slo.json", "Burn rate in 1h and 5m", []float64{14.4}},
		{"slo.json", "Burn rate in 6h and 30m", []float64{6}},
		{"slo.json", "Burn rate in 1d and 2h", []float64{3}},
		{"slo.json", "Burn rate in 3d and 6h", []float64{1}},
		{"stack.json", "File descriptors", []float64{MaxOpenFiles}},
	} {
		var got []float64
		for _, s := range find(t, tc.file, tc.title).FieldConfig.Defaults.Thresholds.Steps[1:] {
			got = append(got, *s.Value)
		}
		if !slices.Equal(got, tc.want) {
			t.Errorf("%s: %s draws %v, want %v", tc.file, tc.title, got, tc.want)
		}
	}
	expr := find(t, "overview.json", "Watchdog").Targets[0].Expr
	if want := fmt.Sprintf("< %d", MaxHeartbeatAge); !slices.Contains(comparisons(parse(t, expr)), want) {
		t.Errorf("panel Watchdog does not compare %s:\n%s", want, expr)
	}
}

// The panel shows what the alert sees: the same series, so that they cannot disagree.
func TestFailedRequestsIsWhatTheAlertSees(t *testing.T) {
	expr := find(t, "overview.json", "Failed requests").Targets[0].Expr
	for _, record := range []string{"job:http_requests_failed:increase5m", "job:http_requests:increase5m"} {
		if !strings.Contains(expr, record) {
			t.Errorf("the panel does not use %s", record)
		}
		for _, rule := range rules(t, record) {
			if selectors := strings.Count(rule, "http_requests_total{"); selectors == 0 || strings.Count(rule, `route!~"`+InnerRoutes+`"`) != selectors {
				t.Errorf("%s does not leave out %s everywhere", record, InnerRoutes)
			}
		}
	}
	for _, alert := range rules(t, "HighErrorRate") {
		if !strings.Contains(alert, "job:http_requests_failed:increase5m / job:http_requests:increase5m") {
			t.Errorf("HighErrorRate: %s", alert)
		}
	}
}

// comparisons returns the comparisons of an expression with numbers, 0 apart.
func comparisons(expr parser.Expr) []string {
	var found []string
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if b, ok := node.(*parser.BinaryExpr); ok && b.Op.IsComparisonOperator() {
			if n, ok := b.RHS.(*parser.NumberLiteral); ok && n.Val != 0 {
				found = append(found, fmt.Sprintf("%s %g", b.Op, n.Val))
			}
		}
		return nil
	})
	return found
}
