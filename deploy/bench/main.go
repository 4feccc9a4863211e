// Command bench measures, in one run and on one machine, what the README claims: how long a crashed backend is away under
// Upkeep and under Docker's own restart policy, what the services weigh, and what a scrape costs.
//
//	go run . [-runs 10]
//	go run . -healers [-runs 5] [-peer NAME=COMMAND]…   the watchdog beside other healers, each with the Docker socket
//
// Both sides run the same image with the same limits, and are killed in turn, so that whatever else the machine does
// disturbs both alike. It needs the engine for itself: no other watchdog may run on it.
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
	flags.Var(&others, "peer", "with -healers: another one, as NAME=COMMAND; may be repeated")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		return nil
	} else if err != nil {
		return err
	}
	if *runs < 1 {
		return fmt.Errorf("-runs %d: want at least 1", *runs)
	}
	if err := stack.Reachable(ctx); err != nil {
		return err
	}
	if err := stack.Alone(ctx, "upkeep-bench"); err != nil {
		return err
	}
	say := func(format string, args ...any) { fmt.Fprintf(stderr, format+"\n", args...) }
	if *healers {
		return compare(ctx, *runs, others, stdout, say)
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
