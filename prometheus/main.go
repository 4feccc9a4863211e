// Command prometheus keeps Upkeep's alert rules honest: it renders the rules of the service level objectives, counts what the
// alerts lack, and changes the rules on purpose to see whether a test notices.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/upkeephq/upkeep/prometheus/internal/slo"
)

const usage = `Keeps the alert rules honest. In the folder prometheus:

  go run . slo [-check]   render rules/slo.yml from slo.yml; -check: write nothing, fail when it is stale
  go run . gaps           which alert lacks a test (silent, firing, near miss, resolved) or a runbook
  go run . mutants        change each limit, comparison, for and keep_firing_for of the alerts: does a test notice?

`

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "prometheus:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	commands := map[string]func([]string, io.Writer, io.Writer) error{"slo": renderSLO, "gaps": findGaps, "mutants": changeRules}
	if len(args) > 0 {
		if command, known := commands[args[0]]; known {
			return command(args[1:], stdout, stderr)
		}
	}
	fmt.Fprint(stderr, usage)
	if len(args) > 0 && (args[0] == "-h" || args[0] == "-help" || args[0] == "--help" || args[0] == "help") {
		return flag.ErrHelp
	}
	return fmt.Errorf("want one of these commands, not %q", args)
}

// flags is a flag set that knows the folder of the rules, as all commands do.
func flags(command string, stderr io.Writer) (*flag.FlagSet, *string) {
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(stderr)
	return set, set.String("dir", ".", "`folder` of prometheus.yml, rules/ and tests/")
}

func parse(set *flag.FlagSet, args []string) error {
	if err := set.Parse(args); err != nil {
		return err
	}
	if set.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: see -help", set.Arg(0))
	}
	return nil
}

func renderSLO(args []string, stdout, stderr io.Writer) error {
	set, dir := flags("slo", stderr)
	check := set.Bool("check", false, "compare, write nothing")
	if err := parse(set, args); err != nil {
		return err
	}
	source, path := filepath.Join(*dir, "slo.yml"), filepath.Join(*dir, "rules", "slo.yml")
	text, err := os.ReadFile(source)
	if err != nil {
		return err
	}
	config, err := slo.Parse(text)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	want, err := slo.Render(config)
	if err != nil {
		return err
	}
	if *check {
		got, err := os.ReadFile(path)
		if err == nil && !bytes.Equal(got, want) {
			err = fmt.Errorf("%s is stale: run `go run . slo` in prometheus and commit the result", path)
		}
		return err
	}
	if err := os.WriteFile(path, want, 0o644); err != nil { //nolint:gosec // Prometheus reads it as another user
		return fmt.Errorf("write rules: %w", err)
	}
	fmt.Fprintln(stdout, path)
	return nil
}
