package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"text/tabwriter"

	"github.com/upkeephq/upkeep/prometheus/internal/mutants"
	"github.com/upkeephq/upkeep/prometheus/internal/suite"
)

// trial is a mutant, where it stands, and the test files that could notice it.
type trial struct {
	mutants.Mutant
	file  string // below the folder of the rules
	tests []string
}

func (t trial) String() string {
	return fmt.Sprintf("%s:%d: %s%s: %s", t.file, t.Line, t.Alert, t.Record, t.Change)
}

// changeRules changes one thing of the rules at a time, and fails when the tests notice too few of the changes.
func changeRules(args []string, stdout, stderr io.Writer) error {
	set, dir := flags("mutants", stderr)
	image := set.String("image", "", "`image` whose promtool is used (the promtool in PATH)")
	only := set.String("run", "", "only alerts whose name matches the `regexp`")
	recordings := set.Bool("recordings", false, "change recording rules too")
	least := set.Float64("least", 95, "`percent` of the changes that the tests must notice")
	jobs := set.Int("jobs", runtime.NumCPU(), "how many at once")
	if err := parse(set, args); err != nil {
		return err
	}
	name, err := regexp.Compile(*only)
	if err != nil {
		return fmt.Errorf("-run: %w", err)
	}
	trials, err := collect(*dir, name, *recordings)
	if err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	survivors, err := try(ctx, *dir, *image, *jobs, trials)
	if err != nil {
		return err
	}
	rate, err := table(stdout, trials, survivors)
	if err == nil && rate < *least {
		err = fmt.Errorf("the tests notice %.1f%% of the changes, want %v%%", rate, *least)
	}
	return err
}

// collect makes all mutants. The first of each file is the file unchanged, which no test may notice.
func collect(dir string, name *regexp.Regexp, recordings bool) ([]trial, error) {
	s, err := suite.Load(dir)
	if err != nil {
		return nil, err
	}
	paths, err := filepath.Glob(filepath.Join(dir, "rules", "*.yml"))
	if err != nil {
		return nil, err
	}
	var trials []trial
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		made, err := mutants.Make(text, recordings)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		file := filepath.Join("rules", filepath.Base(path))
		unchanged := trial{made[0], file, nil}
		var changed []trial
		for _, m := range made[1:] {
			if !name.MatchString(m.Alert + m.Record) {
				continue
			}
			t := trial{m, file, affected(s, path, m.Alert)}
			changed = append(changed, t)
			unchanged.tests = append(unchanged.tests, t.tests...)
		}
		if len(changed) > 0 {
			slices.Sort(unchanged.tests)
			unchanged.tests = slices.Compact(unchanged.tests)
			trials = append(append(trials, unchanged), changed...)
		}
	}
	return trials, nil
}

// affected are the test files that load a rule file and, for an alert, check it.
func affected(s suite.Suite, path, alert string) []string {
	var tests []string
	for _, scenario := range s.Scenarios {
		checks := alert == "" || slices.ContainsFunc(scenario.Checks, func(c suite.Check) bool { return c.Alert == alert })
		if test := filepath.Base(scenario.File); checks && slices.Contains(scenario.RuleFiles, path) && !slices.Contains(tests, test) {
			tests = append(tests, test)
		}
	}
	return tests
}

// try returns the trials that no test notices.
func try(ctx context.Context, dir, image string, jobs int, trials []trial) ([]trial, error) {
	work, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(work)
	if err := os.Chmod(work, 0o755); err != nil { //nolint:gosec // the user of the container reads it
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		queue     = make(chan trial)
		lock      sync.Mutex
		survivors []trial
		noticed   = map[string]string{} // by rule: the test that noticed the change before, which is asked first
		workers   sync.WaitGroup
	)
	for range max(jobs, 1) {
		workers.Go(func() {
			promtool, err := mutants.Start(ctx, image, work)
			if err != nil {
				cancel(err)
				return
			}
			defer promtool.Close()
			for t := range queue {
				rule := fmt.Sprint(t.file, t.Line)
				lock.Lock()
				tests := first(t.tests, noticed[rule])
				lock.Unlock()
				test, err := promtool.Notices(dir, t.file, t.Text, tests)
				unchanged := t.Alert+t.Record == ""
				if err == nil && unchanged && test != "" {
					err = fmt.Errorf("%s fails without any change: see make rules", test)
				}
				if err != nil {
					cancel(fmt.Errorf("%v: %w", t, err))
					return
				}
				lock.Lock()
				if test != "" {
					noticed[rule] = test
				} else if !unchanged {
					survivors = append(survivors, t)
				}
				lock.Unlock()
			}
		})
	}
	for _, t := range trials {
		select {
		case queue <- t:
		case <-ctx.Done():
		}
	}
	close(queue)
	workers.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return survivors, nil
}

// first moves one of the tests to the front.
func first(tests []string, test string) []string {
	if !slices.Contains(tests, test) {
		return tests
	}
	return append([]string{test}, slices.DeleteFunc(slices.Clone(tests), func(t string) bool { return t == test })...)
}

// table prints what was noticed, and returns how much of it, in percent.
func table(stdout io.Writer, trials, survivors []trial) (float64, error) {
	var names []string
	made, survived := map[string]int{}, map[string]int{}
	for _, t := range trials {
		name := t.Alert + t.Record
		if name == "" {
			continue
		}
		if made[name]++; made[name] == 1 {
			names = append(names, name)
		}
	}
	for _, t := range survivors {
		survived[t.Alert+t.Record]++
	}
	columns := tabwriter.NewWriter(stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(columns, "RULE\tCHANGES\tNOTICED")
	all := 0
	for _, name := range names {
		all += made[name]
		fmt.Fprintf(columns, "%s\t%d\t%d\n", name, made[name], made[name]-survived[name])
	}
	if err := columns.Flush(); err != nil {
		return 0, err
	}
	slices.SortFunc(survivors, func(a, b trial) int {
		return cmp.Or(cmp.Compare(a.file, b.file), cmp.Compare(a.Line, b.Line), cmp.Compare(a.String(), b.String()))
	})
	for _, t := range survivors {
		fmt.Fprintln(stdout, "not noticed:", t)
	}
	if all == 0 {
		return 0, errors.New("nothing to change")
	}
	rate := 100 * float64(all-len(survivors)) / float64(all)
	_, err := fmt.Fprintf(stdout, "%d changes of %d rules, %d noticed by a test (%.1f%%)\n", all, len(names), all-len(survivors), rate)
	return rate, err
}
