// Command api is the backend that Upkeep keeps up, and the worked example of
// its kit: health checks, metrics, logs and an orderly life. Your own routes go
// into internal/routes.
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

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/health"
)

const service = "api"

// Set by the linker: -ldflags "-X main.version=1.4.0 -X main.revision=abc".
var version, revision string

func main() { os.Exit(exitCode()) }

func exitCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintf(os.Stderr, "api: %v\nTry 'api --help'.\n", err)
		return 2
	}
	fmt.Fprintf(os.Stderr, "api: %v\n", err)
	return 1
}

var errUsage = errors.New("cannot be understood")

// run is the whole program.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("api", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	switch err := flags.Parse(args); {
	case errors.Is(err, flag.ErrHelp):
		return writeHelp(stdout)
	case err != nil:
		return fmt.Errorf("%w: %w", errUsage, err)
	case *showVersion:
		_, err := fmt.Fprintln(stdout, build.Of(service, version, revision))
		return err
	case flags.NArg() > 1:
		return fmt.Errorf("%w: %q", errUsage, flags.Args()[1:])
	}

	command := flags.Arg(0)
	if command != "" && command != "healthcheck" {
		return fmt.Errorf("%w: there is no command %q", errUsage, command)
	}
	config, err := settings.Load(environ)
	if err != nil {
		return fmt.Errorf("the environment has faults:\n%w", err)
	}
	if command == "healthcheck" {
		return health.Probe(ctx, health.LocalURL(config.Address(), "/health/live"))
	}
	return serveAPI(ctx, config, stdout)
}
