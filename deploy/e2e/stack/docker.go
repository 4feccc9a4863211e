package stack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Busybox is the image of the one-off containers of the tests.
const Busybox = "busybox:1.37.0"

// docker runs the docker command with a clean environment, so that variables of the person's shell do not leak into the stack.
func docker(ctx context.Context, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = cleanEnv()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("docker %s: %w: %s", strings.Join(args, " "), err, lastLines(errs.Bytes(), 30))
	}
	return out.String(), nil
}

// Docker runs the docker command and returns its standard output without the white space around it.
func Docker(ctx context.Context, args ...string) (string, error) {
	out, err := docker(ctx, args...)
	return strings.TrimSpace(out), err
}

func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		name, _, _ := strings.Cut(kv, "=")
		if name == "PATH" || name == "HOME" || strings.HasPrefix(name, "DOCKER_") || strings.HasSuffix(strings.ToLower(name), "_proxy") {
			env = append(env, kv)
		}
	}
	return env
}

// Reachable tells whether there is an engine and Compose, and what is missing.
func Reachable(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if _, err := docker(ctx, "version", "--format", "{{.Server.Version}}"); err != nil {
		return fmt.Errorf("the end-to-end tests need a Docker engine: %w", err)
	}
	if _, err := docker(ctx, "compose", "version"); err != nil {
		return fmt.Errorf("the end-to-end tests need Compose v2: %w", err)
	}
	return nil
}

// Alone claims the engine for this process. It is an error when another run has claimed it, and when the watchdog of another
// project runs on the engine: it would heal our containers too, and ours its.
func Alone(ctx context.Context, project string) error {
	if err := claim(); err != nil {
		return err
	}
	out, err := docker(ctx, "ps", "--filter", "label=com.docker.compose.service=watchdog", "--format", "{{.Names}}")
	if err != nil {
		return err
	}
	for _, name := range strings.Fields(out) {
		if !strings.HasPrefix(name, project+"-watchdog-") {
			return fmt.Errorf("%s runs on this engine: two watchdogs heal each other's containers, stop it first: docker stop %s", name, name)
		}
	}
	return nil
}

// HasImage tells whether the engine has the image or can pull it.
func HasImage(ctx context.Context, image string) bool {
	if _, err := docker(ctx, "image", "inspect", "--format", "{{.Id}}", image); err == nil {
		return true
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	_, err := docker(ctx, "pull", "-q", image)
	return err == nil
}

// Container is what `docker inspect` tells of a container, as far as the tests look.
type Container struct {
	ID      string `json:"Id"`
	Name    string
	Created time.Time
	Image   string
	State   struct {
		Status     string
		Pid        int
		ExitCode   int
		StartedAt  time.Time
		FinishedAt time.Time
		Health     *struct{ Status string }
	}
	RestartCount int
	HostConfig   struct {
		RestartPolicy  struct{ Name string }
		ReadonlyRootfs bool
		Privileged     bool
		CapDrop        []string
		Memory         int64
		NanoCpus       int64
		PortBindings   map[string][]struct {
			HostIP string `json:"HostIp"`
		}
	}
	Mounts          []struct{ Source, Destination string }
	NetworkSettings struct {
		Networks map[string]struct{ IPAddress string }
	}
}

// Inspect looks at a container by name or ID.
func Inspect(ctx context.Context, name string) (Container, error) {
	out, err := docker(ctx, "inspect", "--type", "container", name)
	if err != nil {
		return Container{}, err
	}
	var found []Container
	if err := json.Unmarshal([]byte(out), &found); err != nil || len(found) != 1 {
		return Container{}, fmt.Errorf("read docker inspect %s: %w", name, errors.Join(err, io.ErrUnexpectedEOF))
	}
	return found[0], nil
}

// Crash kills a container's main process from outside, as the kernel or a bug would: the engine is not asked, so that
// nothing tells the watchdog that somebody wanted it. Returns when the signal was sent.
func Crash(ctx context.Context, name string) (time.Time, error) {
	c, err := Inspect(ctx, name)
	if err != nil {
		return time.Time{}, err
	}
	if c.State.Pid == 0 {
		return time.Time{}, fmt.Errorf("%s does not run: %s", name, c.State.Status)
	}
	at := time.Now()
	err = syscall.Kill(c.State.Pid, syscall.SIGKILL)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.ESRCH) { // not root, or the engine lives in a virtual machine
		at = time.Now()
		_, err = docker(ctx, "run", "--rm", "--pid=host", "--network=none", "--user=0", Busybox, "sh", "-c", "kill -9 "+strconv.Itoa(c.State.Pid))
	}
	if err != nil {
		return at, fmt.Errorf("kill -9 the main process of %s: %w", name, err)
	}
	return at, nil
}

// Ask sends one bare HTTP request from a one-off container on a network and returns the answer with its head. It goes to an
// address rather than a name, and through nc rather than wget, so that nothing tidies the path up on the way. The pipe keeps
// the connection open until the answer is there: who hangs up early is not answered.
func Ask(ctx context.Context, network, address, port, request string) (string, error) {
	const script = `busybox mkfifo /tmp/in && { nc -w 5 "$2" "$3" </tmp/in & } && exec 3>/tmp/in &&
		printf '%s HTTP/1.0\r\nHost: guard\r\nContent-Length: 0\r\n\r\n' "$1" >&3 && wait $!`
	return docker(ctx, "run", "--rm", "--network", network, Busybox, "sh", "-c", script, "sh", request, address, port)
}

// ImageSize is what an image weighs, in bytes.
func ImageSize(ctx context.Context, image string) (int64, error) {
	out, err := Docker(ctx, "image", "inspect", "--format", "{{.Size}}", image)
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(out, 10, 64)
}

func lastLines(b []byte, n int) string {
	lines := bytes.Split(bytes.TrimSpace(b), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-n):], []byte("\n")))
}
