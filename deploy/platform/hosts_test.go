package platform

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Prometheus and Compose take what the page of the platforms tells to copy.
func TestExamplesForOneContainerAreTaken(t *testing.T) {
	const page = "../platforms.md"
	engine(t)
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // promtool in its container is another user
		t.Fatal(err)
	}
	token, config, override := filepath.Join(dir, "token"), filepath.Join(dir, "prometheus.yml"), filepath.Join(dir, "override.yml")
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write(token, "secret")
	for name, text := range blocks(t, page, "prometheus.yml") {
		mounts := []string{token + ":/run/metrics-token", config + ":/prometheus.yml"}
		write(config, text)
		if err := promtool(mounts, "check", "config", "/prometheus.yml"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		write(config, text+"scrape_confgs: []\n")
		if promtool(mounts, "check", "config", "/prometheus.yml") == nil {
			t.Errorf("%s: a typing error was taken", name)
		}
	}
	for name, text := range blocks(t, page, "docker-compose.override.yml") {
		write(override, text)
		if out, err := exec.Command("docker", "compose", "-f", "../../docker-compose.yml", "-f", override, "config", "--quiet").CombinedOutput(); err != nil || len(out) > 0 {
			t.Errorf("%s: %v: %s", name, err, out)
		}
	}
}
