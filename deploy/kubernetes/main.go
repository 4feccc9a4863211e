// Command kubernetes writes the alert rules and dashboards of Upkeep as objects of Kubernetes, or checks that the files are what
// it would write. The content is not changed: it is the text of prometheus/rules and grafana/dashboards, indented.
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/upkeephq/upkeep/deploy/kubernetes/internal/manifest"
)

const usage = `Writes alert rules and dashboards as objects of Kubernetes. In the folder deploy/kubernetes:

  go run .           write monitoring/generated/*.yaml
  go run . -check    write nothing, fail when a file is not what would be written

`

func main() {
	err := run(os.Args[1:], os.Stdout, os.Stderr)
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("kubernetes", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, usage)
		flags.PrintDefaults()
	}
	check := flags.Bool("check", false, "compare, write nothing")
	root := flags.String("root", "../..", "`folder` of prometheus/rules and grafana/dashboards")
	dir := flags.String("dir", "monitoring/generated", "`folder` of the files")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q: see -help", flags.Arg(0))
	}
	repository := os.DirFS(*root)
	rules, err := manifest.Rules(repository)
	if err != nil {
		return err
	}
	dashboards, err := manifest.Dashboards(repository)
	if err != nil {
		return err
	}
	var stale []error
	for _, file := range []struct {
		name    string
		content []byte
	}{{"rules.yaml", rules}, {"dashboards.yaml", dashboards}} {
		path := filepath.Join(*dir, file.name)
		if *check {
			if got, err := os.ReadFile(path); err != nil {
				stale = append(stale, err)
			} else if !bytes.Equal(got, file.content) {
				stale = append(stale, fmt.Errorf("%s is stale: run `go run .` in deploy/kubernetes and commit the result", path))
			}
			continue
		}
		if err := os.WriteFile(path, file.content, 0o644); err != nil { //nolint:gosec // manifests are for everybody to read
			return fmt.Errorf("write manifest: %w", err)
		}
		fmt.Fprintln(stdout, path)
	}
	return errors.Join(stale...)
}
