package main

import (
	"cmp"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/units"
	"github.com/upkeephq/upkeep/services/watchdog/internal/process"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// runFlags are the flags of watchdog run. Each stands for a variable of the environment, named by var, which it overrides; so
// both are read, and refused, in one way. Those that treat a target are named as the labels of a container.
type runFlags struct {
	Workers         string `var:"WORKERS" placeholder:"4" help:"How many processes."`
	Port            string `var:"PORT" placeholder:"8000" help:"The port that they share."`
	ListenHost      string `var:"LISTEN_HOST" placeholder:"ADDRESS" help:"The address to listen on; all of them without it."`
	Name            string `var:"WATCHDOG_NAME" placeholder:"NAME" help:"What targets are called: NAME-1, NAME-2 …; the program's name without it."`
	PortEnv         string `var:"WATCHDOG_PORT_ENV" placeholder:"PORT" help:"For one worker that cannot inherit a socket: the variable that tells it the port to bind by itself."`
	Probe           string `var:"WATCHDOG_PROBE" placeholder:"/health/live" help:"The path that each worker is probed at, or none."`
	Metrics         string `var:"WATCHDOG_METRICS" placeholder:"/metrics" help:"The path of each worker's metrics, or none."`
	MaxMemory       string `var:"WATCHDOG_MAX_MEMORY" placeholder:"512MiB" help:"Replace a worker that uses more memory."`
	ProbeInterval   string `var:"WATCHDOG_HEALTH_CHECK_INTERVAL" placeholder:"30" help:"Between probes of a worker that is well."`
	ProbeTimeout    string `var:"WATCHDOG_PROBE_TIMEOUT" placeholder:"5" help:"A probe without an answer for this long has failed."`
	ProbeFailures   string `var:"WATCHDOG_FAILURE_THRESHOLD" placeholder:"3" help:"So many failed probes in a row are an outage."`
	StartPeriod     string `var:"WATCHDOG_START_PERIOD" placeholder:"60" help:"How long a worker may take to get ready."`
	RestartDelay    string `var:"WATCHDOG_RESTART_DELAY" placeholder:"5" help:"Wait before a repeated restart; it doubles, up to 300 s. The first does not wait."`
	RestartMax      string `var:"WATCHDOG_MAX_RESTARTS" placeholder:"10" help:"At most so many restarts of one worker …"`
	RestartWindow   string `var:"WATCHDOG_RESTART_WINDOW" placeholder:"3600" help:"… in any window of this length."`
	StopTimeout     string `var:"WATCHDOG_STOP_TIMEOUT" placeholder:"10" help:"Between SIGTERM and SIGKILL."`
	StopTimeoutHung string `var:"WATCHDOG_STOP_TIMEOUT_HUNG" placeholder:"2" help:"The same for a worker that answers nothing."`
}

// override returns the environment with the flags that were given.
func (f runFlags) override(environ []string) []string {
	v := reflect.ValueOf(f)
	for i := range v.NumField() {
		if value := v.Field(i).String(); value != "" {
			environ = append(environ[:len(environ):len(environ)], v.Type().Field(i).Tag.Get("var")+"="+value)
		}
	}
	return environ
}

// runSettings is what the environment can set for watchdog run, beside the settings.
type runSettings struct {
	Workers    int    `env:"WORKERS" envDefault:"4" allowed:"a whole number from 1 to 64"`
	Port       uint16 `env:"PORT" envDefault:"8000" allowed:"a port from 0 to 65535; 0 takes a free one, which WATCHDOG_PORT_ENV cannot"`
	ListenHost string `env:"LISTEN_HOST" allowed:"an address of this machine; all of them when empty"`
	Name       string `env:"WATCHDOG_NAME" allowed:"up to 40 letters, digits, dots, dashes and underscores; the program's name when empty"`
	PortEnv    string `env:"WATCHDOG_PORT_ENV" allowed:"the name of a variable; when empty the workers inherit the socket"`
	Probe      string `env:"WATCHDOG_PROBE" envDefault:"/health/live" allowed:"a path (/health/live; with #TEXT the body must hold TEXT) or none"`
	Metrics    string `env:"WATCHDOG_METRICS" envDefault:"/metrics" allowed:"a path (/metrics) or none"`

	MaxMemory       units.Size     `env:"WATCHDOG_MAX_MEMORY" envDefault:"0" allowed:"a size (512MiB), 1MiB or more, on Linux; 0 for no limit"`
	StopTimeout     units.Duration `env:"WATCHDOG_STOP_TIMEOUT" envDefault:"10" allowed:"seconds (10) or a duration (1m30s)"`
	StopTimeoutHung units.Duration `env:"WATCHDOG_STOP_TIMEOUT_HUNG" envDefault:"2" allowed:"seconds (2) or a duration (500ms)"`

	command []string
}

var (
	fitName     = regexp.MustCompile(`^[A-Za-z0-9._-]{1,40}$`)
	fitVariable = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
	fitPath     = regexp.MustCompile(`^/[!-~]*$`)
)

func loadRunSettings(environ, command []string) (runSettings, error) {
	s, err := config.Load(environ, func(s runSettings) []string {
		var faults []string
		want := func(ok bool, field string) {
			if !ok {
				faults = append(faults, field)
			}
		}
		want(s.Workers >= 1 && s.Workers <= 64, "Workers")
		want(s.PortEnv == "" || s.Port > 0, "Port")
		want(s.Name == "" || fitName.MatchString(s.Name), "Name")
		want(s.PortEnv == "" || fitVariable.MatchString(s.PortEnv), "PortEnv")
		want(s.Probe == "none" || fitPath.MatchString(s.Probe), "Probe")
		want(s.Metrics == "none" || fitPath.MatchString(s.Metrics), "Metrics")
		want(s.MaxMemory == 0 || s.MaxMemory.Bytes() >= 1<<20 && process.MeasuresMemory, "MaxMemory")
		return faults
	})
	faults := []error{err}
	if s.PortEnv != "" && s.Workers > 1 {
		faults = append(faults, fmt.Errorf("WORKERS=%d with WATCHDOG_PORT_ENV=%s: two processes cannot bind one port; set WORKERS=1, or have the program inherit the socket", s.Workers, s.PortEnv))
	}
	if runtime.GOOS == "windows" && s.PortEnv == "" {
		faults = append(faults, errors.New("WATCHDOG_PORT_ENV is empty: on Windows no socket can be handed on; set it to the variable that tells the program its port, and WORKERS=1"))
	}
	if _, err := exec.LookPath(command[0]); err != nil {
		faults = append(faults, fmt.Errorf("the command cannot be run: %w", err))
	}
	if s.Name == "" {
		s.Name = programName(command[0])
	}
	s.command = command
	return s, errors.Join(faults...)
}

// programName is what targets are called where nothing else is said.
func programName(program string) string {
	name := strings.TrimSuffix(filepath.Base(program), ".exe")
	name = regexp.MustCompile(`[^A-Za-z0-9._-]+`).ReplaceAllString(name, "-")
	return cmp.Or(name[:min(len(name), 40)], "worker")
}

// address is what the workers share.
func (s runSettings) address() string {
	return net.JoinHostPort(s.ListenHost, strconv.Itoa(int(s.Port)))
}

// probe is the path, empty for none.
func (s runSettings) probe() string {
	if s.Probe == "none" {
		return ""
	}
	return s.Probe
}

// policy adds what is set for processes alone.
func (s runSettings) policy(p supervise.Policy) supervise.Policy {
	p.StopTimeout, p.StopTimeoutHung = s.StopTimeout.Std(), s.StopTimeoutHung.Std()
	return p
}
