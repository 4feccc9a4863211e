// Package settings reads what setup is told by its environment.
package settings

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strings"

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/logging"
)

// Settings is everything that can be set. An empty variable counts as not set.
type Settings struct {
	ConfigDir    string `env:"CONFIG_DIR" envDefault:"/config" allowed:"an absolute path"`
	TemplatesDir string `env:"TEMPLATES_DIR" envDefault:"/templates" allowed:"the folder of the message templates (*.tmpl)"`
	LogLevel     string `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARN or ERROR"`
	JSONLogs     bool   `env:"JSON_LOGS" envDefault:"true" allowed:"true or false"`

	WebhookURL   string `env:"ALERT_WEBHOOK_URL" allowed:"an http:// or https:// URL"`
	SlackURL     string `env:"ALERT_SLACK_WEBHOOK_URL" allowed:"the http:// or https:// URL of a Slack incoming webhook"`
	SlackChannel string `env:"ALERT_SLACK_CHANNEL" allowed:"a channel (#ops) or a person (@ann), and ALERT_SLACK_WEBHOOK_URL beside it"`
	GrafanaURL   string `env:"GRAFANA_URL" envDefault:"http://localhost:3000" allowed:"an http:// or https:// URL"`

	// ReloadURL is where a running Alertmanager is told to read its files anew.
	ReloadURL string `env:"ALERTMANAGER_RELOAD_URL" allowed:"an http:// or https:// URL; nobody is told when empty"`

	GrafanaAdminPassword string `env:"GRAFANA_ADMIN_PASSWORD" allowed:"8 to 128 characters on one line"`
	MetricsToken         string `env:"METRICS_TOKEN" allowed:"visible ASCII characters without spaces, at most 1000"`
}

// secrets are the variables whose values never reach a log. A webhook's URL is one: who has it may post.
var secrets = map[string]bool{
	"ALERT_WEBHOOK_URL": true, "ALERT_SLACK_WEBHOOK_URL": true, "GRAFANA_ADMIN_PASSWORD": true, "METRICS_TOKEN": true,
}

// Variables lists every variable, for --help.
func Variables() []config.Variable { return config.Variables[Settings]() }

// Load reads an environment as os.Environ gives it. All faults are reported at once, one line each.
func Load(environ []string) (Settings, error) {
	s, err := config.Load(environ, outOfRange)
	return s, hideSecrets(err)
}

var (
	channel  = regexp.MustCompile(`^[#@]?[\p{L}\p{M}\p{N}._-]{1,80}$`)
	password = regexp.MustCompile(`^[^\x00-\x1f\x7f]{8,128}$`)
	token    = regexp.MustCompile(`^[\x21-\x7e]{1,1000}$`)
	folder   = regexp.MustCompile(`^/[^\x00-\x1f"'\\{}*?\[\]]*$`)
)

func outOfRange(s Settings) []string {
	var fields []string
	want := func(ok bool, field string) {
		if !ok {
			fields = append(fields, field)
		}
	}
	want(folder.MatchString(s.ConfigDir), "ConfigDir")
	want(s.TemplatesDir != "", "TemplatesDir")
	_, err := logging.ParseLevel(s.LogLevel)
	want(err == nil, "LogLevel")
	want(s.WebhookURL == "" || isURL(s.WebhookURL), "WebhookURL")
	want(s.SlackURL == "" || isURL(s.SlackURL), "SlackURL")
	want(s.SlackChannel == "" || s.SlackURL != "" && channel.MatchString(s.SlackChannel), "SlackChannel")
	want(isURL(s.GrafanaURL), "GrafanaURL")
	want(s.ReloadURL == "" || isURL(s.ReloadURL), "ReloadURL")
	want(s.GrafanaAdminPassword == "" || password.MatchString(s.GrafanaAdminPassword), "GrafanaAdminPassword")
	want(s.MetricsToken == "" || token.MatchString(s.MetricsToken), "MetricsToken")
	return fields
}

// isURL accepts absolute web addresses, without what Alertmanager would take for a template or drop without a word.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Fragment == "" &&
		!strings.ContainsAny(s, "{}\"'<>`\\ \t\r\n")
}

// hideSecrets replaces the values of secret variables in faults.
func hideSecrets(err error) error {
	if err == nil {
		return nil
	}
	all := []error{err}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		all = joined.Unwrap()
	}
	for i, one := range all {
		if fault, ok := errors.AsType[*config.Fault](one); ok && secrets[fault.Variable] {
			all[i] = fmt.Errorf("%s=(%d characters, not shown): want %s", fault.Variable, len(fault.Value), fault.Allowed)
		}
	}
	return errors.Join(all...)
}
