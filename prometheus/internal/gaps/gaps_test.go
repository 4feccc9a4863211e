package gaps

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/upkeephq/upkeep/prometheus/internal/suite"
)

const rules = `
groups:
  - name: all
    rules:
      - record: disk:used:ratio
        expr: disk_used_bytes / disk_size_bytes
      - {alert: DiskFull, expr: disk:used:ratio > 0.9, for: 1m, labels: {severity: warning}}
`

const tests = `
rule_files: [../rules/*.yml]
tests:
  - name: the disk fills
    input_series: [{series: 'disk_used_bytes{mountpoint="/"}', values: 0x9}]
    alert_rule_test:
      - {eval_time: 1m, alertname: DiskFull}
      - eval_time: 1h30m
        alertname: DiskFull
        exp_alerts: &firing
          - exp_labels: {severity: warning, mountpoint: /}
            exp_annotations: {summary: a, description: b, runbook_url: c}
      - {eval_time: 1d, alertname: DiskFull}
  - name: "silent: just below"
    input_series: [{series: disk_used_bytes, values: 0x9}]
    alert_rule_test:
      - {eval_time: 1m, alertname: DiskFull}
`

const book = `# DiskFull

## Meaning
It is full.

## Impact
Nothing is written.

## First commands
    df -h

    df -i
    docker exec prometheus promtool query instant http://localhost:9090 'up'
    docker exec prometheus promtool query instant http://localhost:9090 \
      'disk_used_bytes / disk_size_bytes'

## Fix
Remove something.

## Silence
    amtool silence add
`

// check writes the files into a folder and returns all gaps as lines.
func check(t *testing.T, files map[string]string) (Report, []string) {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := suite.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	report, err := Find(s, filepath.Join(dir, "runbooks"))
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Clone(report.Others)
	for _, row := range report.Rows {
		for _, gap := range row.Gaps {
			all = append(all, report.Name(row)+": "+gap)
		}
	}
	for i, line := range all {
		all[i] = strings.ReplaceAll(line, dir+"/", "")
	}
	if len(all) != report.Gaps() {
		t.Errorf("%d gaps counted, %d listed", report.Gaps(), len(all))
	}
	return report, all
}

func whole() map[string]string {
	return map[string]string{"rules/disk.yml": rules, "tests/disk.yml": tests, "runbooks/DiskFull.md": book}
}

func TestNothingIsMissing(t *testing.T) {
	report, gaps := check(t, whole())
	if len(gaps) != 0 || report.Alerts() != 1 || report.Scenarios != 2 || report.Checks != 4 {
		t.Errorf("%+v %q", report, gaps)
	}
}

