// Command bench measures, in one run and on one machine, what the README claims: how long a crashed backend is away under
// Upkeep and under Docker's own restart policy, what the services weigh, what a scrape costs, and what watching costs.
//
//	go run . [-runs 10]
//	go run . -healers [-runs 5] [-peer NAME=COMMAND]…   the watchdog beside other healers, each with the Docker socket
//	go run . -fleet[=1,50,200] [-for 60s]         memory and processor time of guard and watchdog, by number of targets
//	go run . -processes [-for 60s] [-peer NAME=COMMAND]… workers killed and reloaded under load; needs no engine
//
// Both sides run the same image with the same limits, and are killed in turn, so that whatever else the machine does
// disturbs both alike. It needs the engine for itself: no other watchdog may run on it. -healers and -fleet run the programs
// of this repository as processes of this machine, which must be the engine's own and run Linux.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const usageText = `bench: measures, on this machine, what the README claims. It needs the Docker engine for itself.

  bench            recovery from a crash beside Docker's own restart policy; memory, image sizes, scrape time
  bench -healers   crash and hang of one container under Upkeep, under Docker's policy, and under each -peer
  bench -processes requests that are lost when workers are killed and reloaded, under watchdog run and under each -peer: a
                   command that understands start (on 127.0.0.1:$PORT), pids, reload and stop
  bench -fleet     memory, processor time, events and scrapes of the watchdog and the guard, by number of targets

The tables are Markdown, on standard output. What was started is removed at the end, after an interrupt too.

`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	runs := flags.Int("runs", 10, "crashes per series")
	healers := flags.Bool("healers", false, "compare healers instead: crash and hang of the same container under each")
	var others peers
	flags.Var(&others, "peer", "with -healers and -processes: another one, as NAME=COMMAND; may be repeated")
	var of sizes
	flags.Var(&of, "fleet", "measure what watching costs instead, with 1, 50 and 200 targets; -fleet=N,N for other numbers")
	period := flags.Duration("for", time.Minute, "with -fleet and -processes: measured `time` for each number of targets, or of killing")
	supervisors := flags.Bool("processes", false, "compare supervisors of processes instead: workers that are killed, and reloaded, under load")
	flags.Usage = func() { fmt.Fprint(stderr, usageText); flags.PrintDefaults() }
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	switch {
	case flags.NArg() > 0:
		return fmt.Errorf("%q: want flags only; a list of numbers is written -fleet=1,50", flags.Arg(0))
	case *runs < 1:
		return fmt.Errorf("-runs %d: want at least 1", *runs)
	case *healers && of != nil, *supervisors && (*healers || of != nil):
		return errors.New("-healers, -fleet and -processes: want one of them")
	case *period < scrapeEvery:
		return fmt.Errorf("-for %v: want at least %v, the time between two scrapes", *period, scrapeEvery)
	}
	say := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	if *supervisors {
		return processes(ctx, *period, others, stdout, say)
	}
	if err := stack.Reachable(ctx); err != nil {
		return err
	}
	if err := stack.Alone(ctx, "upkeep-bench"); err != nil {
		return err
	}
	if *healers {
		return compare(ctx, *runs, others, stdout, say)
	}
	if of != nil {
		return fleet(ctx, of, *period, stdout, say)
	}
	dir, err := os.MkdirTemp("", "upkeep-bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)

	s, err := stack.New(stack.Options{Project: "upkeep-bench", Dir: dir, Without: []string{"grafana"}, Env: map[string]string{
		"WATCHDOG_RESTART_DELAY": "0", // Docker's policy has no budget to keep and starts at once, so neither do we wait
		"WATCHDOG_MAX_RESTARTS":  "1000",
	}})
	if err != nil {
		return err
	}
	// what was started is removed even when the run was interrupted
	defer func() {
		err = errors.Join(err, tearDown(context.WithoutCancel(ctx), s), stack.RemoveImages(context.WithoutCancel(ctx)))
	}()
	if err := tearDown(ctx, s); err != nil {
		return err
	}
	say("building the images and starting the stack")
	if err := errors.Join(s.Build(ctx), s.Up(ctx)); err != nil {
		return err
	}
	rival, err := startRival(ctx)
	if err != nil {
		return err
	}
	upkeep := contender{name: s.Target("api"), ready: s.URL("api", "/health/ready")}

	if err := weigh(ctx, s, stdout); err != nil {
		return err
	}
	say("crashes after a calm run: %d of each, %v apart", *runs, calm)
	spaced, err := race(ctx, *runs, calm, upkeep, rival)
	if err != nil {
		return err
	}
	say("crashes back to back: %d of each", *runs)
	repeated, err := race(ctx, *runs, 0, upkeep, rival)
	if err != nil {
		return err
	}
	report(stdout, spaced, repeated)
	return nil
}

func tearDown(ctx context.Context, s *stack.Stack) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	_, err := stack.Docker(ctx, "rm", "-f", "-v", rivalName)
	return errors.Join(err, s.Down(ctx))
}
