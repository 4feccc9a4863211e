// Package check asks Alertmanager's own code whether it would take a configuration and its templates.
package check

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/common/model"
)

// Alertmanager loads alertmanager.yml from a folder, parses the templates that it names, and renders every message with an
// alert that has nothing but its labels, and one that has everything.
func Alertmanager(file string) error {
	conf, err := config.LoadFile(file)
	if err != nil {
		return fmt.Errorf("alertmanager refuses %s: %w", filepath.Base(file), err)
	}
	tmpl, err := template.FromGlobs(conf.Templates)
	if err != nil {
		return fmt.Errorf("alertmanager refuses the message templates: %w", err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "http", Host: "localhost:9093"}
	var faults []error
	for _, text := range texts(conf) {
		for _, data := range samples(tmpl.ExternalURL.String()) {
			if _, err := tmpl.ExecuteTextString(text, data); err != nil {
				faults = append(faults, fmt.Errorf("render %s: %w", text, err))
				break
			}
		}
	}
	return errors.Join(faults...)
}

// texts are the templates that the configuration's receivers use, each once.
func texts(conf *config.Config) []string {
	var all []string
	for _, r := range conf.Receivers {
		for _, s := range r.SlackConfigs {
			all = append(all, s.Title, s.Text, s.Fallback, s.Color, s.TitleLink, s.Username, s.Channel)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func samples(externalURL string) []*template.Data {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	labels := template.KV{string(model.AlertNameLabel): "Sample"}
	bare := template.Alert{Status: string(model.AlertFiring), Labels: labels, Annotations: template.KV{}, StartsAt: begin}
	whole := bare
	whole.Labels = template.KV{"alertname": "Sample", "severity": "critical", "target": "t", "reason": "exited", "job": "j"}
	whole.Annotations = template.KV{"summary": "s", "description": "d", "runbook_url": "http://r", "dashboard_url": "http://d"}
	over := whole
	over.Status, over.EndsAt = string(model.AlertResolved), begin.Add(time.Minute)
	data := func(status string, alerts ...template.Alert) *template.Data {
		return &template.Data{Receiver: "people", Status: status, Alerts: alerts, GroupLabels: labels, CommonLabels: labels,
			CommonAnnotations: template.KV{}, ExternalURL: externalURL}
	}
	return []*template.Data{data("firing", bare), data("firing", whole, over), data("resolved", over)}
}
