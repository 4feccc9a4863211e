package main

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// upkeep is the guard and the watchdog, neither of them started yet.
type upkeep struct {
	guard, watchdog healer
	address         string // where the watchdog answers
}

// buildUpkeep builds both into dir, with the defaults of their settings.
func buildUpkeep(ctx context.Context, dir string) (upkeep, error) {
	if err := build(ctx, dir, "guard", "watchdog"); err != nil {
		return upkeep{}, err
	}
	guard, err := freeAddress()
	if err != nil {
		return upkeep{}, err
	}
	watchdog, err := freeAddress()
	if err != nil {
		return upkeep{}, err
	}
	return upkeep{
		guard: healer{name: "guard", env: []string{"GUARD_ADDRESS=" + guard}, command: []string{filepath.Join(dir, "guard")}},
		watchdog: healer{name: "Upkeep", policy: "no", command: []string{filepath.Join(dir, "watchdog")}, env: []string{
			"DOCKER_HOST=tcp://" + guard, "LOG_DIR=" + filepath.Join(dir, "logs"), "WATCHDOG_LISTEN=" + watchdog,
		}},
		address: watchdog,
	}, nil
}

// build builds services into dir.
func build(ctx context.Context, dir string, services ...string) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	for _, service := range services {
		build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(dir, service), ".")
		build.Dir = filepath.Join(root, "services", service)
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", service, err, out)
		}
	}
	return nil
}

func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
