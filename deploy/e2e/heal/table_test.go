package heal

import (
	"fmt"
	"os"
	"text/tabwriter"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// table is what was measured, printed at the very end.
var table []row

type row struct {
	name                        string
	detected, started, knownFor time.Duration // after the fault
}

// tabulate notes how long it took from a fault to the decision to restart, to the new process and to the watchdog's word
// that the target is well.
func (p *patient) tabulate(name string, fault time.Time, after stack.Container) {
	p.t.Helper()
	decided := p.restarts(fault)[0].Time
	well := p.logged(decided, "recovered", func(l stack.LogLine) bool { return l.Type == "recovered" && l.Target == p.target })
	r := row{name, decided.Sub(fault), after.State.StartedAt.Sub(fault), well.Time.Sub(fault)}
	table = append(table, r)
	p.t.Logf("restart decided after %.2f s, process started after %.2f s, well after %.2f s",
		r.detected.Seconds(), r.started.Seconds(), r.knownFor.Seconds())
}

func printTable() {
	if len(table) == 0 {
		return
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\nSECONDS AFTER THE FAULT\tRESTART DECIDED\tPROCESS STARTED\tKNOWN TO BE WELL")
	for _, r := range table {
		fmt.Fprintf(w, "%s\t%.2f\t%.2f\t%.2f\n", r.name, r.detected.Seconds(), r.started.Seconds(), r.knownFor.Seconds())
	}
	w.Flush()
}
