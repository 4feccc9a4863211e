// Setup renders what Alertmanager, Grafana and Prometheus cannot read from the environment, has Alertmanager's own code check
// it, and ends. It runs before them at every `docker compose up`.
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
	"text/tabwriter"

	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

const usage = `setup writes the configuration of Alertmanager, Grafana's password and Prometheus's token, from the environment.

  setup                    render, check, and put the files in their places; on a fault leave the old ones
  setup check              render and check, write nothing; say who would be told, and where
  setup test-notification  send a test through the running Alertmanager, and say which receivers took it
  setup healthcheck        exit 0 when what was written is there and Alertmanager would take it
  setup --version          print version, revision and Go version
  setup --help             print this

Environment (an empty variable counts as not set):

`

func main() { os.Exit(exitCode()) }

func exitCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "setup: %v\nTry 'setup --help'.\n", err)
		return 2
	}
	fmt.Fprintf(os.Stderr, "setup: %v\n", err)
	return 1
}

var errUsage = errors.New("cannot be understood")

// run is the whole program.
func run(ctx context.Context, args, environ []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("setup", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return writeHelp(stdout)
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case *showVersion:
		_, err := fmt.Fprintln(stdout, "setup", buildVersion())
		return err
	case flags.NArg() > 1:
		return fmt.Errorf("%w: %q", errUsage, flags.Args()[1:])
	}
	do, known := map[string]func(context.Context, settings.Settings, io.Writer) error{
		"": configure, "check": dryRun, "test-notification": testNotification, "healthcheck": written,
	}[flags.Arg(0)]
	if !known {
		return fmt.Errorf("%w: there is no command %q", errUsage, flags.Arg(0))
	}
	conf, err := settings.Load(environ)
	if err != nil {
		return fmt.Errorf("the environment has faults, the files stay as they were:\n%w", err)
	}
	return do(ctx, conf, stdout)
}

// writeHelp prints the usage with every variable that is read.
func writeHelp(out io.Writer) error {
	if _, err := io.WriteString(out, usage); err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 4, 2, ' ', 0)
	for _, v := range settings.Variables() {
		fmt.Fprintf(table, "  %s\t%s\t%s\n", v.Name, v.Default, v.Allowed)
	}
	return table.Flush()
}
