package main

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"runtime/debug"
	"strconv"
	"strings"
)

// config is what the environment says.
type config struct {
	socket  string
	address string
	level   slog.Level
}

var levels = map[string]slog.Level{"DEBUG": slog.LevelDebug, "INFO": slog.LevelInfo, "WARN": slog.LevelWarn,
	"WARNING": slog.LevelWarn, "ERROR": slog.LevelError}

// configure reads the environment and reports everything that is wrong with it at once, one line a fault.
func configure(getenv func(string) string) (config, error) {
	c := config{
		socket:  cmp.Or(getenv("DOCKER_SOCKET"), "/var/run/docker.sock"),
		address: cmp.Or(getenv("GUARD_ADDRESS"), ":2375"),
	}
	var faults []error
	if !filepath.IsAbs(c.socket) {
		faults = append(faults, fmt.Errorf("DOCKER_SOCKET=%q: want the absolute path of a Unix socket", c.socket))
	}
	if err := checkAddress(c.address); err != nil {
		faults = append(faults, fmt.Errorf("GUARD_ADDRESS=%q: want host:port or :port with a port from 0 to 65535", c.address))
	}
	level, known := levels[strings.ToUpper(cmp.Or(getenv("LOG_LEVEL"), "INFO"))]
	if !known {
		faults = append(faults, fmt.Errorf("LOG_LEVEL=%q: want DEBUG, INFO, WARN or ERROR", getenv("LOG_LEVEL")))
	}
	c.level = level
	return c, errors.Join(faults...)
}

func checkAddress(address string) error {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	_, err = strconv.ParseUint(port, 10, 16)
	return err
}

// buildVersion is the version and revision of this program.
func buildVersion() string {
	v, r := cmp.Or(version, "dev"), revision
	if info, ok := debug.ReadBuildInfo(); ok && r == "" {
		for _, s := range info.Settings {
			if s.Key == "vcs.revision" {
				r = s.Value
			}
		}
	}
	return strings.TrimSpace(v + " " + r)
}
