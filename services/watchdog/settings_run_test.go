package main

import (
	"bytes"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/kit/config"
)

func TestRunSettingsThatAreRefused(t *testing.T) {
	command := []string{os.Args[0]}
	for _, c := range []struct{ set, want string }{
		{"WORKERS=0", `WORKERS="0": want a whole number from 1 to 64`},
		{"WORKERS=many", `WORKERS="many": want a whole number from 1 to 64`},
		{"PORT=70000", `PORT="70000": want a port from 0 to 65535; 0 takes a free one, which WATCHDOG_PORT_ENV cannot`},
		{"PORT=0 WORKERS=1 WATCHDOG_PORT_ENV=APP_PORT", `PORT="0": want a port from 0 to 65535; 0 takes a free one, which WATCHDOG_PORT_ENV cannot`},
		{"WATCHDOG_NAME=a/b", `WATCHDOG_NAME="a/b": want up to 40 letters, digits, dots, dashes and underscores; the program's name when empty`},
		{"WATCHDOG_PORT_ENV=1 WORKERS=1", `WATCHDOG_PORT_ENV="1": want the name of a variable; when empty the workers inherit the socket`},
		{"WATCHDOG_PORT_ENV=PORT", `WORKERS=4 with WATCHDOG_PORT_ENV=PORT: two processes cannot bind one port; set WORKERS=1, or have the program inherit the socket`},
		{"WATCHDOG_PROBE=health", `WATCHDOG_PROBE="health": want a path (/health/live; with #TEXT the body must hold TEXT) or none`},
		{"WATCHDOG_METRICS=metrics", `WATCHDOG_METRICS="metrics": want a path (/metrics) or none`},
		{"WATCHDOG_MAX_MEMORY=12", `WATCHDOG_MAX_MEMORY="12": want a size (512MiB), 1MiB or more, on Linux; 0 for no limit`},
		{"WATCHDOG_STOP_TIMEOUT=soon", `WATCHDOG_STOP_TIMEOUT="soon": want seconds (10) or a duration (1m30s)`},
	} {
		if _, err := loadRunSettings(strings.Fields(c.set), command); err == nil || err.Error() != c.want {
			t.Errorf("%s: got %v, want %s", c.set, err, c.want)
		}
	}
	_, err := loadRunSettings([]string{"WORKERS=0", "PORT=x"}, []string{"/nonexistent/program"})
	if err == nil || strings.Count(err.Error(), "\n") != 2 || !strings.Contains(err.Error(), "the command cannot be run") {
		t.Errorf("all faults at once, a line each; got %v", err)
	}
}

func TestRunSettings(t *testing.T) {
	s, err := loadRunSettings(nil, []string{os.Args[0], "--loud"})
	if err != nil || s.Workers != 4 || s.address() != ":8000" || s.Name != "watchdog.test" || s.probe() != "/health/live" || len(s.command) != 2 {
		t.Errorf("the defaults: %+v, %v", s, err)
	}
	if s, err := loadRunSettings([]string{"WATCHDOG_PROBE=none", "LISTEN_HOST=::1"}, []string{os.Args[0]}); err != nil || s.probe() != "" || s.address() != "[::1]:8000" {
		t.Errorf("got %+v, %v", s, err)
	}
	for program, want := range map[string]string{"/opt/my app/run it": "run-it", `api.exe`: "api", "./x": "x"} {
		if got := programName(program); got != want {
			t.Errorf("%s is called %q, want %q", program, got, want)
		}
	}
}

// The page on processes has a row for each flag.
func TestRunFlagsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../deploy/processes.md")
	if err != nil {
		t.Fatal(err)
	}
	for f := range reflect.TypeFor[runFlags]().Fields() {
		words := regexp.MustCompile("[A-Z][a-z]+").FindAllString(f.Name, -1)
		row := "| `--" + strings.ToLower(strings.Join(words, "-")) + "` | `" + f.Tag.Get("var") + "` | "
		if !strings.Contains(string(page), row) {
			t.Errorf("deploy/processes.md has no row that begins with %s", row)
		}
	}
}

// Each flag overrides a variable that is read somewhere, and says the same default.
func TestRunFlagsStandForVariables(t *testing.T) {
	known := map[string]string{}
	for _, v := range append(config.Variables[settings](), config.Variables[runSettings]()...) {
		known[v.Name] = v.Default
	}
	flags := runFlags{}
	v := reflect.ValueOf(&flags).Elem()
	for i := range v.NumField() {
		field := v.Type().Field(i)
		fallback, ok := known[field.Tag.Get("var")]
		if !ok {
			t.Errorf("%s stands for %q, which nobody reads", field.Name, field.Tag.Get("var"))
		}
		if fallback != "" && fallback != "0" && field.Tag.Get("placeholder") != fallback {
			t.Errorf("%s shows %s, the default is %s", field.Name, field.Tag.Get("placeholder"), fallback)
		}
		v.Field(i).SetString("set")
	}
	if got := flags.override([]string{"A=1"}); len(got) != 1+v.NumField() || got[1] != "WORKERS=set" {
		t.Errorf("got %v", got)
	}
}

func TestRunCommandLine(t *testing.T) {
	for _, c := range []struct{ args, fail string }{
		{"run", `expected "<command> ..."`},
		{"run --", "the command is missing"},
		{"run --loud -- true", "--loud"},
		{"run --workers none -- true", `WORKERS="none": want a whole number from 1 to 64`},
		{"run --port-env PORT true", "two processes cannot bind one port"},
		{"run --workers 2 --stop-timeout x -- /nonexistent/program --workers 3", "WATCHDOG_STOP_TIMEOUT=\"x\": want seconds (10) or a duration (1m30s)\nthe command cannot be run"},
	} {
		var out, errs bytes.Buffer
		err := run(t.Context(), strings.Fields(c.args), []string{"LOG_DIR=" + t.TempDir()}, &out, &errs)
		if err == nil || !strings.Contains(err.Error(), c.fail) {
			t.Errorf("watchdog %s: %v, want %q in it", c.args, err, c.fail)
		}
	}
}

func TestRunPolicy(t *testing.T) {
	s, err := loadSettings(nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := loadRunSettings([]string{"WATCHDOG_STOP_TIMEOUT=7", "WATCHDOG_STOP_TIMEOUT_HUNG=0"}, []string{os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	if p := r.policy(s.policy()); p.StopTimeout != 7*time.Second || p.StopTimeoutHung != 0 || p.MaxRestarts != 10 {
		t.Errorf("got %+v", p)
	}
}
