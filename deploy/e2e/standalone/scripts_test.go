package standalone

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// clone makes a fresh clone of the repository, as a person or a platform has it.
func clone(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds and runs the programs: run make e2e")
	}
	root, err := stack.Root()
	must(t, err)
	dir := filepath.Join(t.TempDir(), "upkeep")
	must(t, command(t.Context(), root, nil, "git", "clone", "-q", root, dir))
	return dir
}

// freePorts returns two ports that nobody listens on, for the API and the watchdog.
func freePorts(t *testing.T) (api, watchdog string) {
	t.Helper()
	var ports []string
	for range 2 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		must(t, err)
		defer l.Close()
		_, port, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, port)
	}
	return ports[0], ports[1]
}

// program is a watchdog that runs on this machine.
type program struct {
	*container
	cmd *exec.Cmd
	out bytes.Buffer
}

// begin starts a command that becomes a watchdog, and waits until the API answers.
func begin(t *testing.T, dir string, env []string, port string, args ...string) *program {
	t.Helper()
	p := &program{container: &container{t: t, url: "http://127.0.0.1:" + port}, cmd: exec.Command(args[0], args[1:]...)}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = dir, env, &p.out, &p.out
	p.cmd.WaitDelay = time.Second
	must(t, p.cmd.Start())
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Kill() // its workers end with it
			_ = p.cmd.Wait()
		}
		if t.Failed() {
			t.Logf("it said:\n%s", &p.out)
		}
	})
	if err := stack.Poll(t.Context(), 4*time.Minute, func() error { return p.ask("/health/ready", http.StatusOK) }); err != nil {
		t.Fatal(err) // the build may take its time
	}
	return p
}

// interrupt is Ctrl-C; the program ends with 0.
func (p *program) interrupt() {
	p.t.Helper()
	must(p.t, p.cmd.Process.Signal(os.Interrupt))
	if err := p.cmd.Wait(); err != nil {
		p.t.Errorf("after Ctrl-C: %v", err)
	}
}

// start-production.sh works in a fresh clone without an argument: it builds, runs four workers, ends with Ctrl-C. A second one says
// why it cannot run.
func TestStackStartScripts(t *testing.T) {
	dir := clone(t)
	api, watchdog := freePorts(t)
	must(t, os.WriteFile(filepath.Join(dir, ".env"), []byte("# settings\nHEALTH_TOKEN=\nHEALTH_TOKEN='for people' \nLOG_LEVEL=INFO # comment\nPORT=1\n"), 0o600))
	env := append(os.Environ(), "PORT="+api, "WATCHDOG_LISTEN=127.0.0.1:"+watchdog) // before .env
	p := begin(t, dir, env, api, filepath.Join(dir, "deploy/start-production.sh"))
	p.eventually("four workers are up", func() error {
		status := exec.Command(filepath.Join(dir, "bin/watchdog"), "status")
		status.Env = append(env, "LOG_DIR="+filepath.Join(dir, "logs"))
		out, err := status.CombinedOutput()
		if n := len(regexp.MustCompile(`(?m)^api-\d +up `).FindAll(out, -1)); n != 4 {
			err = fmt.Errorf("%d of them (%w):\n%s", n, err, out)
		}
		return err
	})
	if err := p.ask("/health/detailed", http.StatusUnauthorized); err != nil {
		t.Errorf(".env is not read: %v", err)
	}
	if err := p.ask("/health/detailed", http.StatusOK, "Authorization", "Bearer for people"); err != nil {
		t.Errorf(".env is not read as Compose does: %v", err)
	}

	bare := []string{"PATH=/usr/bin:/bin", "HOME=" + os.Getenv("HOME"), "PORT=" + api}
	if _, err := exec.Command("/usr/bin/go", "version").Output(); err == nil {
		bare = nil // Go cannot be hidden here
	}
	for _, try := range []struct {
		script string
		args   []string
		env    []string
		says   string
	}{
		{"start-watchdog.sh", []string{"--no-build"}, env, "port " + api + " is taken"},
		{"start-watchdog.sh", []string{"--no-build", "--port=" + watchdog}, env, "port " + watchdog + " is taken"},
		{"start-watchdog.sh", []string{"--port"}, env, "--port has no value"},
		{"start-watchdog.sh", []string{"api"}, env, "a command comes after --"},
		{"start-production.sh", nil, bare, "Go is missing: install Go 1."},
	} {
		if try.env == nil {
			continue
		}
		cmd := exec.Command(filepath.Join(dir, "deploy", try.script), try.args...)
		cmd.Env = try.env
		if out, err := cmd.CombinedOutput(); err == nil || !strings.Contains(string(out), try.says) {
			t.Errorf("%s %v: %v, want that it says %q:\n%s", try.script, try.args, err, try.says, out)
		}
	}
	help, err := exec.Command(filepath.Join(dir, "deploy/start-production.sh"), "--help").Output()
	if err != nil || !strings.Contains(string(help), "--production") || !strings.Contains(string(help), "--restart-max") {
		t.Errorf("--help: %v:\n%s", err, help)
	}
	p.interrupt()
}

// What Heroku's buildpack does: it installs what go.mod names into bin, and the shell runs the line of the Procfile.
func TestStackProcfile(t *testing.T) {
	dir := clone(t)
	module, err := os.ReadFile(filepath.Join(dir, "go.mod"))
	must(t, err)
	install := regexp.MustCompile(`(?m)^// \+heroku install (.+)$`).FindSubmatch(module)
	if install == nil {
		t.Fatal("go.mod does not say what is installed")
	}
	env := append(os.Environ(), "GOBIN="+filepath.Join(dir, "bin"), "GOFLAGS=")
	must(t, command(t.Context(), dir, env, "go", append([]string{"install", "-tags", "heroku"}, strings.Fields(string(install[1]))...)...))
	procfile, err := os.ReadFile(filepath.Join(dir, "Procfile"))
	must(t, err)
	web, found := strings.CutPrefix(strings.TrimSpace(string(procfile)), "web: ")
	if !found || strings.Contains(web, "\n") {
		t.Fatalf("the Procfile has more than the process web:\n%s", procfile)
	}
	api, watchdog := freePorts(t)
	logs := t.TempDir()
	web = strings.ReplaceAll(web, "LOG_DIR=/tmp/upkeep", "LOG_DIR="+logs) // another test of this machine may use it
	p := begin(t, dir, append(os.Environ(), "PORT="+api, "WATCHDOG_LISTEN=127.0.0.1:"+watchdog, "DYNO=web.1"), api, "/bin/bash", "-c", "exec env "+web)
	// Without tokens, the log warns: on this platform everybody reaches the port.
	p.eventually("it warns that /metrics is open", func() error {
		text, err := os.ReadFile(filepath.Join(logs, "api-1", "backend.log"))
		if err == nil && !bytes.Contains(text, []byte("set METRICS_TOKEN")) {
			err = fmt.Errorf("the log:\n%s", text)
		}
		return err
	})
	must(t, p.cmd.Process.Signal(syscall.SIGTERM))
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}
