package process

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// The programs in deploy/processes.md take the sockets, as the page says.
func TestProcessOtherLanguages(t *testing.T) {
	page, err := os.ReadFile(filepath.Join("..", "..", "processes.md"))
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)\n```(python|js)\n(.*?)\n```\n").FindAllStringSubmatch(string(page), -1)
	if len(blocks) != 2 {
		t.Fatalf("%d programs on the page, want 2", len(blocks))
	}
	interpreters := map[string]string{"python": "python3", "js": "node"}
	for _, b := range blocks {
		t.Run(b[1], func(t *testing.T) {
			interpreter, err := exec.LookPath(interpreters[b[1]])
			if err != nil {
				t.Skip(err)
			}
			program := filepath.Join(t.TempDir(), "program."+b[1])
			if err := os.WriteFile(program, []byte(b[2]), 0o600); err != nil {
				t.Fatal(err)
			}
			w := run(t, []string{"WORKERS=2", "WATCHDOG_NAME=shop", "WATCHDOG_METRICS=none"}, interpreter, program)
			all := w.up(2)
			if code, body := w.get("/"); code != 200 || !strings.HasPrefix(body, "hello from shop-") {
				t.Errorf("%d %q", code, body)
			}
			if err := syscall.Kill(pid(t, all[0]), syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			w.eventually("the killed one is back", func() bool {
				now := w.targets()
				return len(now) == 2 && now[0].Pid != all[0].Pid && now[0].State == "up"
			})
			if code, _ := w.get("/"); code != 200 {
				t.Errorf("after a kill: %d", code)
			}
		})
	}
}
