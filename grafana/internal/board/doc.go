// Package board holds the dashboards of Upkeep as code. Files makes them as classic dashboard JSON, which Grafana 10 to 13
// provisions from files.
//
// The thresholds that panels draw are those of the alert rules: limits.go is their one source, and a test compares it with
// prometheus/rules.
package board

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// Dashboard is the classic model. The newer one is refused by file provisioning before Grafana 13.2.
type Dashboard = dashboard.Dashboard //nolint:staticcheck // deprecated upstream in favour of the newer model

func newDashboard(title string) *dashboard.DashboardBuilder { //nolint:staticcheck // as above
	return dashboard.NewDashboardBuilder(title) //nolint:staticcheck // as above
}

// Files returns the content of each file of the dashboards folder by its name, always the same bytes.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, p := range pages() {
		built, err := p.build()
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", p.title, err)
		}
		content, err := encode(built)
		if err != nil {
			return nil, fmt.Errorf("dashboard %s: %w", p.title, err)
		}
		files[p.file()] = content
	}
	return files, nil
}

func encode(d Dashboard) ([]byte, error) {
	number(d.Panels)
	for i := range d.Annotations.List {
		d.Annotations.List[i].Placement = nil // at the top, where they can be switched off, not in a menu
	}
	for i := range d.Links {
		d.Links[i].Placement = nil
	}
	first, err := json.Marshal(d)
	if err != nil {
		return nil, err
	}
	// Once more by way of maps: keys in order, as Grafana exports them, and < and > as they are, not as \u003c.
	var plain any
	if err := json.Unmarshal(first, &plain); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(plain); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// number gives each panel an ID of its own, in order: links and the `viewPanel` of an address go by it.
func number(panels []dashboard.PanelOrRowPanel) {
	var last uint32
	next := func() *uint32 {
		last++
		id := last
		return &id
	}
	for _, p := range panels {
		if p.RowPanel != nil {
			p.RowPanel.Id = *next()
			for i := range p.RowPanel.Panels {
				p.RowPanel.Panels[i].Id = next()
			}
			continue
		}
		p.Panel.Id = next()
	}
}
