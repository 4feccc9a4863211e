package process

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// SIGTERM drains every worker, and the watchdog ends with 0.
func TestProcessStopsCleanly(t *testing.T) {
	w := run(t, []string{"WORKERS=3", "LOG_LEVEL=INFO"}, api())
	all := w.up(3)
	began := time.Now()
	if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if code := w.exit(10 * time.Second); code != 0 {
		t.Errorf("exit code %d, want 0", code)
	}
	t.Logf("3 workers and the watchdog ended in %v", time.Since(began).Round(time.Millisecond))
	for _, x := range all {
		if alive(pid(t, x)) {
			t.Errorf("%s is still there", x.Target)
		}
		if !regexp.MustCompile(`"msg":"stopped","service":"api".*"worker":"` + x.Target + `"`).MatchString(w.output.String()) {
			t.Errorf("%s did not end in its own time", x.Target)
		}
	}
}

// The kernel ends the workers of a watchdog that is killed, so that the next one can have the port.
func TestProcessKilledWatchdogLeavesNothing(t *testing.T) {
	w := run(t, []string{"WORKERS=2"}, api())
	all := w.up(2)
	if err := w.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	w.exit(5 * time.Second)
	w.eventually("the workers are gone", func() bool { return !alive(pid(t, all[0])) && !alive(pid(t, all[1])) })
}

// When nothing that it may do helps, the watchdog ends with 3, and what the program said is in the incidents.
func TestProcessBudgetSpent(t *testing.T) {
	w := run(t, []string{"WORKERS=2", "WATCHDOG_MAX_RESTARTS=2", "WATCHDOG_RESTART_DELAY=0", "WATCHDOG_NAME=crasher"}, "/bin/sh", "-c", "echo out of ideas; exit 7")
	if code := w.exit(20 * time.Second); code != 3 {
		t.Errorf("exit code %d, want 3", code)
	}
	if !strings.Contains(w.output.String(), "watchdog: the restart budget of every worker is spent") {
		t.Error("it does not say why")
	}
	text := w.command("incidents")
	if !strings.Contains(text, "crasher-1") || !strings.Contains(text, "crasher-2") {
		t.Errorf("incidents:\n%s", text)
	}
	latest := regexp.MustCompile(`\S+-crasher-1-\S+`).FindString(text)
	if in := w.command("incidents", latest); !strings.Contains(in, "out of ideas") || !regexp.MustCompile(`(?m)^exit code +7$`).MatchString(in) {
		t.Errorf("the incident:\n%s", in)
	}
}

func TestProcessCannotStart(t *testing.T) {
	w := run(t, nil, "/nonexistent/program")
	if code := w.exit(10 * time.Second); code != 1 || !strings.Contains(w.output.String(), "/nonexistent/program") {
		t.Errorf("exit code %d", code)
	}
}

// command runs another command of the watchdog, such as status.
func (w *watchdog) command(args ...string) string {
	w.t.Helper()
	cmd := exec.Command(filepath.Join(programs, "watchdog"), args...)
	cmd.Env = append(os.Environ(), "LOG_DIR="+w.dir, "WATCHDOG_LISTEN="+w.status)
	out, err := cmd.CombinedOutput()
	if err != nil {
		w.t.Fatalf("watchdog %v: %v\n%s", args, err, out)
	}
	return string(out)
}

// A thousand processes that lose their parent come to the watchdog and leave no zombie, whether or not it is PID 1.
func TestProcessOrphans(t *testing.T) {
	const orphans = 1000
	script := fmt.Sprintf(`i=0; while [ $i -lt %d ]; do (true &); i=$((i+1)); done; exec "$0"`, orphans)
	reaped := regexp.MustCompile(`(?m)^watchdog_orphans_reaped_total (\S+)$`)
	for name, attributes := range map[string]*syscall.SysProcAttr{"as a subreaper": nil, "as PID 1": {Cloneflags: syscall.CLONE_NEWPID}} {
		t.Run(name, func(t *testing.T) {
			if attributes != nil && os.Getuid() != 0 {
				t.Skip("only root may make a PID namespace")
			}
			w := runAs(t, attributes, []string{"WORKERS=1", "WATCHDOG_NAME=api"}, "/bin/sh", "-c", script, api())
			w.up(1)
			w.eventually("all orphans are reaped", func() bool {
				m := reaped.FindStringSubmatch(fetchText(t, "http://"+w.status+"/metrics"))
				if m == nil {
					return false
				}
				n, err := strconv.ParseFloat(m[1], 64)
				return err == nil && n >= orphans
			})
			if z := zombies(t, w.cmd.Process.Pid); len(z) > 0 {
				t.Errorf("%d zombies: %v", len(z), z)
			}
			if err := w.cmd.Process.Signal(syscall.SIGTERM); err != nil {
				t.Fatal(err)
			}
			if code := w.exit(10 * time.Second); code != 0 {
				t.Errorf("exit code %d, want 0", code)
			}
		})
	}
}

func fetchText(t *testing.T, url string) string {
	t.Helper()
	_, body := fetch(t, url)
	return body
}

