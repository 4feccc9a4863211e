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

// Config loads an alertmanager.yml as Alertmanager does, without the templates.
func Config(file string) (*config.Config, error) {
	conf, err := config.LoadFile(file)
	if err != nil {
		return nil, fmt.Errorf("alertmanager refuses %s: %w", filepath.Base(file), err)
	}
	return conf, nil
}

// Alertmanager loads an alertmanager.yml, parses the templates that it names, and renders every message with an alert that has
// nothing but its name, one that has everything, and many.
func Alertmanager(file string) error {
	conf, err := Config(file)
	if err != nil {
		return err
	}
	tmpl, err := template.FromGlobs(conf.Templates)
	if err != nil {
		return fmt.Errorf("alertmanager refuses the message templates: %w", err)
	}
	tmpl.ExternalURL = &url.URL{Scheme: "http", Host: "localhost:9093"}
	labels := template.KV{}
	for name, value := range conf.Route.Labels {
		labels[string(name)] = string(value)
	}
	var faults []error
	for _, m := range messages(conf) {
		execute := tmpl.ExecuteTextString
		if m.html {
			execute = tmpl.ExecuteHTMLString
		}
		for _, data := range samples(tmpl.ExternalURL.String(), labels) {
			if _, err := execute(m.text, data); err != nil {
				faults = append(faults, fmt.Errorf("render %s: %w", m.text, err))
				break
			}
		}
	}
	return errors.Join(faults...)
}

// message is a template that a receiver's settings use.
type message struct {
	text string
	html bool
}

// messages are those of all receivers, each once.
func messages(conf *config.Config) []message {
	var all []message
	text := func(texts ...string) {
		for _, t := range texts {
			all = append(all, message{text: t})
		}
	}
	for _, r := range conf.Receivers {
		for _, c := range r.SlackConfigs {
			text(c.Title, c.Text, c.Fallback, c.Color, c.TitleLink, c.Username, c.Channel)
		}
		for _, c := range r.DiscordConfigs {
			text(c.Title, c.Message, c.Content)
		}
		for _, c := range r.EmailConfigs {
			text(c.Text)
			for _, header := range c.Headers {
				text(header)
			}
			all = append(all, message{c.HTML, true})
		}
		for _, c := range r.PagerdutyConfigs {
			text(c.Description, c.Severity, c.Source, c.Class, c.Component, c.Group, c.Client, c.ClientURL)
			for _, link := range c.Links {
				text(link.Href, link.Text)
			}
			for _, detail := range c.Details {
				if t, ok := detail.(string); ok {
					text(t)
				}
			}
		}
		for _, c := range r.MSTeamsV2Configs {
			text(c.Title, c.Text)
		}
		for _, c := range r.WebhookConfigs {
			if t, ok := c.Payload.(string); ok {
				text(t)
			}
		}
	}
	slices.SortFunc(all, func(a, b message) int { return slices.Compare([]byte(a.text), []byte(b.text)) })
	return slices.Compact(all)
}

func samples(externalURL string, routeLabels template.KV) []*template.Data {
	begin := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	labels := template.KV{string(model.AlertNameLabel): "Sample"}
	bare := template.Alert{Status: string(model.AlertFiring), Labels: labels, Annotations: template.KV{}, StartsAt: begin}
	whole := bare
	whole.Labels = template.KV{"alertname": "Sample", "severity": "critical", "target": "t", "reason": "exited", "job": "j"}
	whole.Annotations = template.KV{"summary": "s", "description": "d", "runbook_url": "http://r", "dashboard": "upkeep-overview", "incident": "1"}
	over := whole
	over.Status, over.EndsAt = string(model.AlertResolved), begin.Add(time.Minute)
	data := func(status string, alerts ...template.Alert) *template.Data {
		return &template.Data{Receiver: "sample", Status: status, Alerts: alerts, GroupLabels: labels, CommonLabels: alerts[0].Labels,
			CommonAnnotations: alerts[0].Annotations, RouteLabels: routeLabels, ExternalURL: externalURL}
	}
	return []*template.Data{data("firing", bare), data("firing", whole), data("firing", whole, over), data("resolved", over),
		data("firing", slices.Repeat([]template.Alert{whole, over}, 30)...)}
}
