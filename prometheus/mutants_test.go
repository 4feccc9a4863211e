package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// standIn is a promtool whose one test wants the limit 0.9 to stand in the rules, and does not look at the rest.
const standIn = `#!/bin/sh
[ "$1 $2 $3" = "test rules disk.yml" ] || { echo "called with $*"; exit 2; }
if grep -q -e '> 0.9' ../rules/disk.yml; then echo SUCCESS; else echo "  FAILED:"; exit 1; fi
`

func lab(t *testing.T, promtool string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"bin/promtool":    promtool,
		"rules/disk.yml":  "groups: [{name: disk, rules: [{alert: DiskFull, expr: disk > 0.9, for: 1m}, {alert: NotTested, expr: disk > 2}]}]",
		"tests/disk.yml":  "{rule_files: [../rules/disk.yml], tests: [{alert_rule_test: [{eval_time: 1m, alertname: DiskFull}]}]}",
		"tests/other.yml": "{rule_files: [../rules/disk.yml], tests: [{alert_rule_test: [{eval_time: 1m, alertname: Other}]}]}",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("PATH", filepath.Join(dir, "bin")+string(os.PathListSeparator)+os.Getenv("PATH"))
	return dir
}

func TestChangesThatNoTestNotices(t *testing.T) {
	dir := lab(t, standIn)
	const want = `RULE       CHANGES  NOTICED
DiskFull   6        3
NotTested  3        0
not noticed: rules/disk.yml:1: DiskFull: for: 1m → 0s
not noticed: rules/disk.yml:1: DiskFull: for: 1m → 2m
not noticed: rules/disk.yml:1: DiskFull: for: 1m → 30s
not noticed: rules/disk.yml:1: NotTested: 2 → 1.33333
not noticed: rules/disk.yml:1: NotTested: 2 → 3
not noticed: rules/disk.yml:1: NotTested: > → >= in disk > 2
9 changes of 2 rules, 3 noticed by a test (33.3%)
`
	var out bytes.Buffer
	err := run([]string{"mutants", "-dir", dir}, &out, io.Discard)
	if err == nil || err.Error() != "the tests notice 33.3% of the changes, want 95%" || out.String() != want {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := run([]string{"mutants", "-dir", dir, "-least", "33", "-jobs", "5"}, io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
	if err := run([]string{"mutants", "-dir", dir, "-run", "^NotTested$", "-least", "0"}, io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestMutantsNeedTestsThatRun(t *testing.T) {
	for name, tc := range map[string]struct{ promtool, want string }{
		"red before":  {"#!/bin/sh\necho FAILED; exit 1", "disk.yml fails without any change"},
		"no promtool": {"#!/bin/sh\necho no such flag >&2; exit 2", "promtool could not test: 2 no such flag"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := run([]string{"mutants", "-dir", lab(t, tc.promtool)}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%v, want %s", err, tc.want)
			}
		})
	}
	dir := lab(t, standIn)
	for want, args := range map[string][]string{
		"-run: error parsing regexp": {"-run", "("},
		"nothing to change":          {"-run", "^$"},
		"no file matches":            {"-dir", t.TempDir()},
	} {
		if err := run(append([]string{"mutants", "-dir", dir}, args...), io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v: %v, want %s", args, err, want)
		}
	}
}