// zombies lists the children of a process that have ended and were not collected.
func zombies(t *testing.T, parent int) (list []string) {
	t.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		if err == nil && strings.Contains(string(stat), fmt.Sprintf(") Z %d ", parent)) {
			list = append(list, string(stat))
		}
	}
	return list
}

// A worker that hangs fails its own probe, and is replaced while the others go on.
func TestProcessHang(t *testing.T) {
	w := run(t, []string{"WORKERS=2", "FAULT_INJECTION=true", "WATCHDOG_HEALTH_CHECK_INTERVAL=200ms", "WATCHDOG_PROBE_TIMEOUT=300ms",
		"WATCHDOG_FAILURE_THRESHOLD=2", "WATCHDOG_STOP_TIMEOUT_HUNG=100ms"}, api())
	before := w.up(2)
	client := overUnix(filepath.Join(w.dir, "run", "api-2.1.sock"))
	resp, err := client.Post("http://worker/debug/fault/hang", "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusAccepted {
		t.Fatal(resp.Status)
	}
	w.eventually("api-2 is another process", func() bool {
		all := w.targets()
		return len(all) == 2 && all[1].Pid != before[1].Pid && all[1].State == "up"
	})
	if after := w.up(2); after[0].Pid != before[0].Pid {
		t.Error("api-1 was restarted, too")
	}
	if text := w.command("incidents"); !strings.Contains(text, "api-2") || !strings.Contains(text, "probe") {
		t.Errorf("incidents:\n%s", text)
	}
}

// On the one public port, /metrics shows all workers and the watchdog, to those who have the token.
func TestProcessMetrics(t *testing.T) {
	w := run(t, []string{"WORKERS=2", "METRICS_TOKEN=hunter2", "HEALTH_TOKEN=hunter3"}, api())
	w.up(2)
	if code, _ := w.get("/metrics"); code != http.StatusUnauthorized {
		t.Errorf("without a token: %d", code)
	}
	code, body := w.get("/metrics", "Authorization", "Bearer hunter2")
	for _, want := range []string{
		`process_resident_memory_bytes{worker="api-1"}`, `process_resident_memory_bytes{worker="api-2"}`, `watchdog_target_up{target="api-2"} 1`,
		`watchdog_worker_scrape_success{target="api-1"} 1`, `container_spec_memory_limit_bytes{compose_project="",`,
	} {
		if code != http.StatusOK || !strings.Contains(body, "\n"+want) {
			t.Errorf("%d, and no %s", code, want)
		}
	}
	if strings.Contains(body, "watchdog_docker_connected") {
		t.Error("there is no Docker, and yet a metric about it")
	}
	if own := fetchText(t, "http://"+w.status+"/metrics"); !strings.Contains(own, `health_status{status="healthy",worker="api-1"} 1`) {
		t.Error("the watchdog's own page lacks the workers' metrics")
	}
}

// A worker that needs too much memory is replaced before the machine suffers, and its incident says so.
func TestProcessMemoryLimit(t *testing.T) {
	w := run(t, []string{"WORKERS=1", "FAULT_INJECTION=true", "WATCHDOG_MAX_MEMORY=100MiB"}, api())
	before := w.up(1)[0]
	resp, err := http.Post(w.url("/debug/fault/leak"), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	w.eventually("it is another process", func() bool {
		all := w.targets()
		return len(all) == 1 && all[0].Pid != before.Pid && all[0].State == "up"
	})
	w.eventually("the old one is gone", func() bool { return !alive(pid(t, before)) })
	text := w.command("incidents")
	latest := regexp.MustCompile(`\S+-api-1-\S+`).FindString(text)
	if in := w.command("incidents", latest); !regexp.MustCompile(`Why: it used \S+ MiB of memory, more than its limit of 100 MiB`).MatchString(in) || !strings.Contains(text, "oom") {
		t.Errorf("%s\n%s", text, in)
	}
}

// The commands that people know from containers work on workers.
func TestProcessCommands(t *testing.T) {
	w := run(t, []string{"WORKERS=2"}, api())
	before := w.up(2)
	if out := w.command("restart", "api-2"); out != "Restart asked for: api-2\n" {
		t.Errorf("restart: %s", out)
	}
	w.eventually("api-2 is another process", func() bool {
		all := w.targets()
		return all[0].Pid == before[0].Pid && all[1].Pid != before[1].Pid && all[1].State == "up"
	})
	w.command("pause", "api-1")
	if err := syscall.Kill(pid(t, before[0]), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	w.eventually("api-1 is paused and gone", func() bool { return w.targets()[0].State == "paused" && !alive(pid(t, before[0])) })
	w.command("resume", "api-1")
	w.eventually("api-1 is up again", func() bool {
		all := w.targets()
		return all[0].State == "up" && all[0].Pid != before[0].Pid
	})
	if out := w.command("status"); !strings.Contains(out, "running processes") || strings.Contains(out, "Docker") {
		t.Errorf("status:\n%s", out)
	}
	if out := w.command("healthcheck"); out != "" {
		t.Errorf("healthcheck: %s", out)
	}
}
