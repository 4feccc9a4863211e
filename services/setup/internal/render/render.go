// Package render turns settings into the files that Alertmanager, Grafana, Prometheus and the watchdog read. It does no
// I/O: files out, nothing written.
package render

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"path"
	"strconv"
	"text/template"

	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

// Reader is the user ID of who may read a file.
type Reader int

// The readers, by the user IDs of their images.
const (
	Everybody    Reader = -1
	Alertmanager Reader = 65534
	Prometheus   Reader = 65534
	Grafana      Reader = 472
)

// File is one file to be written.
type File struct {
	Path    string // below the configuration folder
	Content []byte
	Reader  Reader
	// Keep leaves a file alone that is there and holds something.
	Keep bool
}

// The paths that others know.
const (
	AlertmanagerConfig = "alertmanager/alertmanager.yml"
	Templates          = "alertmanager/templates"
	Secrets            = "alertmanager/secrets"
	Receivers          = "alertmanager/receivers.json"
	AdminPassword      = "grafana/admin-password"
	MetricsToken       = "prometheus/metrics-token"
)

// Owned are the folders in which nothing else may lie: what is no longer rendered is removed from them.
var Owned = []string{Templates, Secrets}

//go:embed alertmanager.yml.tmpl
var configSource string

// one receiver of Alertmanager: all of the ways, with or without a word when an alert is over.
type receiver struct {
	Name     string
	Resolved bool
}

type configData struct {
	Receiver, InfoReceiver string
	Receivers              []receiver
	Any, Webhook, Slack    bool
	SlackChannel, Secrets  string
}

// Ways names how people are told: "webhook", "slack".
func Ways(s settings.Settings) []string {
	ways := []string{}
	if s.WebhookURL != "" {
		ways = append(ways, "webhook")
	}
	if s.SlackURL != "" {
		ways = append(ways, "slack")
	}
	return ways
}

// Files renders everything. templates are the message templates by file name; newPassword is Grafana's where none is given.
// The order is that in which the files may appear: what is referred to comes first.
func Files(s settings.Settings, templates map[string][]byte, newPassword string) ([]File, error) {
	var files []File
	for name, content := range templates {
		files = append(files, File{Path: path.Join(Templates, name), Content: content, Reader: Everybody})
	}
	// last in the alphabet, so that it has the last word
	files = append(files, File{Path: path.Join(Templates, "zz-links.tmpl"), Content: links(s), Reader: Everybody})
	if s.WebhookURL != "" {
		files = append(files, File{Path: path.Join(Secrets, "webhook-url"), Content: []byte(s.WebhookURL), Reader: Alertmanager})
	}
	if s.SlackURL != "" {
		files = append(files, File{Path: path.Join(Secrets, "slack-webhook-url"), Content: []byte(s.SlackURL), Reader: Alertmanager})
	}
	config, err := alertmanagerConfig(s)
	if err != nil {
		return nil, err
	}
	ways := Ways(s)
	receivers, err := json.Marshal(map[string]any{"receivers": ways, "count": len(ways)})
	if err != nil {
		return nil, err
	}
	password := File{Path: AdminPassword, Content: []byte(s.GrafanaAdminPassword), Reader: Grafana}
	if s.GrafanaAdminPassword == "" {
		password.Content, password.Keep = []byte(newPassword), true
	}
	return append(files,
		File{Path: AlertmanagerConfig, Content: config, Reader: Everybody},
		File{Path: Receivers, Content: append(receivers, '\n'), Reader: Everybody},
		File{Path: MetricsToken, Content: []byte(s.MetricsToken), Reader: Prometheus},
		password,
	), nil
}

func alertmanagerConfig(s settings.Settings) ([]byte, error) {
	data := configData{
		Webhook: s.WebhookURL != "", Slack: s.SlackURL != "", Any: len(Ways(s)) > 0,
		Secrets: path.Join(s.ConfigDir, Secrets), Receiver: "unconfigured", InfoReceiver: "unconfigured",
	}
	if data.Any {
		data.Receiver, data.InfoReceiver = "people", "people-once"
		data.Receivers = []receiver{{"people", true}, {"people-once", false}}
	}
	if s.SlackChannel != "" {
		data.SlackChannel = strconv.Quote(s.SlackChannel)
	}
	source, err := template.New("alertmanager.yml").Option("missingkey=error").Parse(configSource)
	if err != nil {
		return nil, fmt.Errorf("parse the configuration's own source: %w", err)
	}
	var out bytes.Buffer
	if err := source.Execute(&out, data); err != nil {
		return nil, fmt.Errorf("render alertmanager.yml: %w", err)
	}
	return out.Bytes(), nil
}

// links is a template file with the addresses that only the environment knows.
func links(s settings.Settings) []byte {
	return fmt.Appendf(nil, "{{ define \"upkeep.dashboard_url\" }}%s/d/upkeep-overview{{ end }}\n", trimSlash(s.GrafanaURL))
}

func trimSlash(url string) string {
	for len(url) > 0 && url[len(url)-1] == '/' {
		url = url[:len(url)-1]
	}
	return url
}