// What is complete, and one thing taken away at a time.
func TestGaps(t *testing.T) {
	for name, tc := range map[string]struct {
		file, old, new string
		want           []string
	}{
		"not silent before": {"tests/disk.yml", "      - {eval_time: 1m, alertname: DiskFull}\n      - eval_time: 1h30m", "      - eval_time: 1h30m",
			[]string{"DiskFull: no check that it is silent before it fires"}},
		"does not resolve": {"tests/disk.yml", "      - {eval_time: 1d, alertname: DiskFull}\n", "",
			[]string{"DiskFull: no check that it resolves"}},
		"fires at its end too": {"tests/disk.yml", "{eval_time: 1d, alertname: DiskFull}", "{eval_time: 1d, alertname: DiskFull, exp_alerts: *firing}",
			[]string{"DiskFull: no check that it resolves"}},
		"no near miss": {"tests/disk.yml", "silent: just below\"\n    input_series: [{series: disk_used_bytes", "silent: something else\"\n    input_series: [{series: cpu",
			[]string{"DiskFull: no near miss: a scenario with its metrics in which it stays silent"}},
		"never fires": {"tests/disk.yml", "        exp_alerts: &firing\n          - exp_labels: {severity: warning, mountpoint: /}\n            exp_annotations: {summary: a, description: b, runbook_url: c}\n", "",
			[]string{"DiskFull: no check in which it fires", "DiskFull: no check that it is silent before it fires", "DiskFull: no check that it resolves"}},
		"annotations left out": {"tests/disk.yml", "description: b, ", "",
			[]string{`DiskFull: expected without description at 1h30m0s in "the disk fills"`}},
		"another alert of that name fires": {"tests/disk.yml", "exp_labels: {severity: warning", "exp_labels: {severity: critical",
			[]string{"DiskFull: no check in which it fires", "DiskFull: no check that it is silent before it fires", "DiskFull: no check that it resolves"}},
		"a slip of the pen": {"tests/disk.yml", "      - {eval_time: 1d, alertname: DiskFull}", "      - {eval_time: 1d, alertname: DiskFull}\n      - {eval_time: 1d, alertname: DiskFul}",
			[]string{"tests/disk.yml: the disk fills: checks DiskFul, which its rule files do not define"}},
		"one more alert": {"rules/disk.yml", "      - {alert: DiskFull, expr: disk:used:ratio > 0.9", "      - {alert: DiskFull, expr: disk:used:ratio > 0.95, labels: {severity: critical}}\n      - {alert: DiskFull, expr: disk:used:ratio > 0.9",
			[]string{"DiskFull (severity=critical): no check in which it fires", "DiskFull (severity=critical): no check that it is silent before it fires", "DiskFull (severity=critical): no check that it resolves"}},
		"runbook for nothing": {"runbooks/Old.md", "", "# Old",
			[]string{"runbooks/Old.md is the runbook of no alert"}},
		"heading": {"runbooks/DiskFull.md", "# DiskFull", "# DiskFul",
			[]string{`DiskFull: runbooks/DiskFull.md begins with "# DiskFul", not with "# DiskFull"`}},
		"section left out": {"runbooks/DiskFull.md", "## Silence\n", "",
			[]string{`DiskFull: runbooks/DiskFull.md has the sections ["## Meaning" "## Impact" "## First commands" "## Fix"], want ["## Meaning" "## Impact" "## First commands" "## Fix" "## Silence"]`}},
		"section empty": {"runbooks/DiskFull.md", "Nothing is written.\n", "",
			[]string{`DiskFull: runbooks/DiskFull.md says nothing under "## Impact"`}},
		"too few commands in more lines": {"runbooks/DiskFull.md", "    df -i\n    docker exec prometheus promtool query instant http://localhost:9090 'up'\n", "",
			[]string{"DiskFull: runbooks/DiskFull.md has 2 commands under First commands, want 3"}},
		"a query that is none": {"runbooks/DiskFull.md", "'disk_used_bytes / disk", "'disk_used_bytes / / disk",
			[]string{"DiskFull: runbooks/DiskFull.md: 1:19: parse error: unexpected <op:/> in disk_used_bytes / / disk_size_bytes"}},
		"a query without quotes": {"runbooks/DiskFull.md", "'up'", "up",
			[]string{"DiskFull: runbooks/DiskFull.md asks Prometheus 2 times, 1 of them in quotes"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := whole()
			if tc.old == "" {
				files[tc.file] = tc.new
			} else if files[tc.file] = strings.Replace(files[tc.file], tc.old, tc.new, 1); files[tc.file] == whole()[tc.file] {
				t.Fatalf("no %q in %s", tc.old, tc.file)
			}
			if _, gaps := check(t, files); !slices.Equal(gaps, tc.want) {
				t.Errorf("got  %q\nwant %q", gaps, tc.want)
			}
		})
	}
	t.Run("no runbook", func(t *testing.T) {
		files := whole()
		delete(files, "runbooks/DiskFull.md")
		files["runbooks/README"] = "not a page"
		if _, gaps := check(t, files); !slices.Equal(gaps, []string{"DiskFull: no runbook runbooks/DiskFull.md"}) {
			t.Errorf("%q", gaps)
		}
	})
}

// What always fires cannot be silent, before, after or nearly.
func TestAlwaysFiring(t *testing.T) {
	files := whole()
	files["rules/disk.yml"] = strings.ReplaceAll(rules, "disk:used:ratio > 0.9", "vector(1)")
	files["tests/disk.yml"] = strings.ReplaceAll(tests, "DiskFull}", "DiskFull, exp_alerts: [{exp_labels: {severity: warning}, exp_annotations: {summary: a, description: b, runbook_url: c}}]}")
	if _, gaps := check(t, files); len(gaps) != 0 {
		t.Errorf("%q", gaps)
	}
}
