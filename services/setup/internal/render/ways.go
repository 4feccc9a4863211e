package render

import (
	"fmt"
	"net/url"
	"path"
	"strings"

	"github.com/upkeephq/upkeep/services/kit/config"
	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

// Way is one way in which people are told.
type Way struct {
	Name string // of Alertmanager's receiver
	To   string // where it goes, without what is secret of it
	// Pages wakes people up on purpose, so it is not told of what is only good to know.
	Pages   bool
	secrets []File
}

// Ways are those that are set, in the order of the settings.
func Ways(s settings.Settings) []Way {
	var ways []Way
	add := func(set bool, w Way) {
		if set {
			ways = append(ways, w)
		}
	}
	channel := ""
	if s.SlackChannel != "" {
		channel = ", channel " + s.SlackChannel
	}
	server, topic, _ := settings.NtfyTopic(s.NtfyURL.Reveal())
	add(s.SlackURL != "", Way{Name: "slack", To: host(s.SlackURL) + channel, secrets: secret("slack-webhook-url", s.SlackURL)})
	add(s.TelegramToken != "", Way{Name: "telegram", To: fmt.Sprintf("chat %d by %s", s.TelegramChat, host(config.Secret(s.TelegramAPI))),
		secrets: secret("telegram-url", config.Secret(strings.TrimRight(s.TelegramAPI, "/")+"/bot"+s.TelegramToken.Reveal()+"/sendMessage"))})
	add(s.DiscordURL != "", Way{Name: "discord", To: host(s.DiscordURL), secrets: secret("discord-webhook-url", s.DiscordURL)})
	add(s.EmailTo != "", Way{Name: "email", To: fmt.Sprintf("%s by %s (%s)", s.EmailTo, s.EmailSmarthost, encryption(s)),
		secrets: secret("email-password", s.EmailPassword)})
	add(s.PagerDutyKey != "", Way{Name: "pagerduty", To: host(config.Secret(s.PagerDutyURL)), Pages: true,
		secrets: secret("pagerduty-routing-key", s.PagerDutyKey)})
	add(s.TeamsURL != "", Way{Name: "msteams", To: host(s.TeamsURL), secrets: secret("msteams-webhook-url", s.TeamsURL)})
	add(s.NtfyURL != "", Way{Name: "ntfy", To: host(s.NtfyURL) + ", topic of " + fmt.Sprint(len(topic)) + " characters",
		secrets: append(append(secret("ntfy-url", config.Secret(server)), secret("ntfy-token", s.NtfyToken)...), topicTemplate(topic))})
	add(s.WebhookURL != "", Way{Name: "webhook", To: host(s.WebhookURL), secrets: secret("webhook-url", s.WebhookURL)})
	return ways
}

// DeadMansSwitch is the name of the receiver that is called all the time.
const DeadMansSwitch = "deadmansswitch"

func deadMansSwitch(s settings.Settings) []Way {
	if s.DeadMansSwitch == "" {
		return nil
	}
	return []Way{{Name: DeadMansSwitch, To: host(s.DeadMansSwitch), secrets: secret("deadmansswitch-url", s.DeadMansSwitch)}}
}

// Watch is where the dead man's switch is, without what is secret of it; empty when there is none.
func Watch(s settings.Settings) string {
	for _, w := range deadMansSwitch(s) {
		return w.To
	}
	return ""
}

// secret is a file for Alertmanager alone, or none.
func secret(name string, value config.Secret) []File {
	if value == "" {
		return nil
	}
	return []File{{Path: path.Join(Secrets, name), Content: []byte(value.Reveal()), Reader: Alertmanager}}
}

// topicTemplate keeps ntfy's topic out of the configuration, which Alertmanager shows to whoever asks. Alertmanager has no
// setting that reads a part of a message from a file, but its templates are files.
func topicTemplate(topic string) File {
	return File{Path: path.Join(Templates, "zz-ntfy-topic.tmpl"), Reader: Alertmanager, Content: fmt.Appendf(nil, "{{ define \"upkeep.ntfy.topic\" }}%s{{ end }}\n", topic)}
}

func encryption(s settings.Settings) string {
	switch {
	case s.EmailTLS == "none":
		return "not encrypted"
	case s.ImplicitTLS():
		return "TLS"
	}
	return "STARTTLS"
}

// host is the part of a URL that is no secret.
func host(address config.Secret) string {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return ""
	}
	return u.Host
}
