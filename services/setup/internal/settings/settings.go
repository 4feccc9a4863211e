// Package settings reads what setup is told by its environment.
package settings

import (
	"time"

	"github.com/upkeephq/upkeep/services/kit/config"
)

// Settings is everything that can be set. An empty variable counts as not set.
type Settings struct {
	ConfigDir    string `env:"CONFIG_DIR" envDefault:"/config" allowed:"an absolute path"`
	TemplatesDir string `env:"TEMPLATES_DIR" envDefault:"/templates" allowed:"the folder of the message templates (*.tmpl)"`
	LogLevel     string `env:"LOG_LEVEL" envDefault:"INFO" allowed:"DEBUG, INFO, WARN or ERROR"`
	JSONLogs     bool   `env:"JSON_LOGS" envDefault:"true" allowed:"true or false"`

	SlackURL         config.Secret `env:"ALERT_SLACK_WEBHOOK_URL" allowed:"the http:// or https:// URL of a Slack incoming webhook"`
	SlackChannel     string        `env:"ALERT_SLACK_CHANNEL" allowed:"a channel (#ops) or a person (@ann), and ALERT_SLACK_WEBHOOK_URL beside it"`
	TelegramToken    config.Secret `env:"ALERT_TELEGRAM_BOT_TOKEN" allowed:"the token that BotFather gave (123456:ABC-def), and ALERT_TELEGRAM_CHAT_ID beside it"`
	TelegramChat     int64         `env:"ALERT_TELEGRAM_CHAT_ID" allowed:"a number, negative for a group (-1001234567890), and ALERT_TELEGRAM_BOT_TOKEN beside it"`
	TelegramAPI      string        `env:"ALERT_TELEGRAM_API_URL" envDefault:"https://api.telegram.org" allowed:"the http:// or https:// URL of a Bot API server"`
	DiscordURL       config.Secret `env:"ALERT_DISCORD_WEBHOOK_URL" allowed:"the http:// or https:// URL of a Discord webhook"`
	EmailTo          string        `env:"ALERT_EMAIL_TO" allowed:"mail addresses, separated by commas"`
	EmailFrom        string        `env:"ALERT_EMAIL_FROM" allowed:"one mail address, and ALERT_EMAIL_TO beside it"`
	EmailSmarthost   string        `env:"ALERT_EMAIL_SMARTHOST" allowed:"the mail server as host:port (smtp.example.com:587), and ALERT_EMAIL_TO beside it"`
	EmailUsername    string        `env:"ALERT_EMAIL_USERNAME" allowed:"a user of the mail server, and ALERT_EMAIL_TO and ALERT_EMAIL_PASSWORD beside it"`
	EmailPassword    config.Secret `env:"ALERT_EMAIL_PASSWORD" allowed:"that user's password on one line, and ALERT_EMAIL_TO and ALERT_EMAIL_USERNAME beside it"`
	EmailTLS         string        `env:"ALERT_EMAIL_TLS" allowed:"starttls, tls, or none where there is no password; empty: tls on port 465, else starttls"`
	EmailSkipVerify  bool          `env:"ALERT_EMAIL_TLS_SKIP_VERIFY" envDefault:"false" allowed:"true or false"`
	PagerDutyKey     config.Secret `env:"ALERT_PAGERDUTY_ROUTING_KEY" allowed:"the integration key of a PagerDuty service (Events API v2)"`
	PagerDutyURL     string        `env:"ALERT_PAGERDUTY_URL" envDefault:"https://events.pagerduty.com/v2/enqueue" allowed:"the http:// or https:// URL of the Events API v2"`
	TeamsURL         config.Secret `env:"ALERT_MSTEAMS_WEBHOOK_URL" allowed:"the http:// or https:// URL of a Teams workflow (\"when a webhook request is received\")"`
	NtfyURL          config.Secret `env:"ALERT_NTFY_URL" allowed:"the http:// or https:// URL of an ntfy topic (https://ntfy.sh/my-topic)"`
	NtfyToken        config.Secret `env:"ALERT_NTFY_TOKEN" allowed:"an access token of the ntfy server, and ALERT_NTFY_URL beside it"`
	WebhookURL       config.Secret `env:"ALERT_WEBHOOK_URL" allowed:"an http:// or https:// URL"`
	DeadMansSwitch   config.Secret `env:"ALERT_DEADMANSSWITCH_URL" allowed:"the http:// or https:// URL of a check at an observer elsewhere"`
	QuietHours       string        `env:"ALERT_QUIET_HOURS" allowed:"two different times of the day (22:00-07:00)"`
	QuietDays        string        `env:"ALERT_QUIET_DAYS" allowed:"days of the week in English, separated by commas (saturday,sunday)"`
	Timezone         string        `env:"ALERT_TIMEZONE" envDefault:"UTC" allowed:"the name of a time zone (Europe/Berlin)"`
	GrafanaURL       string        `env:"GRAFANA_URL" envDefault:"http://localhost:3000" allowed:"an http:// or https:// URL"`
	WatchdogURL      string        `env:"WATCHDOG_URL" envDefault:"http://localhost:9095" allowed:"an http:// or https:// URL"`
	AlertmanagerAddr string        `env:"ALERTMANAGER_ADDRESS" allowed:"the http:// or https:// URL at which this program reaches Alertmanager; it is not told of changes when empty"`

	GrafanaAdminPassword config.Secret `env:"GRAFANA_ADMIN_PASSWORD" allowed:"8 to 128 characters on one line"`
	MetricsToken         config.Secret `env:"METRICS_TOKEN" allowed:"visible ASCII characters without spaces, at most 1000"`
}

// Variables lists every variable, for --help.
func Variables() []config.Variable { return config.Variables[Settings]() }

// Load reads an environment as os.Environ gives it. All faults are reported at once, one line each, without any secret.
func Load(environ []string) (Settings, error) { return config.Load(environ, outOfRange) }

// Location is the time zone of quiet hours and messages.
func (s Settings) Location() *time.Location {
	if zone, err := time.LoadLocation(s.Timezone); err == nil {
		return zone
	}
	return time.UTC
}
