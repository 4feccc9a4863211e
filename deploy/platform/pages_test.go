package platform

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// blocks is what people copy from: its blocks of YAML that begin with the name of a file.
func blocks(t *testing.T, page, file string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	fence := regexp.MustCompile("(?sm)^```yaml\n# " + regexp.QuoteMeta(file) + "( [-a-z]+)?\n(.*?)^```$")
	for i, m := range fence.FindAllStringSubmatch(string(text), -1) {
		all[fmt.Sprintf("block %d%s", i+1, m[1])] = m[2]
	}
	if len(all) == 0 {
		t.Fatalf("%s has no block for %s", page, file)
	}
	return all
}

// engine skips what needs a container engine where there is none.
func engine(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("needs a container engine")
	}
	if out, err := exec.Command("docker", "version").CombinedOutput(); err != nil {
		t.Skipf("NOT CHECKED: no container engine: %s", out)
	}
}

// promtool runs the promtool of the image that the stack runs, without a network.
func promtool(mounts []string, args ...string) error {
	compose, err := os.ReadFile("../../docker-compose.yml")
	if err != nil {
		return err
	}
	image := regexp.MustCompile(`prom/prometheus:v[0-9.]+`).FindString(string(compose))
	docker := []string{"run", "--rm", "--network", "none", "--entrypoint", "promtool"}
	for _, mount := range mounts {
		docker = append(docker, "-v", mount+":ro")
	}
	if out, err := exec.Command("docker", append(append(docker, image), args...)...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

func TestPrometheusTakesTheExamples(t *testing.T) {
	engine(t)
	dir := t.TempDir()
	secret, config := filepath.Join(dir, "secret"), filepath.Join(dir, "prometheus.yml")
	mounts := []string{secret + ":/run/metrics-token", secret + ":/run/remote-write-password", config + ":/prometheus.yml"}
	if err := os.WriteFile(secret, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	check := func(text, mode string) error {
		if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		args := []string{"check", "config"}
		if strings.HasSuffix(mode, "--agent") {
			args = append(args, "--agent")
		}
		return promtool(mounts, append(args, "/prometheus.yml")...)
	}
	for name, text := range blocks(t, "../more-than-one-machine.md", "prometheus.yml") {
		if err := check(text, name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := check(text+"remote_wriet: []\n", name); err == nil {
			t.Errorf("%s: a typing error was taken", name)
		}
	}
}

func TestSwarmsPrometheusConfigurationIsTaken(t *testing.T) {
	engine(t)
	absolute := func(path string) string {
		path, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	err := promtool([]string{absolute("../../prometheus") + ":/etc/prometheus", absolute("../swarm") + ":/etc/swarm", token + ":/config/prometheus/metrics-token"},
		"check", "config", "--lint=all", "--lint-fatal", "/etc/swarm/prometheus.yml")
	if err != nil {
		t.Error(err)
	}
}

// Compose merges the examples into our file, and finds nothing to object to.
func TestComposeTakesTheExamples(t *testing.T) {
	if err := exec.Command("docker", "compose", "version").Run(); err != nil {
		t.Skip("NOT CHECKED: no docker compose")
	}
	for name, text := range blocks(t, "../more-than-one-machine.md", "docker-compose.override.yml") {
		path := filepath.Join(t.TempDir(), "override.yml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("docker", "compose", "-f", "../../docker-compose.yml", "-f", path, "config", "--quiet").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
