package supervise

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the scenarios print into their files")

// TestScenarios plays testdata/*.txt. A line is a comment (#), a command (see command), or, indented, what the core did.
// "at TIME COMMAND…" first lets the time pass until then. No scenario may break a rule.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios found", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got, err := play(string(want), 0)
			if err != nil {
				t.Fatalf("%v\n%s", err, got)
			}
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s differs; run with -update and read the diff. It now prints:\n%s", file, got)
			}
		})
	}
}

// play plays a script, holds one rule against it, or all, and returns it with what the core did.
func play(script string, rule int) (transcript string, err error) {
	var out strings.Builder
	w := newWorld(DefaultOptions())
	w.account.only = rule
	w.say = func(s string) { fmt.Fprintln(&out, s) }
	for line := range strings.Lines(script) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue
		}
		rest := line
		if after, ok := strings.CutPrefix(line, "at "); ok {
			at, command, _ := strings.Cut(after, " ")
			d, err := time.ParseDuration(at)
			if err != nil {
				return out.String(), fmt.Errorf("%q: %w", line, err)
			}
			w.advance(epoch.Add(d)) // prints what happens until a command stands above it
			rest = command
		}
		fmt.Fprintln(&out, line)
		if rest == "" || strings.HasPrefix(rest, "#") {
			continue
		}
		c, err := w.parse(rest)
		if err == nil {
			err = w.do(c)
		}
		if err != nil {
			return out.String(), err
		}
	}
	if w.account.fault != "" {
		err = errors.New(w.account.fault)
	}
	return out.String(), err
}
