package settings_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
	"github.com/upkeephq/upkeep/services/kit/config"
)

func TestDefaults(t *testing.T) {
	for _, environ := range [][]string{nil, {"PORT=", "LOG_LEVEL=", "HEALTH_TOKEN=", "WORKERS=", "SHUTDOWN_TIMEOUT="}} {
		c, err := settings.Load(environ)
		if err != nil {
			t.Fatal(err)
		}
		if !c.Production() || c.Address() != ":8000" || c.LogLevel != "INFO" || !c.JSONLogs || c.LogFolder() != "logs" ||
			c.Workers != 1 || c.FaultInjection || c.ShutdownTimeout.Std() != 8*time.Second || c.Disk().Degraded != 0.85 {
			t.Errorf("%q: %+v", environ, c)
		}
	}
}

func TestGoodValues(t *testing.T) {
	c, err := settings.Load([]string{
		"ENVIRONMENT=Development", "LISTEN_HOST=::1", "PORT=0", "LOG_LEVEL=warning", "LOG_DIR=none", "JSON_LOGS=false",
		"HEALTH_CHECK_INTERVAL=1m30s", "DRAIN_DELAY=5", "SHUTDOWN_TIMEOUT=500ms", "DISK_PATHS=/,/var/lib",
		"HEALTH_CPU_UNHEALTHY=1", "HEALTH_ERROR_RATE_DEGRADED=0",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Environment != "Development" || c.Production() || c.Address() != "[::1]:0" || c.LogLevel != "warning" || c.LogFolder() != "" || c.JSONLogs ||
		c.HealthCheckInterval.Std() != 90*time.Second || c.DrainDelay.Std() != 5*time.Second ||
		c.ShutdownTimeout.Std() != 500*time.Millisecond || len(c.DiskPaths) != 2 ||
		c.CPU().Unhealthy != 1 || c.ErrorRate().Degraded != 0 || c.Memory().Degraded != 0.9 {
		t.Errorf("%+v", c)
	}
}

// TestBadValues holds every way in which a variable can be wrong, with the line
// that the user reads.
func TestBadValues(t *testing.T) {
	const ratio = "want a ratio from 0 (never) to 1"
	for _, test := range []struct{ set, want string }{
		{"ENVIRONMENT=prod", `ENVIRONMENT="prod": want production, staging, development or test`},
		{"PORT=65536", `PORT="65536": want a port from 0 to 65535; 0 takes a free one`},
		{"PORT=-1", `PORT="-1": want a port from 0 to 65535; 0 takes a free one`},
		{"PORT=http", `PORT="http": want a port from 0 to 65535; 0 takes a free one`},
		{"WORKERS=0", `WORKERS="0": want a whole number from 1 to 64, for 'watchdog run'; one api is one process`},
		{"WORKERS=65", `WORKERS="65": want a whole number from 1 to 64, for 'watchdog run'; one api is one process`},
		{"WORKERS=two", `WORKERS="two": want a whole number from 1 to 64, for 'watchdog run'; one api is one process`},
		{"LOG_LEVEL=LOUD", `LOG_LEVEL="LOUD": want DEBUG, INFO, WARN or ERROR`},
		{"JSON_LOGS=ja", `JSON_LOGS="ja": want true or false`},
		{"LOG_MAX_SIZE=1KB", `LOG_MAX_SIZE="1KB": want a size (50MiB), 1MiB or more`},
		{"LOG_MAX_SIZE=big", `LOG_MAX_SIZE="big": want a size (50MiB), 1MiB or more`},
		{"LOG_MAX_BACKUPS=-1", `LOG_MAX_BACKUPS="-1": want a whole number, 1 or more`},
		{"LOG_MAX_AGE_DAYS=x", `LOG_MAX_AGE_DAYS="x": want a whole number, 1 or more`},
		{"FAULT_INJECTION=maybe", `FAULT_INJECTION="maybe": want true or false`},
		{"HEALTH_CHECK_INTERVAL=0", `HEALTH_CHECK_INTERVAL="0": want seconds (10) or a duration (1m30s), more than 0`},
		{"HEALTH_CHECK_INTERVAL=1.5", `HEALTH_CHECK_INTERVAL="1.5": want seconds (10) or a duration (1m30s), more than 0`},
		{"SHUTDOWN_TIMEOUT=-1s", `SHUTDOWN_TIMEOUT="-1s": want seconds (8) or a duration (1m30s), more than 0`},
		{"SHUTDOWN_TIMEOUT=9999999999999999999", `SHUTDOWN_TIMEOUT="9999999999999999999": want seconds (8) or a duration (1m30s), more than 0`},
		{"SHUTDOWN_TIMEOUT=9223372036854775807", `SHUTDOWN_TIMEOUT="9223372036854775807": want seconds (8) or a duration (1m30s), more than 0`},
		{"DRAIN_DELAY=soon", `DRAIN_DELAY="soon": want seconds (5) or a duration (500ms)`},
		{"DISK_PATHS=/,data", `DISK_PATHS="/,data": want different absolute paths with commas between`},
		{"DISK_PATHS=/,/", `DISK_PATHS="/,/": want different absolute paths with commas between`},
		{"DISK_PATHS=,", `DISK_PATHS=",": want different absolute paths with commas between`},
		{"HEALTH_CPU_DEGRADED=95", `HEALTH_CPU_DEGRADED="95": ` + ratio},
		{"HEALTH_MEMORY_UNHEALTHY=-0.1", `HEALTH_MEMORY_UNHEALTHY="-0.1": ` + ratio},
		{"HEALTH_DISK_DEGRADED=NaN", `HEALTH_DISK_DEGRADED="NaN": ` + ratio},
		{"HEALTH_ERROR_RATE_UNHEALTHY=5%", `HEALTH_ERROR_RATE_UNHEALTHY="5%": ` + ratio},
		{"H2C=1.0", `H2C="1.0": want true or false`},
	} {
		_, err := settings.Load([]string{test.set})
		if fmt.Sprint(err) != test.want {
			t.Errorf("%s:\ngot  %v\nwant %s", test.set, err, test.want)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	_, err := settings.Load([]string{"PORT=x", "WORKERS=0", "LOG_LEVEL=y", "DISK_PATHS=z"})
	if got := strings.Count(fmt.Sprint(err), "\n") + 1; got != 4 {
		t.Errorf("%d lines, want one for each of the 4 faults:\n%v", got, err)
	}
}

func TestSecretsStayHidden(t *testing.T) {
	c, err := settings.Load([]string{"HEALTH_TOKEN=hunter2", "METRICS_TOKEN=hunter2"})
	if err != nil {
		t.Fatal(err)
	}
	asJSON, _ := json.Marshal(c)
	if all := fmt.Sprintf("%v %+v %#v %s", c, c, c, asJSON); strings.Contains(all, "hunter2") {
		t.Errorf("a token is shown: %s", all)
	}
}

func TestVariablesAreDescribed(t *testing.T) {
	for _, v := range config.Variables[settings.Settings]() {
		if v.Name == "" || v.Allowed == "" {
			t.Errorf("%+v is not described", v)
		}
	}
}

func Example() {
	_, err := settings.Load([]string{"PORT=web", "WORKERS=0"})
	fmt.Println(err)
	// Output:
	// PORT="web": want a port from 0 to 65535; 0 takes a free one
	// WORKERS="0": want a whole number from 1 to 64, for 'watchdog run'; one api is one process
}
