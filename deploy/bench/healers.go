package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	patientName = "upkeep-bench-patient"
	// giveUp is how long a healer is waited for before it counts as one that does not heal this.
	giveUp = 40 * time.Second
)

// healer is a program that heals containers, or Docker's own policy where there is no program.
type healer struct {
	name    string
	policy  string // of Docker
	env     []string
	command []string
}

// peers are other programs to run beside, from the command line: NAME=COMMAND.
type peers []healer

// String implements flag.Value.
func (p *peers) String() string { return "" }

// Set implements flag.Value.
func (p *peers) Set(s string) error {
	name, command, ok := strings.Cut(s, "=")
	if !ok || name == "" || command == "" {
		return errors.New("want NAME=COMMAND")
	}
	*p = append(*p, healer{name: name, policy: "no", command: strings.Fields(command)})
	return nil
}

// faults are what a patient suffers. A frozen process answers nothing and does not obey SIGTERM.
var faults = []struct {
	name   string
	signal syscall.Signal
}{{"crash (SIGKILL)", syscall.SIGKILL}, {"hang (SIGSTOP)", syscall.SIGSTOP}}

// compare makes the same container ill under one healer after the other: image of the API, HEALTHCHECK every second, two
// retries. It carries the labels of all of them.
func compare(ctx context.Context, runs int, others peers, stdout io.Writer, say func(string, ...any)) (err error) {
	dir, err := os.MkdirTemp("", "upkeep-bench-healers")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	s, err := stack.New(stack.Options{Project: "upkeep-bench", Dir: dir})
	if err != nil {
		return err
	}
	// what was made is removed even when the run was interrupted
	defer func() {
		ctx := context.WithoutCancel(ctx)
		_, gone := stack.Docker(ctx, "rm", "-f", "-v", patientName)
		err = errors.Join(err, gone, stack.RemoveImages(ctx))
	}()
	say("building the image of the API")
	if out, err := s.Compose(ctx, "build", "api"); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	ours, err := buildUpkeep(ctx, dir)
	if err != nil {
		return err
	}
	ours.watchdog.env = append(ours.watchdog.env, "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_MAX_RESTARTS=1000") // the others have neither delay nor budget
	_, stop, err := ours.guard.start(ctx, dir)
	if err != nil {
		return err
	}
	defer stop()
	all := append([]healer{ours.watchdog, {name: "restart: always", policy: "always"}}, others...)
	fmt.Fprintf(stdout, "\nFrom the fault to the first 200 of /health/ready, seconds; HEALTHCHECK every 1 s, 2 retries, %d of each\n\n", runs)
	fmt.Fprintf(stdout, "| healer | fault | median | worst | each |\n|---|---|---|---|---|\n")
	for _, h := range all {
		say("%s", h.name)
		if err := h.measure(ctx, runs, dir, stdout); err != nil {
			return fmt.Errorf("%s: %w", h.name, err)
		}
	}
	return nil
}

// start runs the healer's program until stop is called. What it says goes to a file in dir.
func (h healer) start(ctx context.Context, dir string) (pid int, stop func(), err error) {
	if len(h.command) == 0 {
		return 0, func() {}, nil
	}
	out, err := os.Create(filepath.Join(dir, strings.ReplaceAll(h.name, "/", "_")+".log"))
	if err != nil {
		return 0, nil, err
	}
	cmd := exec.CommandContext(ctx, h.command[0], h.command[1:]...)
	cmd.Env, cmd.Stdout, cmd.Stderr = append(os.Environ(), h.env...), out, out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a healer may be a shell script with children
	if err := cmd.Start(); err != nil {
		return 0, nil, errors.Join(err, out.Close())
	}
	return cmd.Process.Pid, func() {
		_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // it may have ended
		_ = cmd.Wait()                                      // killed, so it has no success to tell of
		out.Close()
	}, nil
}

// measure lets the patient suffer each fault under the healer.
func (h healer) measure(ctx context.Context, runs int, dir string, stdout io.Writer) error {
	for _, fault := range faults {
		patient, err := admit(ctx, h.policy)
		if err != nil {
			return err
		}
		_, stop, err := h.start(ctx, dir)
		if err != nil {
			return err
		}
		var times []time.Duration
		for range runs {
			var took time.Duration
			if took, err = patient.suffer(ctx, fault.signal); err != nil {
				break
			}
			times = append(times, took)
		}
		stop()
		_, gone := stack.Docker(context.WithoutCancel(ctx), "rm", "-f", "-v", patientName)
		switch {
		case errors.Is(err, errNotHealed):
			fmt.Fprintf(stdout, "| %s | %s | not healed within %s | | |\n", h.name, fault.name, giveUp)
		case errors.Join(err, gone) != nil:
			return errors.Join(err, gone)
		default:
			slow := times[0]
			for _, d := range times {
				slow = max(slow, d)
			}
			fmt.Fprintf(stdout, "| %s | %s | %.2f | %.2f | %s |\n", h.name, fault.name, median(times).Seconds(), slow.Seconds(), list(times))
		}
	}
	return nil
}

// admit starts the patient, and waits until it is ready.
func admit(ctx context.Context, policy string) (contender, error) {
	if _, err := stack.Docker(ctx, "rm", "-f", "-v", patientName); err != nil {
		return contender{}, err
	}
	address, err := freeAddress()
	if err != nil {
		return contender{}, err
	}
	if _, err := stack.Docker(ctx, "run", "-d", "--name", patientName, "--restart", policy, "-p", address+":8000", "--cpus", "1",
		"--memory", "256m", "-e", "LOG_DIR=none", "--health-interval", "1s", "--health-retries", "2", "--health-timeout", "1s",
		"-l", "watchdog.enable=true", "-l", "watchdog.probe=http://:8000/health/live", "-l", "watchdog.probe.interval=1",
		"-l", "watchdog.probe.timeout=1", "-l", "watchdog.probe.failures=2", "-l", "autoheal=true", "-l", "deunhealth.restart.on.unhealthy=true",
		stack.Image("api")); err != nil {
		return contender{}, err
	}
	c := contender{patientName, "http://" + address + "/health/ready"}
	return c, c.wait(ctx, time.Minute)
}

var errNotHealed = errors.New("not healed")

// suffer sends the main process a signal once Docker calls the patient healthy, and returns how long it took until it was
// ready again.
func (c contender) suffer(ctx context.Context, sig syscall.Signal) (time.Duration, error) {
	err := stack.Poll(ctx, time.Minute, func() error {
		out, err := stack.Docker(ctx, "inspect", "-f", "{{.State.Health.Status}}", c.name)
		if err == nil && strings.TrimSpace(out) != "healthy" {
			err = errors.New(c.name + " is " + strings.TrimSpace(out))
		}
		return err
	})
	if err == nil {
		err = c.settled(ctx, calm)
	}
	if err != nil {
		return 0, err
	}
	before, err := stack.Inspect(ctx, c.name)
	if err != nil {
		return 0, err
	}
	pid := before.State.Pid
	return c.recovers(ctx, giveUp, func() (time.Time, error) {
		at := time.Now()
		if err := syscall.Kill(pid, sig); err != nil {
			return at, fmt.Errorf("signal process %d: %w", pid, err)
		}
		if sig == syscall.SIGSTOP { // the signal counts once all its threads have seen it
			return at, stack.Poll(ctx, 10*time.Second, func() error { return frozen(pid) })
		}
		return at, nil
	})
}
