package standalone

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	image = "upkeep-standalone:e2e"
	name  = "upkeep-standalone-e2e"
	port  = "5000" // what the platform says
)

// docker runs the docker command; the test ends when it fails.
func docker(t *testing.T, args ...string) string {
	t.Helper()
	out, err := stack.Docker(t.Context(), args...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// build makes the image as a platform does that cannot name a target: without SERVICE.
func build(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs the engine: run make e2e")
	}
	if err := stack.Reachable(t.Context()); err != nil {
		t.Fatal(err)
	}
	root, err := stack.Root()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { remove(t, "image", "rm", "--no-prune", image) })
	began := time.Now()
	docker(t, "build", "-q", "-f", root+"/deploy/Dockerfile", "-t", image, root)
	t.Logf("image built in %.0f s", time.Since(began).Seconds())
}

// remove cleans up; that there was nothing to remove is no fault.
func remove(t *testing.T, args ...string) {
	if _, err := stack.Docker(context.Background(), args...); err != nil && !strings.Contains(err.Error(), "No such") {
		t.Error(err)
	}
}

// container is a running one.
type container struct {
	t   *testing.T
	url string
}

// run starts the image as hard as a platform may: no file to write but in /tmp, another user than the image's, no capability.
func run(t *testing.T, more ...string) *container {
	t.Helper()
	remove(t, "rm", "-f", "-v", name) // what a killed run left
	t.Cleanup(func() {
		if t.Failed() {
			logs, _ := stack.Docker(context.Background(), "logs", "--tail", "40", name)
			t.Logf("the container said:\n%s", logs)
		}
		remove(t, "rm", "-f", "-v", name)
	})
	args := []string{"run", "-d", "--name", name, "--read-only", "--tmpfs", "/tmp", "--user", "23456:23456", "--cap-drop", "ALL",
		"--security-opt", "no-new-privileges", "--memory", "256m", "-e", "PORT=" + port, "-p", "127.0.0.1::" + port}
	docker(t, append(append(args, more...), image)...)
	c := &container{t: t, url: "http://" + docker(t, "port", name, port+"/tcp")}
	c.eventually("it answers that it is ready", func() error { return c.ask("/health/ready", http.StatusOK) })
	return c
}

// ask fails when the answer has another status.
func (c *container) ask(path string, want int, headers ...string) error {
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodGet, c.url+path, nil)
	if err != nil {
		return err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := (&http.Client{Timeout: 5 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != want {
		return fmt.Errorf("GET %s: %s, want %d", path, resp.Status, want)
	}
	return nil
}

func (c *container) eventually(what string, ask func() error) {
	c.t.Helper()
	if err := stack.Poll(c.t.Context(), 30*time.Second, ask); err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

// worker is what the watchdog tells of one.
type worker struct {
	Target string
	PID    string `json:"container_id"`
	State  string
}

// workers asks the watchdog inside, as a person would.
func (c *container) workers() ([]worker, error) {
	out, err := stack.Docker(c.t.Context(), "exec", name, "watchdog", "status", "--json")
	if err != nil {
		return nil, err
	}
	var status struct{ Targets []worker }
	return status.Targets, json.Unmarshal([]byte(out), &status)
}

// up waits until two workers are up, the image's own number.
func (c *container) up() (all []worker) {
	c.t.Helper()
	c.eventually("two workers are up", func() (err error) {
		all, err = c.workers()
		if err == nil && (len(all) != 2 || slices.ContainsFunc(all, func(w worker) bool { return w.State != "up" })) {
			err = fmt.Errorf("%+v", all)
		}
		return err
	})
	return all
}

// kill sends SIGKILL to a process by its number inside the container. The image has no shell to do it with.
func (c *container) kill(pid string) {
	c.t.Helper()
	if n, err := strconv.Atoi(pid); err != nil || n < 2 {
		c.t.Fatalf("no worker has the process %q", pid)
	}
	docker(c.t, "run", "--rm", "--pid", "container:"+name, "--network", "none", "--user", "0", stack.Busybox, "sh", "-c", "kill -9 "+pid)
}

// The image runs with PORT alone, heals a worker that is killed while the other one answers, and ends in time.
func TestStackStandalone(t *testing.T) {
	build(t)
	c := run(t)
	before := c.up()

	c.kill(before[0].PID)
	for range 50 { // the port never closes: the watchdog holds it
		if err := c.ask("/health/live", http.StatusOK); err != nil {
			t.Fatal(err)
		}
	}
	c.eventually("the killed worker is another process", func() error {
		all, err := c.workers()
		if err == nil && (len(all) != 2 || all[0].PID == before[0].PID || all[0].State != "up") {
			err = fmt.Errorf("%+v", all)
		}
		return err
	})
	if after := c.up(); after[1].PID != before[1].PID {
		t.Errorf("the other worker was restarted, too: %+v, then %+v", before, after)
	}
	if text := docker(t, "exec", name, "watchdog", "incidents"); !strings.Contains(text, before[0].Target) {
		t.Errorf("no incident of %s:\n%s", before[0].Target, text)
	}
	c.eventually("Docker calls it healthy", func() error {
		if health := docker(t, "inspect", "-f", "{{.State.Health.Status}}", name); health != "healthy" {
			return fmt.Errorf("it is %s", health)
		}
		return nil
	})

	began := time.Now()
	docker(t, "stop", name)
	took := time.Since(began)
	ended, err := stack.Inspect(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("docker stop took %v", took.Round(time.Millisecond))
	if ended.State.ExitCode != 0 || took >= 10*time.Second {
		t.Errorf("docker stop: exit code %d after %v, want 0 within 10 s", ended.State.ExitCode, took)
	}
	for line := range strings.Lines(docker(t, "logs", name)) {
		if !json.Valid([]byte(line)) {
			t.Errorf("no JSON on standard output: %s", line)
		}
	}
}

// With tokens, as platforms make them, strangers see neither metrics nor the inner health pages; Prometheus sees all workers.
func TestStackStandaloneTokens(t *testing.T) {
	build(t)
	c := run(t, "-e", "METRICS_TOKEN=for-prometheus", "-e", "HEALTH_TOKEN=for-people", "-e", "DYNO=web.1")
	for _, path := range []string{"/metrics", "/health/detailed", "/health/metrics"} {
		if err := c.ask(path, http.StatusUnauthorized); err != nil {
			t.Error(err)
		}
	}
	c.eventually("Prometheus is let in", func() error {
		return c.ask("/metrics", http.StatusOK, "Authorization", "Bearer for-prometheus")
	})
	if err := c.ask("/health/detailed", http.StatusOK, "Authorization", "Bearer for-people"); err != nil {
		t.Error(err)
	}
	if logs := docker(t, "logs", name); strings.Contains(logs, "for-prometheus") || strings.Contains(logs, "for-people") {
		t.Error("a token is in the log")
	}
}

// A program that cannot live makes the container end by itself, so that the platform acts.
func TestStackStandaloneGivesUp(t *testing.T) {
	build(t)
	remove(t, "rm", "-f", "-v", name)
	t.Cleanup(func() { remove(t, "rm", "-f", "-v", name) })
	docker(t, "run", "-d", "--name", name, "-e", "PORT="+port, "-e", "WATCHDOG_MAX_RESTARTS=1", "-e", "WATCHDOG_RESTART_DELAY=0", "-e", "DISK_PATHS=nowhere", image)
	if code := docker(t, "wait", name); code != "3" {
		logs, _ := stack.Docker(t.Context(), "logs", "--tail", "20", name)
		t.Errorf("exit code %s, want 3\n%s", code, logs)
	}
}
