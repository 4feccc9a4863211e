package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommittedFilesAreCurrent(t *testing.T) {
	if err := run([]string{"-check"}, io.Discard, io.Discard); err != nil {
		t.Error(err)
	}
}

func TestStaleAndMissingFilesAreNamed(t *testing.T) {
	dir := t.TempDir()
	if err := run([]string{"-dir", dir}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
	rules := filepath.Join(dir, "rules.yaml")
	text, err := os.ReadFile(rules)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(rules, []byte(strings.Replace(string(text), "severity: critical", "severity: info", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "dashboards.yaml")); err != nil {
		t.Fatal(err)
	}
	err = run([]string{"-check", "-dir", dir}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "rules.yaml is stale") || !strings.Contains(err.Error(), "dashboards.yaml") {
		t.Errorf("error %v, want one that names both files", err)
	}
}

func TestArgumentsThatNobodyKnows(t *testing.T) {
	if err := run([]string{"verify"}, io.Discard, io.Discard); err == nil {
		t.Error("no error")
	}
}
