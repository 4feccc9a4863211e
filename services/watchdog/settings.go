package main

import (
	"net/url"
	"time"

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/kit/units"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// settings is everything that the environment can set. Labels override the policy for one target.
type settings struct {
	Environment string `env:"ENVIRONMENT" envDefault:"production" allowed:"any text"`
	Listen      string `env:"WATCHDOG_LISTEN" envDefault:":9095" allowed:"an address to listen on, e.g. 127.0.0.1:9095 or :9095"`
	LogLevel    string `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARN or ERROR"`
	JSONLogs    bool   `env:"JSON_LOGS" envDefault:"true" allowed:"true or false"`
	LogDir      string `env:"LOG_DIR" envDefault:"logs" allowed:"a folder that the watchdog may write"`
	DockerHost  string `env:"DOCKER_HOST" envDefault:"unix:///var/run/docker.sock" allowed:"unix:///PATH or tcp://HOST:PORT"`

	Interval      units.Duration `env:"WATCHDOG_HEALTH_CHECK_INTERVAL" envDefault:"30" allowed:"seconds (30) or a duration (1m30s), 100ms or more"`
	ProbeTimeout  units.Duration `env:"WATCHDOG_PROBE_TIMEOUT" envDefault:"5" allowed:"seconds (5) or a duration (500ms), more than 0"`
	Failures      int            `env:"WATCHDOG_FAILURE_THRESHOLD" envDefault:"3" allowed:"a whole number from 1 to 60"`
	StartPeriod   units.Duration `env:"WATCHDOG_START_PERIOD" envDefault:"60" allowed:"seconds (60) or a duration (2m)"`
	RestartDelay  units.Duration `env:"WATCHDOG_RESTART_DELAY" envDefault:"5" allowed:"seconds (5) or a duration (500ms)"`
	MaxRestarts   int            `env:"WATCHDOG_MAX_RESTARTS" envDefault:"10" allowed:"a whole number from 0 (never restart) to 1000"`
	RestartWindow units.Duration `env:"WATCHDOG_RESTART_WINDOW" envDefault:"3600" allowed:"seconds (3600) or a duration (1h), 1s or more"`

	DryRun  bool          `env:"WATCHDOG_DRY_RUN" envDefault:"false" allowed:"true (decide and report, touch nothing) or false"`
	PingURL config.Secret `env:"WATCHDOG_PING_URL" allowed:"an http or https URL to call after each round, for an outside observer; none when empty"`

	// What systemd gives to a unit with Type=notify and WatchdogSec.
	NotifySocket string `env:"NOTIFY_SOCKET" allowed:"the path of systemd's socket; set by systemd"`
	WatchdogUsec int64  `env:"WATCHDOG_USEC" allowed:"microseconds; set by systemd"`
	WatchdogPID  int    `env:"WATCHDOG_PID" allowed:"a process ID; set by systemd"`

	// ReceiversFile is where the setup service tells who is notified.
	ReceiversFile string `env:"UPKEEP_RECEIVERS_FILE" allowed:"the path of receivers.json, as the setup service writes it"`
}

func loadSettings(environ []string) (settings, error) {
	return config.Load(environ, func(s settings) []string {
		var faults []string
		want := func(ok bool, field string) {
			if !ok {
				faults = append(faults, field)
			}
		}
		_, err := logging.ParseLevel(s.LogLevel)
		want(err == nil, "LogLevel")
		want(s.Interval.Std() >= 100*time.Millisecond, "Interval")
		want(s.ProbeTimeout > 0, "ProbeTimeout")
		want(s.Failures >= 1 && s.Failures <= 60, "Failures")
		want(s.MaxRestarts >= 0 && s.MaxRestarts <= 1000, "MaxRestarts")
		want(s.RestartWindow.Std() >= time.Second, "RestartWindow")
		u, err := url.Parse(s.PingURL.Reveal())
		want(s.PingURL == "" || err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != "", "PingURL")
		return faults
	})
}

// policy is how targets are treated unless their labels say otherwise.
func (s settings) policy() supervise.Policy {
	p := supervise.DefaultPolicy()
	p.ProbeInterval, p.ProbeTimeout, p.FailureThreshold = s.Interval.Std(), s.ProbeTimeout.Std(), s.Failures
	p.StartPeriod, p.RestartDelay = s.StartPeriod.Std(), s.RestartDelay.Std()
	p.MaxRestarts, p.RestartWindow = s.MaxRestarts, s.RestartWindow.Std()
	return p
}

// staleAfter is the age from which the loop's heartbeat means that it hangs.
const staleAfter = 30 * time.Second
