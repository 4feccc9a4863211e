package e2e

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// loadTargets is how many containers are looked after in the load test: as many as the stack itself has, and a few more.
const loadTargets = 10

// TestDashboardLoad measures how long Prometheus works for each dashboard when it holds a day of data at the scrape interval:
// the series of the golden expositions that panels ask for, as one API, ten containers and the stack itself make them. The
// data have classic histograms only, so the quantiles take their slower way.
func TestDashboardLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("a day of data takes a minute to make: run make e2e E2E=TestDashboardLoad")
	}
	ctx := t.Context()
	must(t, stack.Reachable(ctx))
	all := readDashboards(t, "../..")
	dir := t.TempDir()
	series := loadSeries(t, asked(t, all))
	end := time.Now().Truncate(2 * time.Hour)
	began, samples := time.Now(), 0
	for i := range 12 { // a file for each block: promtool reads its input once for each block that it makes
		samples += writeBlock(t, filepath.Join(dir, fmt.Sprintf("%02d.om", i)), series, end.Add(time.Duration(i-12)*2*time.Hour))
	}
	image := compose(t).Services["prometheus"].Image
	name := "upkeep-e2e-load"
	_, _ = stack.Docker(ctx, "rm", "-f", name)
	_, err := stack.Docker(ctx, "run", "--rm", "--user", fmt.Sprint(os.Getuid()), "-v", dir+":/load", "--entrypoint", "sh", image, "-c",
		"for f in /load/*.om; do promtool tsdb create-blocks-from openmetrics --quiet $f /load/data || exit 1; done")
	must(t, err)
	t.Logf("%d series, %d samples of a day, made in %.0f s", len(series), samples, time.Since(began).Seconds())

	_, err = stack.Docker(ctx, "run", "-d", "--name", name, "--user", fmt.Sprint(os.Getuid()), "-p", "127.0.0.1::9090", "-v", dir+":/load", "--entrypoint", "sh", image, "-c",
		"echo '{}' > /load/empty.yml && exec prometheus --config.file=/load/empty.yml --storage.tsdb.path=/load/data --storage.tsdb.retention.time=45d")
	must(t, err)
	defer func() { _, _ = stack.Docker(t.Context(), "rm", "-f", name) }()
	port, err := stack.Docker(ctx, "port", name, "9090/tcp")
	must(t, err)
	base := "http://" + strings.TrimSpace(strings.Split(port, "\n")[0])
	must(t, stack.Poll(ctx, time.Minute, func() error {
		code, _, err := stack.Do(ctx, "GET", base+"/-/ready")
		if err == nil && code != 200 {
			err = fmt.Errorf("not ready: %d", code)
		}
		return err
	}))
	for _, d := range all {
		values, took, slowest, data := d.shown(true, day), time.Duration(0), time.Duration(0), 0
		which := ""
		for _, q := range d.queries() {
			began := time.Now()
			n, err := pointsUntil(ctx, base, values.fill(q.expr), q.instant, day, end.Add(-time.Minute))
			must(t, err)
			if n > 0 {
				data++
			}
			if one := time.Since(began); one > slowest {
				slowest, which = one, q.String()
			}
			took += time.Since(began)
		}
		t.Logf("%-22s %2d queries over 24 h, %2d with data: %5.2f s in all, the slowest %.2f s (%s)", d.Title, len(d.queries()), data, took.Seconds(), slowest.Seconds(), which)
		if data*3 < len(d.queries())*2 {
			t.Errorf("%s: data for only %d of %d queries: the measurement says little", d.Title, data, len(d.queries()))
		}
	}
}

// asked are the names of the series that panels ask for.
func asked(t *testing.T, all []dashboard) map[string]bool {
	t.Helper()
	names := map[string]bool{}
	promql := parser.NewParser(parser.Options{})
	for _, d := range all {
		for _, q := range d.queries() {
			expr, err := promql.ParseExpr(d.shown(true, day).fill(q.expr))
			must(t, err)
			parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
				if s, ok := node.(*parser.VectorSelector); ok {
					names[s.Name] = true
				}
				return nil
			})
		}
	}
	return names
}

// A loadLine is a series with the rate at which it grows: 0 for a gauge.
type loadLine struct {
	series string
	rate   float64
}

// loadSeries makes the series that a stack has, from the golden expositions and the recording rules.
func loadSeries(t *testing.T, wanted map[string]bool) []loadLine {
	t.Helper()
	var all []loadLine
	add := func(job, name, labels string) {
		if !wanted[name] {
			return
		}
		line := loadLine{series: fmt.Sprintf(`%s{job=%q,instance="%s:80"%s}`, name, job, job, labels)}
		for _, suffix := range []string{"_total", "_count", "_sum", "_bucket"} {
			if strings.HasSuffix(name, suffix) {
				line.rate = 0.01 * float64(len(all)%100+1)
			}
		}
		all = append(all, line)
	}
	for job, golden := range map[string]string{
		"api": "services/api/testdata/metrics.golden", "watchdog": "services/watchdog/testdata/metrics.golden", "containers": "services/watchdog/testdata/containers.golden",
		"prometheus": "prometheus/tests/exposition/prometheus.golden", "alertmanager": "prometheus/tests/exposition/alertmanager.golden",
	} {
		for line := range strings.Lines(string(contractFile(t, golden))) {
			if strings.HasPrefix(line, "#") {
				continue
			}
			name, labels, braces := strings.Cut(line, "{")
			if !braces {
				name, _, _ = strings.Cut(line, " ")
				add(job, name, "")
				continue
			}
			labels = "," + labels[:strings.LastIndex(labels, "}")]
			if !strings.Contains(labels, "upkeep-api-1") {
				add(job, name, labels)
				continue
			}
			for i := range loadTargets {
				add("watchdog", name, strings.ReplaceAll(labels, "upkeep-api-1", fmt.Sprintf("upkeep-api-%d", i+1)))
			}
		}
		add(job, "up", "")
	}
	eachRule(t, func(_ string, r rule) {
		labels := ""
		for name, value := range r.Labels {
			if name != "job" {
				labels += fmt.Sprintf(",%s=%q", name, value)
			}
		}
		if r.Record != "" {
			add("api", r.Record, labels)
		} else {
			add("api", "ALERTS", fmt.Sprintf(`,alertname=%q,alertstate="firing"%s`, r.Alert, labels))
		}
	})
	return all
}

// writeBlock writes two hours of all series in the OpenMetrics format.
func writeBlock(t *testing.T, path string, series []loadLine, from time.Time) int {
	t.Helper()
	file, err := os.Create(path)
	must(t, err)
	defer file.Close()
	out, n := bufio.NewWriterSize(file, 1<<20), 0
	for _, line := range series {
		for s := 0; s < 2*3600; s += scrapeInterval {
			at := from.Unix() + int64(s)
			value := 1.0
			if line.rate > 0 {
				value = line.rate * float64(at%(1<<24))
			}
			fmt.Fprintf(out, "%s %g %d\n", line.series, value, at)
			n++
		}
	}
	fmt.Fprintln(out, "# EOF")
	must(t, out.Flush())
	return n
}
