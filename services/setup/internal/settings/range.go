package settings

import (
	"net"
	"net/mail"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the image has no zones of its own

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/kit/logging"
)

var (
	channel   = regexp.MustCompile(`^[#@]?[\p{L}\p{M}\p{N}._-]{1,80}$`)
	password  = regexp.MustCompile(`^[^\x00-\x1f\x7f]{8,128}$`)
	token     = regexp.MustCompile(`^[\x21-\x7e]{1,1000}$`)
	folder    = regexp.MustCompile(`^/[^\x00-\x1f"'\\{}*?\[\]]*$`)
	botToken  = regexp.MustCompile(`^[0-9]{1,20}:[A-Za-z0-9_-]{1,100}$`)
	eventsKey = regexp.MustCompile(`^[A-Za-z0-9_-]{8,100}$`)
	oneLine   = regexp.MustCompile(`^[^\x00-\x1f\x7f]{1,500}$`)
	hostName  = regexp.MustCompile(`^[A-Za-z0-9.:_-]{1,253}$`)
)

// outOfRange names the fields whose values make no sense, by themselves or beside the others.
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
	want(isOptionalURL(s.SlackURL), "SlackURL")
	want(isOptionalURL(s.DiscordURL), "DiscordURL")
	want(isOptionalURL(s.TeamsURL), "TeamsURL")
	want(isOptionalURL(s.WebhookURL), "WebhookURL")
	want(isOptionalURL(s.DeadMansSwitch), "DeadMansSwitch")
	want(isURL(s.TelegramAPI), "TelegramAPI")
	want(isURL(s.PagerDutyURL), "PagerDutyURL")
	want(isURL(s.GrafanaURL), "GrafanaURL")
	want(isURL(s.WatchdogURL), "WatchdogURL")
	want(s.AlertmanagerAddr == "" || isURL(s.AlertmanagerAddr), "AlertmanagerAddr")
	want(s.SlackChannel == "" || s.SlackURL != "" && channel.MatchString(s.SlackChannel), "SlackChannel")
	want(s.TelegramToken == "" && s.TelegramChat == 0 || botToken.MatchString(s.TelegramToken.Reveal()), "TelegramToken")
	want(s.TelegramToken == "" || s.TelegramChat != 0, "TelegramChat")
	want(s.PagerDutyKey == "" || eventsKey.MatchString(s.PagerDutyKey.Reveal()), "PagerDutyKey")
	_, _, isTopic := NtfyTopic(s.NtfyURL.Reveal())
	want(s.NtfyURL == "" || isTopic, "NtfyURL")
	want(s.NtfyToken == "" || s.NtfyURL != "" && token.MatchString(s.NtfyToken.Reveal()), "NtfyToken")
	email(s, want)
	_, err = ParseHours(s.QuietHours)
	want(s.QuietHours == "" || err == nil, "QuietHours")
	_, err = ParseDays(s.QuietDays)
	want(s.QuietDays == "" || err == nil, "QuietDays")
	_, err = time.LoadLocation(s.Timezone)
	want(err == nil && s.Timezone != "Local", "Timezone")
	want(s.GrafanaAdminPassword == "" || password.MatchString(s.GrafanaAdminPassword.Reveal()), "GrafanaAdminPassword")
	want(s.MetricsToken == "" || token.MatchString(s.MetricsToken.Reveal()), "MetricsToken")
	return fields
}

// email is what mail wants: somebody to write to, and with that a sender and a server; the rest only beside it.
func email(s Settings, want func(ok bool, field string)) {
	wanted := s.EmailTo != ""
	others := s.EmailFrom != "" || s.EmailSmarthost != ""
	want(!wanted && !others || addresses(s.EmailTo) > 0, "EmailTo")
	want(!wanted && s.EmailFrom == "" || addresses(s.EmailFrom) == 1, "EmailFrom")
	want(!wanted && s.EmailSmarthost == "" || isHostPort(s.EmailSmarthost), "EmailSmarthost")
	want(s.EmailUsername == "" && s.EmailPassword == "" || wanted && oneLine.MatchString(s.EmailUsername), "EmailUsername")
	want(s.EmailUsername == "" && s.EmailPassword == "" || wanted && oneLine.MatchString(s.EmailPassword.Reveal()), "EmailPassword")
	switch s.EmailTLS {
	case "", "starttls", "tls":
	case "none": // a password is never sent in the clear
		want(s.EmailPassword == "", "EmailTLS")
	default:
		want(false, "EmailTLS")
	}
}

// ImplicitTLS tells whether the mail server speaks TLS from the first byte.
func (s Settings) ImplicitTLS() bool {
	_, port, _ := net.SplitHostPort(s.EmailSmarthost)
	return s.EmailTLS == "tls" || s.EmailTLS == "" && port == "465"
}

// addresses counts the mail addresses of a list, 0 if it is none. Alertmanager takes it for a template, so none may be in it.
func addresses(list string) int {
	all, err := mail.ParseAddressList(list)
	if err != nil || strings.Contains(list, "{{") || !oneLine.MatchString(list) {
		return 0
	}
	return len(all)
}

func isHostPort(s string) bool {
	host, port, err := net.SplitHostPort(s)
	n, notNumber := strconv.ParseUint(port, 10, 16)
	return err == nil && notNumber == nil && n > 0 && hostName.MatchString(host)
}

func isOptionalURL(s config.Secret) bool { return s == "" || isURL(s.Reveal()) }

// isURL accepts absolute web addresses, without what Alertmanager would take for a template or drop without a word.
func isURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.Fragment == "" &&
		!strings.ContainsAny(s, "{}\"'<>`\\ \t\r\n")
}

var topic = regexp.MustCompile(`^(.*[^/])/([A-Za-z0-9_-]{1,64})$`)

// NtfyTopic splits the URL of a topic into that of its server and the topic's name.
func NtfyTopic(address string) (server, name string, ok bool) {
	m := topic.FindStringSubmatch(address)
	if m == nil || !isURL(m[1]) || strings.Contains(m[1], "?") {
		return "", "", false
	}
	return m[1], m[2], true
}
