package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/upkeephq/upkeep/services/setup/internal/check"
	"github.com/upkeephq/upkeep/services/setup/internal/place"
	"github.com/upkeephq/upkeep/services/setup/internal/render"
	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

// dryRun does all but the writing into CONFIG_DIR, and says who would be told.
func dryRun(_ context.Context, conf settings.Settings, stdout io.Writer) error {
	files, err := rendered(conf)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(scratch(conf), ".new-check-")
	if err != nil {
		return fmt.Errorf("make a folder to check in: %w", err)
	}
	staged, err := place.Stage(dir, files)
	if err == nil {
		err = check.Alertmanager(filepath.Join(staged, render.AlertmanagerConfig))
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	return describe(conf, stdout)
}

// scratch is a folder that can be written to: the root of the image cannot, but the volume of the configuration can.
func scratch(conf settings.Settings) string {
	if info, err := os.Stat(conf.ConfigDir); err == nil && info.IsDir() {
		return conf.ConfigDir
	}
	return os.TempDir()
}

// describe says, a line each, who would be told and what else is set, without any secret.
func describe(conf settings.Settings, stdout io.Writer) error {
	table := tabwriter.NewWriter(stdout, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "good: Alertmanager would take it")
	ways := render.Ways(conf)
	for _, way := range ways {
		fmt.Fprintf(table, "%s\t%s\n", way.Name, way.To)
	}
	if len(ways) == 0 {
		fmt.Fprintln(table, "no receiver\tNOBODY WILL BE TOLD when something breaks: set one of the ALERT_... receivers")
	}
	watch := render.Watch(conf)
	if watch == "" {
		watch = "none: NOBODY WILL NOTICE when this machine dies: set ALERT_DEADMANSSWITCH_URL"
	}
	fmt.Fprintf(table, "dead man's switch\t%s\n", watch)
	quiet := quietTime(conf)
	if quiet == "" {
		quiet = "none"
	}
	fmt.Fprintf(table, "quiet\t%s\n", quiet)
	return table.Flush()
}

// quietTime is "22:00-07:00 and saturday,sunday (Europe/Berlin)", or empty.
func quietTime(conf settings.Settings) string {
	var parts []string
	for _, part := range []string{conf.QuietHours, conf.QuietDays} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, " and ") + " (" + conf.Timezone + ")"
}

// written checks what an earlier run has left.
func written(_ context.Context, conf settings.Settings, _ io.Writer) error {
	_, err := check.Config(filepath.Join(conf.ConfigDir, render.AlertmanagerConfig))
	return err
}
