// Command grafana writes the dashboards of Upkeep as the JSON files that Grafana provisions, or checks that the files are
// what it would write.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/upkeephq/upkeep/grafana/internal/board"
)

const usage = `Writes Grafana's dashboards, made from Go code, as JSON files.

  go run .           write dashboards/*.json
  go run . -check    write nothing, fail when a file is not what would be written

`

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "grafana:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("grafana", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	check := flags.Bool("check", false, "compare, write nothing")
	dir := flags.String("dir", "dashboards", "`folder` of the JSON files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: see -help", flags.Arg(0))
	}
	files, err := board.Files()
	if err != nil {
		return err
	}
	if *check {
		return compare(*dir, files)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(*dir, name)
		if err := os.WriteFile(path, files[name], 0o644); err != nil { //nolint:gosec // Grafana reads it as another user
			return fmt.Errorf("write dashboard: %w", err)
		}
		fmt.Fprintln(stdout, path)
	}
	return nil
}

// compare reports every file that is missing, differs, or that no code makes.
func compare(dir string, files map[string][]byte) error {
	var faults []error
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(dir, name))
		switch {
		case err != nil:
			faults = append(faults, err)
		case !bytes.Equal(got, want):
			faults = append(faults, fmt.Errorf("%s is stale: run `go run .` in grafana and commit the result", name))
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		faults = append(faults, err)
	}
	for _, entry := range entries {
		if _, made := files[entry.Name()]; !made && strings.HasSuffix(entry.Name(), ".json") {
			faults = append(faults, fmt.Errorf("%s is made by no code: remove it, or write it as code", entry.Name()))
		}
	}
	return errors.Join(faults...)
}
