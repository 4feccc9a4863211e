package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommittedRulesAreCurrent(t *testing.T) {
	if err := run([]string{"slo", "-check"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestWriteThenCheck(t *testing.T) {
	dir := t.TempDir()
	source, err := os.ReadFile("slo.yml")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "rules", "slo.yml")
	if err := errors.Join(os.Mkdir(filepath.Dir(path), 0o755), os.WriteFile(filepath.Join(dir, "slo.yml"), source, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"slo", "-dir", dir, "-check"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("check of a missing file: %v", err)
	}
	var first []byte
	for range 20 { // maps must not leak their order into the file
		var out bytes.Buffer
		if err := run([]string{"slo", "-dir", dir}, &out, io.Discard); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(out.String()); got != path {
			t.Fatalf("wrote %q, want %q", got, path)
		}
		again, err := os.ReadFile(path)
		if err != nil || first != nil && !bytes.Equal(first, again) {
			t.Fatalf("the second run wrote something else than the first: %v", err)
		}
		first = again
	}
	if err := run([]string{"slo", "-dir", dir, "-check"}, io.Discard, io.Discard); err != nil {
		t.Errorf("check after write: %v", err)
	}
	stale := bytes.Replace(first, []byte("0.001"), []byte("0.002"), 1)
	if err := os.WriteFile(path, stale, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"slo", "-dir", dir, "-check"}, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "slo.yml is stale: run `go run . slo`") {
		t.Errorf("check of a stale file: %v", err)
	}
}

// The table, for what is committed: whether gaps are left is for the command to say, in make rules.
func TestGapsAreListed(t *testing.T) {
	var out bytes.Buffer
	err := run([]string{"gaps"}, &out, io.Discard)
	if err != nil && !strings.Contains(err.Error(), "gaps in tests and runbooks") {
		t.Fatal(err)
	}
	for _, want := range []string{"ALERT ", "Watchdog ", "AvailabilityErrorBudgetBurn (severity=critical sloth_severity=page) ", " checks, "} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, &out)
		}
	}
	if err := run([]string{"gaps", "-runbooks", t.TempDir()}, io.Discard, io.Discard); err == nil {
		t.Error("no fault without a single runbook")
	}
	for _, args := range [][]string{{"gaps", "-dir", t.TempDir()}, {"gaps", "-runbooks", "/nonexistent"}, {"gaps", "x"}} {
		if err := run(args, io.Discard, io.Discard); err == nil || strings.Contains(err.Error(), " gaps in ") {
			t.Errorf("%v: %v", args, err)
		}
	}
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{"-h"}, {"-help"}, {"--help"}, {"help"}, {"slo", "-h"}} {
		var out bytes.Buffer
		if err := run(args, io.Discard, &out); !errors.Is(err, flag.ErrHelp) || !strings.Contains(out.String(), "slo") {
			t.Errorf("%v: %v\n%s", args, err, &out)
		}
	}
	for _, args := range [][]string{{}, {"sol"}, {"slo", "extra"}, {"slo", "-what"}, {"slo", "-dir", "/nonexistent"}} {
		if err := run(args, io.Discard, io.Discard); err == nil || errors.Is(err, flag.ErrHelp) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
