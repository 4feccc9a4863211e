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
		owner = func(string, int) error { return nil }
		logs.Logger.Warn("not running as root: the files stay with this user, and their readers must be the same")
	}
	if err := place.Abandoned(conf.ConfigDir); err != nil {
		return fmt.Errorf("clear up after an earlier run: %w", err)
	}
	staged, err := place.Stage(conf.ConfigDir, files)
	if err != nil {
		return err
	}
	err = errors.Join(ctx.Err(), check.Alertmanager(filepath.Join(staged, render.AlertmanagerConfig)))
	if err == nil {
		err = place.HandOver(staged, files, owner)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the files stay as they were: %w", err), os.RemoveAll(staged))
	}
	kept, err := place.Commit(staged, conf.ConfigDir, files, render.Owned)
	if err != nil {
		return err
	}
	report(logs.Logger, conf, kept)
	return reload(ctx, conf.AlertmanagerAddr, logs.Logger)
}

// report says who will be told, and how to get into Grafana.
func report(log *zap.Logger, conf settings.Settings, kept []string) {
	names := []string{}
	for _, way := range render.Ways(conf) {
		names = append(names, way.Name)
		log.Info("alerts go to "+way.Name, zap.String("receiver", way.Name), zap.String("to", way.To))
	}
	if len(names) == 0 {
		log.Warn("NOBODY WILL BE TOLD when something breaks: set one of the ALERT_... receivers in .env, then docker compose up -d",
			zap.Strings("receivers", names))
	}
	if quiet := quietTime(conf); quiet != "" {
		log.Info("warnings and infos wait " + quiet + "; critical alerts do not")
	}
	if watch := render.Watch(conf); watch != "" {
		log.Info("the dead man's switch is called every minute", zap.String("to", watch))
	} else {
		log.Warn("NOBODY WILL NOTICE when this machine, Prometheus or Alertmanager dies: set ALERT_DEADMANSSWITCH_URL in .env, see deploy/notifications.md")
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
