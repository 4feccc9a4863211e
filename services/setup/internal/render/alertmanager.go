package render

import (
	"bytes"
	"embed"
	"fmt"
	"path"
	"strconv"
	"strings"
	"text/template"

	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

//go:embed config/*.tmpl
var configFiles embed.FS

// The configuration is full of Alertmanager's own templates, so ours have other brackets.
var configSource = template.Must(template.New("").Delims("<%", "%>").Option("missingkey=error").
	Funcs(template.FuncMap{
		"quote": strconv.Quote,
		"base":  func(url string) string { return strings.TrimRight(url, "/") },
		"ways":  func(to []string, quiet bool) map[string]any { return map[string]any{"to": to, "quiet": quiet} },
	}).
	ParseFS(configFiles, "config/*.tmpl"))

// receiver is one of Alertmanager's receivers.
type receiver struct {
	settings.Settings
	Name string
	Once bool // told when it begins, not when it is over
}

// Secret is the path of a secret's file, quoted.
func (r receiver) Secret(name string) string {
	return strconv.Quote(path.Join(r.ConfigDir, Secrets, name))
}

// Resolved tells whether the receiver hears of the end.
func (r receiver) Resolved() bool { return !r.Once }

// configData is what alertmanager.yml.tmpl needs.
type configData struct {
	settings.Settings
	All, Calm []string // receivers of the ways, and of those that hear of what is only good to know
	Receivers []rendered
	Quiet     bool
	Hours     []settings.Hours
	Days      []string
}

type rendered struct{ Name, Config string }

func alertmanagerConfig(s settings.Settings, ways []Way) ([]byte, error) {
	data := configData{Settings: s, Quiet: s.QuietHours != "" || s.QuietDays != ""}
	add := func(r receiver, kind string) error {
		var config strings.Builder
		err := configSource.ExecuteTemplate(&config, kind, r)
		data.Receivers = append(data.Receivers, rendered{r.Name, strings.TrimSpace(config.String())})
		return err
	}
	for _, w := range append(ways, deadMansSwitch(s)...) {
		if err := add(receiver{Settings: s, Name: w.Name}, w.Name); err != nil {
			return nil, fmt.Errorf("render the receiver %s: %w", w.Name, err)
		}
	}
	for _, w := range ways {
		data.All = append(data.All, w.Name)
		if w.Pages {
			continue
		}
		once := receiver{Settings: s, Name: w.Name + "-once", Once: true}
		data.Calm = append(data.Calm, once.Name)
		if err := add(once, w.Name); err != nil {
			return nil, fmt.Errorf("render the receiver %s: %w", once.Name, err)
		}
	}
	if s.QuietHours != "" {
		hours, err := settings.ParseHours(s.QuietHours)
		if err != nil {
			return nil, err
		}
		data.Hours = hours.Ranges()
	}
	if s.QuietDays != "" {
		var err error
		if data.Days, err = settings.ParseDays(s.QuietDays); err != nil {
			return nil, err
		}
	}
	var out bytes.Buffer
	if err := configSource.ExecuteTemplate(&out, "alertmanager.yml.tmpl", data); err != nil {
		return nil, fmt.Errorf("render alertmanager.yml: %w", err)
	}
	return out.Bytes(), nil
}
