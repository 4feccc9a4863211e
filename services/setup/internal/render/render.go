// Package render turns settings into the files that Alertmanager, Grafana, Prometheus and the watchdog read. It does no
// I/O: files out, nothing written.
package render

import (
	"encoding/json"
	"path"
	"slices"

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

// Files renders everything. templates are the message templates by file name; newPassword is Grafana's where none is given.
// The order is that in which the files may appear: what is referred to comes first.
func Files(s settings.Settings, templates map[string][]byte, newPassword string) ([]File, error) {
	var files []File
	for name, content := range templates {
		files = append(files, File{Path: path.Join(Templates, name), Content: content, Reader: Everybody})
	}
	ways := Ways(s)
	names := []string{}
	for _, w := range ways {
		names = append(names, w.Name)
	}
	for _, w := range append(slices.Clone(ways), deadMansSwitch(s)...) {
		files = append(files, w.secrets...)
	}
	config, err := alertmanagerConfig(s, ways)
	if err != nil {
		return nil, err
	}
	receivers, err := json.Marshal(map[string]any{"receivers": names, "count": len(names)})
	if err != nil {
		return nil, err
	}
	password := File{Path: AdminPassword, Content: []byte(s.GrafanaAdminPassword.Reveal()), Reader: Grafana}
	if s.GrafanaAdminPassword == "" {
		password.Content, password.Keep = []byte(newPassword), true
	}
	return append(files,
		File{Path: AlertmanagerConfig, Content: config, Reader: Everybody},
		File{Path: Receivers, Content: append(receivers, '\n'), Reader: Everybody},
		File{Path: MetricsToken, Content: []byte(s.MetricsToken.Reveal()), Reader: Prometheus},
		password,
	), nil
}
