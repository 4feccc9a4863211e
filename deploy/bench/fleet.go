package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	fleetLabel = "upkeep-bench=fleet"
	fleetName  = "upkeep-bench-fleet-"
	fleetMax   = 1000 // a bridge of Linux has 1024 ports
	// starters are how many containers are started at once.
	starters = 4
	// scrapeEvery is how often prometheus/prometheus.yml has the watchdog scraped.
	scrapeEvery = 10 * time.Second
	// checkEvery is the HEALTHCHECK interval of the services in docker-compose.yml.
	checkEvery = 10 * time.Second
)

// sizes are how many targets there are, from the command line: -fleet for the default, or -fleet=N,N…
type sizes []int

var defaultSizes = sizes{1, 50, 200}

// IsBoolFlag lets -fleet stand without a value.
func (s *sizes) IsBoolFlag() bool { return true }

// String implements flag.Value.
func (s *sizes) String() string { return "" }

// Set implements flag.Value.
func (s *sizes) Set(v string) error {
	*s = nil
	if v == "true" {
		*s = defaultSizes
		return nil
	}
	for field := range strings.SplitSeq(v, ",") {
		n, err := strconv.Atoi(field)
		if err != nil || n < 1 || n > fleetMax {
			return fmt.Errorf("%q: want numbers from 1 to %d with commas between", field, fleetMax)
		}
		*s = append(*s, n)
	}
	return nil
}

// round is one measurement: how many targets, and how often Docker checks their health, 0 for never.
type round struct {
	targets int
	check   time.Duration
}

// fleet measures what watching costs: guard and watchdog as they are by default, looking after more and more containers
// that are well, and last after the most of them once more with a HEALTHCHECK each, which is where events come from.
func fleet(ctx context.Context, of sizes, period time.Duration, stdout io.Writer, say func(string, ...any)) (err error) {
	if !stack.HasImage(ctx, stack.Busybox) {
		return fmt.Errorf("the targets need the image %[1]s: docker pull %[1]s", stack.Busybox)
	}
	dir, err := os.MkdirTemp("", "upkeep-bench-fleet")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := disband(ctx); err != nil { // a killed run left them
		return err
	}
	built, err := buildUpkeep(ctx, dir)
	if err != nil {
		return err
	}
	var rounds []round
	for _, n := range of {
		rounds = append(rounds, round{targets: n})
	}
	rounds = append(rounds, round{slices.Max(of), checkEvery})
	var costs []cost
	defer func() {
		if costs != nil {
			costTable(stdout, period, rounds, costs)
		}
	}() // what was measured before a fault counts too
	for i, r := range rounds {
		say("targets: %s", r)
		c, err := r.run(ctx, filepath.Join(dir, strconv.Itoa(i)), built, period)
		if err != nil {
			return fmt.Errorf("targets: %s: %w", r, err)
		}
		costs = append(costs, c)
	}
	return nil
}

// String tells one round from the others.
func (r round) String() string {
	if r.check == 0 {
		return strconv.Itoa(r.targets)
	}
	return fmt.Sprintf("%d, HEALTHCHECK every %v", r.targets, r.check)
}

// run starts everything, waits until the watchdog calls all targets up, measures, and removes everything.
func (r round) run(ctx context.Context, dir string, built upkeep, period time.Duration) (c cost, err error) {
	defer func() { err = errors.Join(err, disband(context.WithoutCancel(ctx))) }()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return c, err
	}
	if err := r.assemble(ctx); err != nil {
		return c, err
	}
	engine, socket := os.Getenv("DOCKER_SOCKET"), filepath.Join(dir, "engine.sock")
	if engine == "" {
		engine = "/var/run/docker.sock"
	}
	t, shut, err := openTap(ctx, engine, socket)
	if err != nil {
		return c, err
	}
	defer shut()
	built.guard.env = append(slices.Clip(built.guard.env), "DOCKER_SOCKET="+socket)
	built.watchdog.env = append(slices.Clip(built.watchdog.env), "LOG_DIR="+filepath.Join(dir, "logs"))
	guard, stop, err := built.guard.start(ctx, dir)
	if err != nil {
		return c, err
	}
	defer stop()
	watchdog, stop, err := built.watchdog.start(ctx, dir)
	if err != nil {
		return c, err
	}
	defer stop()
	m := meter{round: r, tap: t, guard: guard, watchdog: watchdog, url: "http://" + built.address}
	if err := m.settle(ctx); err != nil {
		return c, err
	}
	if c, err = m.measure(ctx, period); err != nil {
		return c, err
	}
	if restarts, err := m.restarts(ctx); err != nil || restarts > 0 {
		return c, errors.Join(err, fmt.Errorf("%d restarts: not all targets were well all the time, so this tells nothing", restarts))
	}
	return c, nil
}

// assemble starts the targets: a small web server each, with limits and without a restart policy.
func (r round) assemble(ctx context.Context) error {
	args := []string{"run", "-d", "--cpus", "0.5", "--memory", "64m", "--pids-limit", "64", "-l", fleetLabel,
		"-l", "watchdog.enable=true", "-l", "watchdog.probe=http://:8000/hostname"}
	if r.check > 0 {
		args = append(args, "--health-interval", r.check.String(), "--health-timeout", "10s",
			"--health-cmd", "busybox wget -q -O /dev/null http://127.0.0.1:8000/hostname")
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	next := make(chan string)
	for range starters {
		wg.Go(func() {
			for name := range next {
				// not given up half way: a container that came into being after the end would stay
				if _, err := stack.Docker(context.WithoutCancel(ctx), slices.Concat(args, []string{"--name", name, stack.Busybox,
					"busybox", "httpd", "-f", "-p", "8000", "-h", "/etc"})...); err != nil {
					cancel(err)
				}
			}
		})
	}
	for n := 1; n <= r.targets && ctx.Err() == nil; n++ {
		select {
		case next <- fleetName + strconv.Itoa(n):
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// disband removes all targets that there are.
func disband(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	out, err := stack.Docker(ctx, "ps", "-aq", "--filter", "label="+fleetLabel)
	if err != nil || out == "" {
		return err
	}
	_, err = stack.Docker(ctx, append([]string{"rm", "-f", "-v"}, strings.Fields(out)...)...)
	return err
}
