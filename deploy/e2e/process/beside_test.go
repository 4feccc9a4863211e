package process

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// other is another program that keeps several processes on one port.
type other struct {
	name, file, program string
	start               func(file string, port int) []string
	reload              func(t *testing.T, master *exec.Cmd)
}

var others = []other{
	{
		name: "gunicorn", file: "shop.py", program: `
def app(environ, start_response):
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]
`,
		start: func(file string, port int) []string {
			return []string{"gunicorn", "--chdir", filepath.Dir(file), "--workers", "4", "--bind", fmt.Sprint("127.0.0.1:", port), "shop:app"}
		},
		reload: func(_ *testing.T, master *exec.Cmd) { _ = master.Process.Signal(syscall.SIGHUP) },
	},
	{
		name: "pm2", file: "shop.js", program: `
const server = require("http").createServer((req, res) => res.end("hello"));
server.listen(process.env.PORT, "127.0.0.1");
process.on("SIGINT", () => server.close(() => process.exit(0)));
`,
		start: func(file string, _ int) []string { return []string{"pm2", "start", file, "-i", "4", "--no-daemon"} },
		reload: func(t *testing.T, master *exec.Cmd) {
			reload := exec.Command("pm2", "reload", "all")
			reload.Env = master.Env
			if out, err := reload.CombinedOutput(); err != nil {
				t.Errorf("pm2 reload: %v\n%s", err, out)
			}
		},
	},
}

// What becomes of the same load with the programs that people use for this. It compares, and asserts nothing about them.
func TestProcessBesideOthers(t *testing.T) {
	if !*beside {
		t.Skip("only with -beside")
	}
	for _, o := range others {
		t.Run(o.name, func(t *testing.T) {
			if _, err := exec.LookPath(o.name); err != nil {
				t.Skip(err)
			}
			dir, port := t.TempDir(), freePort(t)
			file := filepath.Join(dir, o.file)
			if err := os.WriteFile(file, []byte(o.program), 0o600); err != nil {
				t.Fatal(err)
			}
			args := o.start(file, port)
			master := exec.Command(args[0], args[1:]...)
			master.Env = append(os.Environ(), fmt.Sprint("PORT=", port), "PM2_HOME="+filepath.Join(dir, "pm2"))
			var out buffer
			master.Stdout, master.Stderr = &out, &out
			if err := master.Start(); err != nil {
				t.Fatal(err)
			}
			defer func() {
				_ = master.Process.Signal(syscall.SIGTERM)
				_ = master.Wait() // however it ends
			}()
			url := fmt.Sprintf("http://127.0.0.1:%d/", port)
			four := func() bool { return len(children(master.Process.Pid, o.file)) == workers }
			eventually(t, "four workers answer", func() bool {
				resp, err := http.Get(url)
				if err == nil {
					resp.Body.Close()
				}
				return err == nil && four()
			})
			l, killed, taken := killing(t, url, func() []int { return children(master.Process.Pid, o.file) })
			t.Logf("%d workers killed in %d s, at most %d requests in flight then: %v", killed, *seconds, taken, l)
			eventually(t, "four workers are back", four)
			old := children(master.Process.Pid, o.file)
			r := reloading(t, url, func() { o.reload(t, master) }, func() bool { return four() && !slices.ContainsFunc(old, alive) })
			t.Logf("reload: %v", r)
			if l.answered.Load() == 0 || r.answered.Load() == 0 {
				t.Errorf("nothing was compared; it says:\n%s", out.String())
			}
		})
	}
}

// children lists the processes that a process has started for a program, oldest first.
func children(parent int, file string) (all []int) {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range stats {
		stat, err := os.ReadFile(path)
		_, rest, _ := strings.Cut(string(stat), ") ")
		var state string
		var ppid, pid int
		if err != nil || !strings.Contains(string(stat), ") ") {
			continue
		}
		if _, err := fmt.Sscan(rest, &state, &ppid); err != nil || ppid != parent || state == "Z" {
			continue
		}
		line, _ := os.ReadFile(filepath.Join(filepath.Dir(path), "cmdline"))
		if _, err := fmt.Sscan(string(stat), &pid); err == nil && strings.Contains(string(line), strings.TrimSuffix(file, filepath.Ext(file))) {
			all = append(all, pid)
		}
	}
	slices.Sort(all)
	return all
}
