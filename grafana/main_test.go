package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCommittedDashboardsAreCurrent(t *testing.T) {
	if err := run([]string{"-check"}, io.Discard, io.Discard); err != nil {
		t.Fatal(err)
	}
}

func TestWriteThenCheck(t *testing.T) {
	dir := t.TempDir()
	var out bytes.Buffer
	if err := run([]string{"-dir", dir}, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "overview.json")
	written := strings.Fields(out.String())
	if len(written) != 8 || !slices.IsSorted(written) || !slices.Contains(written, path) {
		t.Errorf("wrote %q, want eight files in order, %q among them", written, path)
	}
	first, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-dir", dir, "-check"}, io.Discard, io.Discard); err != nil {
		t.Errorf("check after write: %v", err)
	}
	for range 20 { // maps must not leak their order into the file
		if err := run([]string{"-dir", dir}, io.Discard, io.Discard); err != nil {
			t.Fatal(err)
		}
		if again, _ := os.ReadFile(path); !bytes.Equal(first, again) {
			t.Fatal("the second run wrote something else than the first")
		}
	}
}

func TestCheckFails(t *testing.T) {
	for _, tc := range []struct {
		name, want string
		spoil      func(t *testing.T, dir string)
	}{
		{"stale file", "overview.json is stale: run `go run .`", func(t *testing.T, dir string) {
			edit(t, filepath.Join(dir, "overview.json"), "Requests per second", "Requests per minute")
		}},
		{"missing file", "no such file", func(t *testing.T, dir string) {
			if err := os.Remove(filepath.Join(dir, "overview.json")); err != nil {
				t.Fatal(err)
			}
		}},
		{"file that no code makes", "old.json is made by no code", func(t *testing.T, dir string) {
			if err := os.WriteFile(filepath.Join(dir, "old.json"), []byte("{}"), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := run([]string{"-dir", dir}, io.Discard, io.Discard); err != nil {
				t.Fatal(err)
			}
			tc.spoil(t, dir)
			err := run([]string{"-dir", dir, "-check"}, io.Discard, io.Discard)
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("got %v, want an error with %q", err, tc.want)
			}
		})
	}
}

func TestArguments(t *testing.T) {
	var help bytes.Buffer
	if err := run([]string{"-help"}, io.Discard, &help); !errors.Is(err, flag.ErrHelp) || !strings.Contains(help.String(), "-check") {
		t.Errorf("-help: %v, %q", err, help.String())
	}
	for _, args := range [][]string{{"-nonsense"}, {"nonsense"}, {"-dir", "/nonexistent/folder"}, {"-check", "-dir", "/nonexistent/folder"}} {
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

func edit(t *testing.T, path, from, to string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(content), from, to, 1)
	if changed == string(content) {
		t.Fatalf("%s holds no %q", path, from)
	}
	if err := os.WriteFile(path, []byte(changed), 0o600); err != nil {
		t.Fatal(err)
	}
}
