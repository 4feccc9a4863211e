package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/control"
	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// runControl has the running watchdog carry out a command on one target, or on all when all is set.
func runControl(ctx context.Context, stdout io.Writer, v viewer, verb control.Verb, target string, all bool, pauseFor time.Duration) error {
	if all == (target != "") {
		return errors.New("name one target, or give --all")
	}
	if pauseFor < 0 {
		return fmt.Errorf("--for=%s: want a duration above 0, e.g. 30m", pauseFor)
	}
	targets, err := control.Send(ctx, v.dir.Socket(), control.Command{Verb: verb, Target: target, For: pauseFor})
	if err != nil {
		return fmt.Errorf("%s: %w", verb, err)
	}
	if len(targets) == 0 {
		_, err := fmt.Fprintln(stdout, "There is no target.")
		return err
	}
	until := ""
	if pauseFor > 0 {
		until = " for " + journal.HumanDuration(pauseFor)
	}
	_, err = fmt.Fprintf(stdout, "%s%s: %s\n", did[verb], until, strings.Join(targets, ", "))
	return err
}

// did is what was done, for each verb.
var did = map[control.Verb]string{
	control.Pause: "Paused", control.Resume: "Resumed", control.Restart: "Restart asked for", control.Reset: "History cleared",
}
