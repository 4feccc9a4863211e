package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"

	"go.uber.org/zap"

	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/setup/internal/check"
	"github.com/upkeephq/upkeep/services/setup/internal/place"
	"github.com/upkeephq/upkeep/services/setup/internal/render"
	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

// Set by the linker: -ldflags "-X main.version=1.4.0 -X main.revision=abc".
var version, revision string

// configure renders, checks and places the files.
func configure(ctx context.Context, conf settings.Settings, stdout io.Writer) (err error) {
	logs, err := logging.New(logging.Config{Service: "setup", Version: version, Level: conf.LogLevel, JSON: conf.JSONLogs, Stdout: stdout})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, logs.Close()) }()

	files, err := rendered(conf)
	if err != nil {
		return err
	}
	owner := place.Owner(place.Chown)
	if os.Geteuid() != 0 {
		owner = func(*os.File, int) error { return nil }
		logs.Logger.Warn("not running as root: the files stay with this user, and their readers must be the same")
	}
	if err := place.Abandoned(conf.ConfigDir); err != nil {
		return fmt.Errorf("clear up after an earlier run: %w", err)
	}
	staged, err := place.Stage(conf.ConfigDir, files, owner)
	if err != nil {
		return err
	}
	if err := errors.Join(ctx.Err(), check.Alertmanager(filepath.Join(staged, render.AlertmanagerConfig))); err != nil {
		return errors.Join(fmt.Errorf("the files stay as they were: %w", err), os.RemoveAll(staged))
	}
	kept, err := place.Commit(staged, conf.ConfigDir, files, render.Owned)
	if err != nil {
		return err
	}
	report(logs.Logger, conf, kept)
	return reload(ctx, conf.ReloadURL, logs.Logger)
}

// report says who will be told, and how to get into Grafana.
func report(log *zap.Logger, conf settings.Settings, kept []string) {
	if ways := render.Ways(conf); len(ways) > 0 {
		log.Info("alerts go to "+strings.Join(ways, " and "), zap.Strings("receivers", ways))
	} else {
		log.Warn("NOBODY WILL BE TOLD when something breaks: set ALERT_WEBHOOK_URL or ALERT_SLACK_WEBHOOK_URL in .env, then docker compose up -d",
			zap.Strings("receivers", ways))
	}
	const read = "docker compose exec grafana cat /config/" + render.AdminPassword
	switch {
	case conf.GrafanaAdminPassword != "":
		log.Info("Grafana's first password is the one of GRAFANA_ADMIN_PASSWORD; to change a later one: docker compose exec grafana grafana cli admin reset-admin-password NEW")
	case slices.Contains(kept, render.AdminPassword):
		log.Info("Grafana keeps the password that was made for it; to read it: " + read)
	default:
		log.Info("a password was made for Grafana; to read it: " + read)
	}
}

// rendered is everything that is to be written.
func rendered(conf settings.Settings) ([]render.File, error) {
	templates, err := readTemplates(conf.TemplatesDir)
	if err != nil {
		return nil, err
	}
	return render.Files(conf, templates, newPassword())
}

// dryRun does all but the writing into CONFIG_DIR.
func dryRun(conf settings.Settings, stdout io.Writer) error {
	files, err := rendered(conf)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "upkeep-setup-")
	if err != nil {
		return fmt.Errorf("make a folder to check in: %w", err)
	}
	staged, err := place.Stage(dir, files, func(*os.File, int) error { return nil })
	if err == nil {
		err = check.Alertmanager(filepath.Join(staged, render.AlertmanagerConfig))
	}
	if err = errors.Join(err, os.RemoveAll(dir)); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "good; receivers: %s\n", cmp.Or(strings.Join(render.Ways(conf), ", "), "none, nobody will be told"))
	return err
}

// written checks what an earlier run has left.
func written(conf settings.Settings) error {
	return check.Alertmanager(filepath.Join(conf.ConfigDir, render.AlertmanagerConfig))
}

func readTemplates(dir string) (map[string][]byte, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.tmpl"))
	if err == nil && len(paths) == 0 {
		err = errors.New("no *.tmpl is there: mount deploy/alertmanager")
	}
	if err != nil {
		return nil, fmt.Errorf("read the message templates of TEMPLATES_DIR=%s: %w", dir, err)
	}
	templates := map[string][]byte{}
	for _, path := range paths {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read a message template: %w", err)
		}
		templates[filepath.Base(path)] = content
	}
	return templates, nil
}

// newPassword has 32 characters out of 62, 190 bits.
func newPassword() string {
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	var password strings.Builder
	for password.Len() < 32 {
		var b [1]byte
		_, _ = rand.Read(b[:]) // never fails, it says
		if i := int(b[0]) & 63; i < len(letters) {
			password.WriteByte(letters[i])
		}
	}
	return password.String()
}

func buildVersion() string {
	v, r := cmp.Or(version, "dev"), revision
	if info, ok := debug.ReadBuildInfo(); ok && r == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				r = s.Value
			}
		}
	}
	return fmt.Sprintf("%s (revision %s, %s)", v, cmp.Or(r, "unknown"), runtime.Version())
}
