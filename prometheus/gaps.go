package main

import (
	"fmt"
	"io"
	"path/filepath"
	"text/tabwriter"

	"github.com/upkeephq/upkeep/prometheus/internal/gaps"
	"github.com/upkeephq/upkeep/prometheus/internal/suite"
)

// findGaps prints what tests each alert, and fails when something is missing.
func findGaps(args []string, stdout, stderr io.Writer) error {
	set, dir := flags("gaps", stderr)
	runbooks := set.String("runbooks", "", "`folder` of the runbooks (deploy/runbooks beside the folder of the rules)")
	if err := parse(set, args); err != nil {
		return err
	}
	if *runbooks == "" {
		*runbooks = filepath.Join(*dir, "..", "deploy", "runbooks")
	}
	s, err := suite.Load(*dir)
	if err != nil {
		return err
	}
	report, err := gaps.Find(s, *runbooks)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ALERT\tSEVERITY\tSCENARIOS\tCHECKS\tGAPS")
	for _, row := range report.Rows {
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%d\n", report.Name(row), row.Labels["severity"], row.Scenarios, row.Checks, len(row.Gaps))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, row := range report.Rows {
		for _, gap := range row.Gaps {
			fmt.Fprintf(stdout, "%s: %s\n", report.Name(row), gap)
		}
	}
	for _, other := range report.Others {
		fmt.Fprintln(stdout, other)
	}
	fmt.Fprintf(stdout, "%d alerts by %d rules, %d scenarios, %d checks, %d gaps\n",
		report.Alerts(), len(report.Rows), report.Scenarios, report.Checks, report.Gaps())
	if n := report.Gaps(); n > 0 {
		return fmt.Errorf("%d gaps in tests and runbooks of alerts", n)
	}
	return nil
}
