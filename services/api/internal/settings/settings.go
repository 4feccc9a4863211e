// Package settings reads what the API is told by its environment.
package settings

import (
	"net"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/kit/logging"
	"github.com/upkeephq/upkeep/services/kit/units"
)

// Settings are everything that can be set. An empty variable counts as not set.
type Settings struct {
	Environment string `env:"ENVIRONMENT" envDefault:"production" allowed:"production, staging, development or test"`
	// ListenHost is the address to listen on, all of them when empty.
	ListenHost string `env:"LISTEN_HOST" allowed:"an address of this machine; all of them when empty"`
	Port       uint16 `env:"PORT" envDefault:"8000" allowed:"a port from 0 to 65535; 0 takes a free one"`
	// Workers is understood because the whole stack shares one environment: it
	// is "watchdog run" that starts so many processes of this one, and tells each
	// so: they share the memory of their container. A process by itself uses all
	// the processors and the memory that it may.
	Workers int `env:"WORKERS" envDefault:"1" allowed:"a whole number from 1 to 64, for 'watchdog run'; one api is one process"`

	LogLevel      string     `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARN or ERROR"`
	JSONLogs      bool       `env:"JSON_LOGS" envDefault:"true" allowed:"true or false"`
	LogDir        string     `env:"LOG_DIR" envDefault:"logs" allowed:"a folder, or none for standard output only"`
	LogMaxSize    units.Size `env:"LOG_MAX_SIZE" envDefault:"50MiB" allowed:"a size (50MiB), 1MiB or more"`
	LogMaxBackups int        `env:"LOG_MAX_BACKUPS" envDefault:"5" allowed:"a whole number, 1 or more"`
	LogMaxAgeDays int        `env:"LOG_MAX_AGE_DAYS" envDefault:"30" allowed:"a whole number, 1 or more"`

	HealthToken  config.Secret `env:"HEALTH_TOKEN" allowed:"what /health/detailed and /health/metrics ask for; open when empty"`
	MetricsToken config.Secret `env:"METRICS_TOKEN" allowed:"what /metrics asks for; open when empty"`

	// MetricsUpstream and Worker are set by "watchdog run" for each worker.
	MetricsUpstream string `env:"METRICS_UPSTREAM" allowed:"unix:/PATH of what /metrics shows instead of this process alone; set by 'watchdog run'"`
	Worker          string `env:"WATCHDOG_TARGET" allowed:"the name of this worker, for its log folder and its log lines; set by 'watchdog run'"`

	FaultInjection bool `env:"FAULT_INJECTION" envDefault:"false" allowed:"true or false"`

	HealthCheckInterval units.Duration `env:"HEALTH_CHECK_INTERVAL" envDefault:"10" allowed:"seconds (10) or a duration (1m30s), more than 0"`
	DiskPaths           []string       `env:"DISK_PATHS" envDefault:"/" allowed:"different absolute paths with commas between"`
	CPUDegraded         float64        `env:"HEALTH_CPU_DEGRADED" envDefault:"0.95" allowed:"a ratio from 0 (never) to 1"`
	CPUUnhealthy        float64        `env:"HEALTH_CPU_UNHEALTHY" envDefault:"0" allowed:"a ratio from 0 (never) to 1"`
	MemoryDegraded      float64        `env:"HEALTH_MEMORY_DEGRADED" envDefault:"0.9" allowed:"a ratio from 0 (never) to 1"`
	MemoryUnhealthy     float64        `env:"HEALTH_MEMORY_UNHEALTHY" envDefault:"0.98" allowed:"a ratio from 0 (never) to 1"`
	DiskDegraded        float64        `env:"HEALTH_DISK_DEGRADED" envDefault:"0.85" allowed:"a ratio from 0 (never) to 1"`
	DiskUnhealthy       float64        `env:"HEALTH_DISK_UNHEALTHY" envDefault:"0.97" allowed:"a ratio from 0 (never) to 1"`
	ErrorRateDegraded   float64        `env:"HEALTH_ERROR_RATE_DEGRADED" envDefault:"0.05" allowed:"a ratio from 0 (never) to 1"`
	ErrorRateUnhealthy  float64        `env:"HEALTH_ERROR_RATE_UNHEALTHY" envDefault:"0.5" allowed:"a ratio from 0 (never) to 1"`

	// DrainDelay keeps taking requests after readiness has fallen, where a load
	// balancer needs time to notice.
	DrainDelay units.Duration `env:"DRAIN_DELAY" envDefault:"0" allowed:"seconds (5) or a duration (500ms)"`
	// ShutdownTimeout is below the ten seconds that Docker grants.
	ShutdownTimeout units.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"8" allowed:"seconds (8) or a duration (1m30s), more than 0"`
	H2C             bool           `env:"H2C" envDefault:"false" allowed:"true or false"`
}

// Load reads the settings from an environment as os.Environ gives it. All
// faults are reported at once, one line each.
func Load(environ []string) (Settings, error) {
	return config.Load(environ, Settings.outOfRange)
}

// fitName is a name that can be that of a folder.
var fitName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

// environments are where a service may run. In production the start-up log
// warns of what is open to strangers.
var environments = []string{"production", "staging", "development", "test"}

// outOfRange names the fields whose values are of the right kind and still
// make no sense.
func (s Settings) outOfRange() []string {
	var fields []string
	want := func(ok bool, field string) {
		if !ok {
			fields = append(fields, field)
		}
	}
	want(slices.Contains(environments, strings.ToLower(s.Environment)), "Environment")
	want(s.Workers >= 1 && s.Workers <= 64, "Workers")
	_, err := logging.ParseLevel(s.LogLevel)
	want(err == nil, "LogLevel")
	want(s.LogMaxSize.Bytes() >= 1<<20, "LogMaxSize")
	want(s.LogMaxBackups >= 1, "LogMaxBackups")
	want(s.LogMaxAgeDays >= 1, "LogMaxAgeDays")
	want(s.HealthCheckInterval > 0, "HealthCheckInterval")
	want(s.MetricsUpstream == "" || strings.HasPrefix(s.MetricsUpstream, "unix:/"), "MetricsUpstream")
	want(s.Worker == "" || fitName.MatchString(s.Worker), "Worker")
	want(s.ShutdownTimeout > 0, "ShutdownTimeout")
	for i, p := range s.DiskPaths {
		want(path.IsAbs(p) && !slices.Contains(s.DiskPaths[:i], p), "DiskPaths")
	}
	for _, one := range []struct {
		field string
		ratio float64
	}{
		{"CPUDegraded", s.CPUDegraded}, {"CPUUnhealthy", s.CPUUnhealthy},
		{"MemoryDegraded", s.MemoryDegraded}, {"MemoryUnhealthy", s.MemoryUnhealthy},
		{"DiskDegraded", s.DiskDegraded}, {"DiskUnhealthy", s.DiskUnhealthy},
		{"ErrorRateDegraded", s.ErrorRateDegraded}, {"ErrorRateUnhealthy", s.ErrorRateUnhealthy},
	} {
		want(one.ratio >= 0 && one.ratio <= 1, one.field)
	}
	return fields
}

// Production tells whether strangers are to be expected.
func (s Settings) Production() bool { return strings.EqualFold(s.Environment, "production") }

// Address is what to listen on.
func (s Settings) Address() string {
	return net.JoinHostPort(s.ListenHost, strconv.Itoa(int(s.Port)))
}

// LogFolder is the folder of the log files, empty for none. Workers have one each, as they
// would rotate each other's files away.
func (s Settings) LogFolder() string {
	if s.LogDir == "none" {
		return ""
	}
	return filepath.Join(s.LogDir, s.Worker) // s.Worker is empty unless there are several
}

// CPU limits are about what this process may use.
func (s Settings) CPU() health.Limits {
	return health.Limits{Degraded: s.CPUDegraded, Unhealthy: s.CPUUnhealthy}
}

// Memory limits are about what this process may use.
func (s Settings) Memory() health.Limits {
	return health.Limits{Degraded: s.MemoryDegraded, Unhealthy: s.MemoryUnhealthy}
}

// Disk limits hold for every path of DiskPaths.
func (s Settings) Disk() health.Limits {
	return health.Limits{Degraded: s.DiskDegraded, Unhealthy: s.DiskUnhealthy}
}

// ErrorRate limits are about the answers of the last minutes.
func (s Settings) ErrorRate() health.Limits {
	return health.Limits{Degraded: s.ErrorRateDegraded, Unhealthy: s.ErrorRateUnhealthy}
}
