// Guard stands between the watchdog and the Docker socket. It lets pass what healing containers takes and nothing else:
// see internal/policy/table.go for the whole of it.
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
)

// Set by -ldflags in an image; otherwise what the build recorded.
var (
	version  = ""
	revision = ""
)

const usage = `guard: lets the watchdog reach the Docker engine, and nothing more than it needs

  guard               serve the allowed part of the Docker API
  guard healthcheck   ask the running guard whether it reaches the engine; exit 1 when it does not

  --help       this text
  --version    version and revision

Environment
  DOCKER_SOCKET    the engine's Unix socket (/var/run/docker.sock)
  GUARD_ADDRESS    where to listen (:2375)
  LOG_LEVEL        DEBUG, INFO, WARN or ERROR (INFO)
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(exitCode(run(ctx, os.Args[1:], os.Getenv, os.Stdout), os.Stderr))
}

// exitCode says what went wrong, if anything did.
func exitCode(err error, stderr io.Writer) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(stderr, "guard:", err)
	return 1
}

// run is the whole program.
func run(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	flags := flag.NewFlagSet("guard", flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	showVersion := flags.Bool("version", false, "")
	if err := flags.Parse(args); errors.Is(err, flag.ErrHelp) {
		_, err = io.WriteString(stdout, usage)
		return err
	} else if err != nil {
		return fmt.Errorf("%w; try guard --help", err)
	}
	if *showVersion {
		_, err := fmt.Fprintln(stdout, "guard", buildVersion())
		return err
	}
	conf, err := configure(getenv)
	if err != nil {
		return err
	}
	switch {
	case flags.NArg() == 0:
		return serve(ctx, conf, stdout)
	case flags.NArg() == 1 && flags.Arg(0) == "healthcheck":
		return healthcheck(ctx, conf.address)
	}
	return fmt.Errorf("unknown command %q; try guard --help", flags.Args())
}
