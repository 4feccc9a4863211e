// Command watchdog heals containers through the Docker API, or its own child processes, and records why they went down.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/upkeephq/upkeep/services/kit/build"
	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
)

// Set by the linker: -ldflags "-X main.version=1.4.0 -X main.revision=abc".
var version, revision string

func main() { os.Exit(exitCode()) }

func exitCode() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	if err == nil {
		return 0
	}
	fmt.Fprintf(os.Stderr, "watchdog: %v\n", err)
	switch {
	case errors.Is(err, errUsage):
		return 2
	case errors.Is(err, errBudgetSpent):
		return 3
	}
	return 1
}

// errUsage marks a command line that cannot be understood.
var errUsage = errors.New("try watchdog --help")

const about = `Heals the containers that carry the label watchdog.enable=true, and records why they went down.

Without a command it watches. Where there is no Docker, watchdog run does the same for processes. It is configured by the environment; watchdog check lists the variables.`

// commands is the command line.
type commands struct {
	Version kong.VersionFlag `help:"Print the version."`

	Watch struct {
		DryRun bool `help:"Decide and report, touch nothing."`
	} `cmd:"" default:"withargs" help:"Watch and heal until told to stop (the default)."`
	Run struct {
		runFlags
		Command []string `arg:"" passthrough:"" help:"The program and its arguments."`
	} `cmd:"" help:"Run a program as child processes instead, and heal them: watchdog run [--workers N] -- COMMAND…"`
	Status struct {
		JSON bool `help:"Print JSON."`
	} `cmd:"" help:"Show every target: its state, since when and why, and what is left of its restart budget."`
	Events struct {
		Follow bool `short:"f" help:"Go on with the events to come."`
		Lines  int  `short:"n" default:"100" help:"Show the last N events; 0 shows all."`
		JSON   bool `help:"Print JSON, an object a line."`
	} `cmd:"" help:"Show what happened."`
	Incidents struct {
		ID   string `arg:"" optional:"" help:"The incident to show in full; the beginning of its ID is enough."`
		JSON bool   `help:"Print JSON."`
	} `cmd:"" help:"List the outages, or show one in full: why, what was done, the last log lines."`
	Pause struct {
		target
		For time.Duration `help:"Resume by itself after this time, e.g. 30m."`
	} `cmd:"" help:"Leave a target alone until resumed."`
	Resume     target   `cmd:"" help:"Look after a paused target again."`
	Restart    target   `cmd:"" help:"Restart a target now. It spends no budget."`
	Reset      target   `cmd:"" help:"Clear a target's restart history, so that its budget is whole again."`
	Check      struct{} `cmd:"" help:"Check the configuration and list its variables."`
	Completion struct {
		Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
	} `cmd:"" help:"Print a script that completes commands and targets in a shell."`
	Healthcheck struct{} `cmd:"" help:"Fail when the watchdog does not answer or its loop hangs."`
}

type target struct {
	Target string `arg:"" optional:"" help:"The target, as watchdog status names it."`
	All    bool   `help:"All targets."`
}

// withVariable adds to the help of a flag which variable it overrides.
func withVariable(v *kong.Value) string {
	help := kong.DefaultHelpValueFormatter(v)
	if name := v.Tag.Get("var"); name != "" {
		help += " ($" + name + ")"
	}
	return help
}

// run is the whole program.
func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) error {
	info := build.Of("watchdog", version, revision)
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("watchdog"), kong.Description(about), kong.Writers(stdout, stderr),
		kong.Vars{"version": info.String()}, kong.Exit(func(code int) { exited = code }), kong.UsageOnError(),
		kong.ValueFormatter(withVariable))
	if err != nil {
		return err
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 {
		return nil // --help and --version have answered
	}
	if err != nil {
		return fmt.Errorf("%w; %w", err, errUsage)
	}
	if parsed.Command() == "completion <shell>" {
		_, err := io.WriteString(stdout, completion(cli.Completion.Shell, parser.Model))
		return err
	}
	running := parsed.Command() == "run <command>"
	if running {
		environ = cli.Run.override(environ)
	}
	s, faults := loadSettings(environ)
	var r runSettings
	if running {
		command, more := cli.Run.Command, error(nil)
		if command[0] == "--" {
			command = command[1:]
		}
		if len(command) == 0 {
			return fmt.Errorf("run: the command is missing; %w", errUsage)
		}
		r, more = loadRunSettings(environ, command)
		faults = errors.Join(faults, more)
	}
	if parsed.Command() == "check" {
		return errors.Join(listVariables(stdout), faults)
	}
	if faults != nil {
		return fmt.Errorf("the environment has faults:\n%w", faults)
	}
	v := newViewer(health.LocalURL(s.Listen, ""), s.LogDir)
	switch parsed.Command() {
	case "status":
		return runStatus(ctx, stdout, v, cli.Status.JSON)
	case "events":
		return runEvents(ctx, stdout, v, cli.Events.Lines, cli.Events.Follow, cli.Events.JSON)
	case "incidents", "incidents <id>":
		return runIncidents(stdout, v, cli.Incidents.ID, cli.Incidents.JSON)
	case "pause", "pause <target>":
		return runControl(ctx, stdout, v, control.Pause, cli.Pause.Target, cli.Pause.All, cli.Pause.For)
	case "resume", "resume <target>":
		return runControl(ctx, stdout, v, control.Resume, cli.Resume.Target, cli.Resume.All, 0)
	case "restart", "restart <target>":
		return runControl(ctx, stdout, v, control.Restart, cli.Restart.Target, cli.Restart.All, 0)
	case "reset", "reset <target>":
		return runControl(ctx, stdout, v, control.Reset, cli.Reset.Target, cli.Reset.All, 0)
	case "healthcheck":
		return runHealthcheck(ctx, v)
	}
	if running {
		return runProcesses(ctx, s, r, environ, info, stdout, stderr)
	}
	s.DryRun = s.DryRun || cli.Watch.DryRun
	return watch(ctx, s, info, stdout, containers(s))
}
