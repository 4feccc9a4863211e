// Package config reads what the API is told by its environment.
package config

import (
	"net"
	"strconv"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// Config is everything that can be set. An empty variable counts as not set.
type Config struct {
	Environment Environment `env:"ENVIRONMENT" envDefault:"production" allowed:"production, staging, development or test"`
	// ListenHost is the address to listen on, all of them when empty.
	ListenHost string `env:"LISTEN_HOST" allowed:"an address of this machine; all of them when empty"`
	Port       uint16 `env:"PORT" envDefault:"8000" allowed:"a port from 0 to 65535; 0 takes a free one"`
	// Workers is understood because the whole stack shares one environment: it
	// is "watchdog run" that starts so many processes of this one. A process by
	// itself uses all the processors it may.
	Workers int `env:"WORKERS" envDefault:"1" allowed:"a whole number from 1 to 64, for 'watchdog run'; one api is one process"`

	LogLevel      LogLevel `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARN or ERROR"`
	JSONLogs      bool     `env:"JSON_LOGS" envDefault:"true" allowed:"true or false"`
	LogDir        string   `env:"LOG_DIR" envDefault:"logs" allowed:"a folder, or none for standard output only"`
	LogMaxSizeMB  int      `env:"LOG_MAX_SIZE_MB" envDefault:"50" allowed:"a whole number, 1 or more"`
	LogMaxBackups int      `env:"LOG_MAX_BACKUPS" envDefault:"5" allowed:"a whole number, 1 or more"`
	LogMaxAgeDays int      `env:"LOG_MAX_AGE_DAYS" envDefault:"30" allowed:"a whole number, 1 or more"`

	HealthToken  Secret `env:"HEALTH_TOKEN" allowed:"what /health/detailed and /health/metrics ask for; open when empty"`
	MetricsToken Secret `env:"METRICS_TOKEN" allowed:"what /metrics asks for; open when empty"`

	FaultInjection bool `env:"FAULT_INJECTION" envDefault:"false" allowed:"true or false"`

	HealthCheckInterval Duration `env:"HEALTH_CHECK_INTERVAL" envDefault:"10" allowed:"seconds (10) or a duration (1m30s), more than 0"`
	DiskPaths           []string `env:"DISK_PATHS" envDefault:"/" allowed:"different absolute paths with commas between"`
	CPUDegraded         Ratio    `env:"HEALTH_CPU_DEGRADED" envDefault:"0.95" allowed:"a ratio from 0 (never) to 1"`
	CPUUnhealthy        Ratio    `env:"HEALTH_CPU_UNHEALTHY" envDefault:"0" allowed:"a ratio from 0 (never) to 1"`
	MemoryDegraded      Ratio    `env:"HEALTH_MEMORY_DEGRADED" envDefault:"0.9" allowed:"a ratio from 0 (never) to 1"`
	MemoryUnhealthy     Ratio    `env:"HEALTH_MEMORY_UNHEALTHY" envDefault:"0.98" allowed:"a ratio from 0 (never) to 1"`
	DiskDegraded        Ratio    `env:"HEALTH_DISK_DEGRADED" envDefault:"0.85" allowed:"a ratio from 0 (never) to 1"`
	DiskUnhealthy       Ratio    `env:"HEALTH_DISK_UNHEALTHY" envDefault:"0.97" allowed:"a ratio from 0 (never) to 1"`
	ErrorRateDegraded   Ratio    `env:"HEALTH_ERROR_RATE_DEGRADED" envDefault:"0.05" allowed:"a ratio from 0 (never) to 1"`
	ErrorRateUnhealthy  Ratio    `env:"HEALTH_ERROR_RATE_UNHEALTHY" envDefault:"0.5" allowed:"a ratio from 0 (never) to 1"`

	// DrainDelay keeps taking requests after readiness has fallen, where a load
	// balancer needs time to notice.
	DrainDelay Duration `env:"DRAIN_DELAY" envDefault:"0" allowed:"seconds (5) or a duration (500ms)"`
	// ShutdownTimeout is below the ten seconds that Docker grants.
	ShutdownTimeout Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"8" allowed:"seconds (8) or a duration (1m30s), more than 0"`
	H2C             bool     `env:"H2C" envDefault:"false" allowed:"true or false"`
}

// Address is what to listen on.
func (c Config) Address() string {
	return net.JoinHostPort(c.ListenHost, strconv.Itoa(int(c.Port)))
}

// LogFolder is the folder of the log files, empty for none.
func (c Config) LogFolder() string {
	if c.LogDir == "none" {
		return ""
	}
	return c.LogDir
}

// CPU, Memory, Disk and ErrorRate are the limits as checks want them.
func (c Config) CPU() health.Limits { return limits(c.CPUDegraded, c.CPUUnhealthy) }

// Memory limits are about what this process may use.
func (c Config) Memory() health.Limits { return limits(c.MemoryDegraded, c.MemoryUnhealthy) }

// Disk limits hold for every path of DiskPaths.
func (c Config) Disk() health.Limits { return limits(c.DiskDegraded, c.DiskUnhealthy) }

// ErrorRate limits are about the answers of the last five minutes.
func (c Config) ErrorRate() health.Limits { return limits(c.ErrorRateDegraded, c.ErrorRateUnhealthy) }

func limits(degraded, unhealthy Ratio) health.Limits {
	return health.Limits{Degraded: float64(degraded), Unhealthy: float64(unhealthy)}
}
