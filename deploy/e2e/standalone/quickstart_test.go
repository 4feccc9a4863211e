package standalone

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/inbox"
	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	quickStart = "deploy/QUICK_START_24_7.md"
	project    = "upkeep-standalone-quickstart"
)

// runnable finds the blocks that readers copy as they are: those fenced as sh. A block fenced as console is for them to decide.
var runnable = regexp.MustCompile("(?ms)^```sh\n(.*?)^```$")

// The commands of the quick start work in a fresh clone, in their order, in one shell. What differs from a reader's machine: the name of
// the project and the ports, so that nothing that runs there is met; and ntfy, which is on this machine.
func TestStackQuickStart(t *testing.T) {
	if testing.Short() {
		t.Skip("needs the engine: run make e2e")
	}
	ctx := t.Context()
	must(t, stack.Reachable(ctx))
	must(t, stack.Alone(ctx, project))
	dir := t.TempDir()
	gateway, remove, err := stack.Gateway(ctx, project+"-ntfy")
	must(t, err)
	t.Cleanup(func() { must(t, remove(context.Background())) })
	in, err := inbox.Open(ctx, gateway)
	must(t, err)
	t.Cleanup(func() { must(t, in.Close()) })
	s, err := stack.New(stack.Options{Project: project, Dir: dir, Env: map[string]string{
		"ALERT_NTFY_URL": in.URL(inbox.Ntfy), "ALERT_NTFY_TOKEN": inbox.NtfyToken, "COMPOSE_PROJECT_NAME": project,
	}})
	must(t, err)

	clone := filepath.Join(dir, "upkeep")
	must(t, command(ctx, dir, nil, "git", "clone", "-q", s.Root, clone))
	page, err := os.ReadFile(filepath.Join(clone, quickStart))
	must(t, err)
	env, err := environment(filepath.Join(dir, project+".env"))
	must(t, err)
	grafana, err := s.ImageOf(ctx, "grafana")
	must(t, err)
	if !stack.HasImage(ctx, grafana) {
		t.Logf("*** NOT CHECKED: Grafana: the image %s cannot be had on this machine ***", grafana)
		without := filepath.Join(dir, "without-grafana.yml")
		must(t, os.WriteFile(without, []byte("services: {grafana: {profiles: [absent]}}\n"), 0o600))
		env = append(env, "COMPOSE_FILE=docker-compose.yml:"+without)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if t.Failed() {
			logs, _ := s.Compose(ctx, "logs", "--no-color", "--tail", "20")
			t.Logf("the last lines of the stack:\n%s", logs)
		}
		must(t, errors.Join(s.Down(ctx), stack.RemoveImages(ctx)))
		left, err := s.Leftovers(ctx)
		must(t, err)
		if len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})

	began := time.Now()
	out, err := session(ctx, clone, env, s, page)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("all commands took %.0f s", time.Since(began).Seconds())
	for _, said := range []string{
		`"status":"healthy"`, project + "-api-1  up ", "ntfy  delivered", "Subscribe to this topic in the ntfy app: upkeep-", `{"status":"healthy","ready":true}`,
	} {
		if !strings.Contains(squeeze(out), squeeze(said)) {
			t.Errorf("no command says %q:\n%s", said, out)
		}
	}
	message, err := in.Wait(ctx, inbox.Ntfy, 90*time.Second, func(m inbox.Message) bool {
		return strings.Contains(m.Title+m.Text, project+"-api-1") && !strings.Contains(m.Title, "TestNotification")
	})
	must(t, err)
	t.Logf("and the phone says %.0f s later: %s", time.Since(began).Seconds(), message.Title)
	topic, err := os.ReadFile(filepath.Join(clone, ".env"))
	must(t, err)
	if !regexp.MustCompile(`(?m)^ALERT_NTFY_URL=https://ntfy\.sh/upkeep-[0-9a-f]{24}$`).Match(topic) {
		t.Error("the topic is not in .env")
	}
}

// session runs all blocks in one shell, as a person would type them, and stops at the first command that fails.
func session(ctx context.Context, clone string, env []string, s *stack.Stack, page []byte) (string, error) {
	blocks := runnable.FindAllSubmatch(page, -1)
	if len(blocks) < 4 {
		return "", fmt.Errorf("%s has %d blocks that can be run", quickStart, len(blocks))
	}
	script := "set -euo pipefail\n"
	for i, b := range blocks {
		script += fmt.Sprintf("echo '== block %d'\n%s", i+1, b[1])
	}
	for service, port := range map[string]string{"api": "8000", "watchdog": "9095"} {
		script = strings.ReplaceAll(script, "localhost:"+port, "127.0.0.1:"+s.Ports[service])
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Minute)
	defer cancel()
	var out bytes.Buffer
	cmd := exec.CommandContext(ctx, "bash", "-x", "-c", script)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = clone, env, &out, &out
	cmd.WaitDelay = time.Second
	err := cmd.Run()
	return out.String(), err
}

// environment is what a reader's shell has, and nothing of what this one happens to hold beside it, with the settings of a file.
func environment(file string) ([]string, error) {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}
	for _, name := range []string{"DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT"} {
		if value := os.Getenv(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	text, err := os.ReadFile(file)
	return append(env, strings.Split(strings.TrimSpace(string(text)), "\n")...), err
}

func command(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, out)
	}
	return nil
}

// squeeze makes one space of many.
func squeeze(s string) string { return strings.Join(strings.Fields(s), " ") }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
