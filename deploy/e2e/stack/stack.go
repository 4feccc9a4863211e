// Package stack starts the project's own docker-compose.yml under another project name and on free ports, with the real
// engine and the real Compose, for tests and measurements.
//
// It drives the docker command as a person does; nothing of the services is imported, so that what is tested is what ships.
package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// Tag is the version that the images of a test carry, so that a test never replaces the images of a running stack.
const Tag = "e2e"

// Built names the images that are built from this repository.
var Built = []string{"api", "watchdog", "guard", "setup"}

// Options say what differs from a plain `docker compose up`.
type Options struct {
	Project string            // Compose project name, prefix of every container
	Env     map[string]string // what .env would hold
	Without []string          // services that are not started
	Dir     string            // where the env file goes; removed by the caller
}

// Stack is one run of docker-compose.yml.
type Stack struct {
	Project string
	Root    string            // the repository
	Ports   map[string]string // host port by service
	opts    Options
	envFile string
}

// New prepares a stack: nothing is started yet.
func New(opts Options) (*Stack, error) {
	root, err := Root()
	if err != nil {
		return nil, err
	}
	s := &Stack{Project: opts.Project, Root: root, Ports: map[string]string{}, opts: opts, envFile: filepath.Join(opts.Dir, opts.Project+".env")}
	services := []string{"api", "watchdog", "prometheus", "alertmanager", "grafana"}
	ports, err := freePorts(len(services))
	if err != nil {
		return nil, err
	}
	for i, name := range services {
		s.Ports[name] = ports[i]
	}
	return s, s.writeEnv()
}

// Setenv changes what .env holds; the next Up recreates what depends on it.
func (s *Stack) Setenv(key, value string) error {
	s.opts.Env[key] = value
	return s.writeEnv()
}

func (s *Stack) writeEnv() error {
	env := map[string]string{"UPKEEP_VERSION": Tag}
	if socket, local := strings.CutPrefix(os.Getenv("DOCKER_HOST"), "unix://"); local {
		env["DOCKER_SOCKET"] = socket // the watchdog is to look at the engine that the docker command uses, not at another one
	}
	for name, port := range s.Ports {
		env[strings.ToUpper(name)+"_PORT"] = port
	}
	for k, v := range s.opts.Env {
		env[k] = v
	}
	var lines []string
	for k, v := range env {
		lines = append(lines, k+"="+v+"\n")
	}
	sort.Strings(lines)
	if err := os.WriteFile(s.envFile, []byte(strings.Join(lines, "")), 0o600); err != nil {
		return fmt.Errorf("write the stack's environment: %w", err)
	}
	return nil
}

// URL is the address of a service as seen from the host.
func (s *Stack) URL(service, path string) string {
	return "http://127.0.0.1:" + s.Ports[service] + path
}

// Target is the name under which the watchdog knows the first container of a service.
func (s *Stack) Target(service string) string { return s.Project + "-" + service + "-1" }

// Network is the engine's name of one of the stack's networks.
func (s *Stack) Network(name string) string { return s.Project + "_" + name }

// Compose runs `docker compose` on the stack and returns what it printed.
func (s *Stack) Compose(ctx context.Context, args ...string) (string, error) {
	return docker(ctx, s.args(args...)...)
}

func (s *Stack) args(more ...string) []string {
	return append([]string{"compose", "-p", s.Project, "--project-directory", s.Root, "--env-file", s.envFile}, more...)
}

// Build builds the images of the services.
func (s *Stack) Build(ctx context.Context) error {
	for _, service := range Built { // not all at once: each finds the layers that they share already made
		if out, err := s.Compose(ctx, "build", service); err != nil {
			return fmt.Errorf("%w\n%s", err, out)
		}
	}
	return nil
}

// Up starts the stack and waits until every service is healthy.
func (s *Stack) Up(ctx context.Context, more ...string) error {
	services, err := s.Services(ctx)
	if err != nil {
		return err
	}
	args := append([]string{"up", "-d", "--no-build", "--pull", "never", "--wait", "--wait-timeout", "120"}, more...)
	out, err := s.Compose(ctx, append(args, services...)...)
	if err != nil {
		state, _ := s.Compose(ctx, "ps", "-a")
		logs, _ := s.Compose(ctx, "logs", "--no-color", "--tail", "20")
		return fmt.Errorf("%w\n%s\n%s\n%s", err, out, state, logs)
	}
	return nil
}

// Services are the services that Up starts and that stay: all of the Compose file but the one-shot setup and those left out.
func (s *Stack) Services(ctx context.Context) ([]string, error) {
	out, err := s.Compose(ctx, "config", "--services")
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return slices.DeleteFunc(strings.Fields(out), func(name string) bool {
		return name == "setup" || slices.Contains(s.opts.Without, name)
	}), nil
}

// ImageOf is the image that the Compose file names for a service.
func (s *Stack) ImageOf(ctx context.Context, service string) (string, error) {
	out, err := s.Compose(ctx, "config", "--format", "json")
	if err != nil {
		return "", err
	}
	var file struct {
		Services map[string]struct{ Image string }
	}
	if err := json.Unmarshal([]byte(out), &file); err != nil {
		return "", fmt.Errorf("read docker compose config: %w", err)
	}
	return file.Services[service].Image, nil
}

// Warnings is what Compose has to say against the file, nothing at best.
func (s *Stack) Warnings(ctx context.Context) string {
	cmd := exec.CommandContext(ctx, "docker", s.args("--profile", "*", "config", "-q")...)
	cmd.Env = cleanEnv()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return err.Error() + "\n" + string(out)
	}
	return strings.TrimSpace(string(out))
}

// Down removes the stack with its volumes.
func (s *Stack) Down(ctx context.Context) error {
	out, err := s.Compose(ctx, "--profile", "*", "down", "-v", "--remove-orphans", "--timeout", "10")
	if err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	return nil
}

// Leftovers names what of the project the engine still has: containers, networks, volumes.
func (s *Stack) Leftovers(ctx context.Context) ([]string, error) {
	label := "label=com.docker.compose.project=" + s.Project
	var left []string
	for kind, args := range map[string][]string{
		"container": {"ps", "-a", "--filter", label, "--format", "{{.Names}}"},
		"network":   {"network", "ls", "--filter", label, "--format", "{{.Name}}"},
		"volume":    {"volume", "ls", "--filter", label, "--format", "{{.Name}}"},
	} {
		out, err := docker(ctx, args...)
		if err != nil {
			return nil, err
		}
		for _, name := range strings.Fields(out) {
			left = append(left, kind+" "+name)
		}
	}
	sort.Strings(left)
	return left, nil
}

// RemoveImages removes the images that Build made; the layer cache stays.
func RemoveImages(ctx context.Context) error {
	var errs []error
	for _, name := range Built {
		if _, err := docker(ctx, "image", "rm", "--no-prune", Image(name)); err != nil && !strings.Contains(err.Error(), "No such image") {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// Image is the name of an image that Build makes.
func Image(service string) string { return "ghcr.io/upkeephq/upkeep-" + service + ":" + Tag }

// Root finds the repository: the nearest folder upwards that holds docker-compose.yml.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "docker-compose.yml")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("no docker-compose.yml here or above: run inside the repository")
		}
		dir = up
	}
}
