package board

import (
	"fmt"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// The fixed uids of the dashboards: /d/upkeep-api is the address of one, and the alerts name them.
const (
	OverviewUID   = "upkeep-overview"
	APIUID        = "upkeep-api"
	WatchdogUID   = "upkeep-watchdog"
	ContainersUID = "upkeep-containers"
	HostUID       = "upkeep-host"
	SLOUID        = "upkeep-slo"
	AlertsUID     = "upkeep-alerts"
	StackUID      = "upkeep-stack"
)

const runbooks = "https://github.com/upkeephq/upkeep/tree/main/deploy/runbooks"

// A page is one dashboard. Its rows stand in the order of the questions that one asks at 3 a.m.
type page struct {
	uid, title, about string
	since             string   // the time range at first, up to now
	choices           []string // the variables at the top, apart from the data source
	rows              []section
}

type section struct {
	title  string
	panels []cog.Builder[dashboard.Panel]
}

// pages are all dashboards.
func pages() []page {
	return []page{overview(), api(), watchdog(), containers(), host(), slo(), alerts(), stack()}
}

// file is the name of the page's file.
func (p page) file() string { return strings.TrimPrefix(p.uid, "upkeep-") + ".json" }

func (p page) build() (Dashboard, error) {
	b := newDashboard("Upkeep / "+p.title).
		Uid(p.uid).
		Description(p.about).
		Tags([]string{"upkeep"}).
		Readonly().
		Refresh("10s").
		Time("now-"+p.since, "now").
		Timezone(common.TimeZoneBrowser).
		Tooltip(dashboard.DashboardCursorSyncCrosshair).
		Variables(variables(p.choices)).
		Annotations(annotations(p.choices)).
		Links(links())
	for _, row := range p.rows {
		b.WithRow(dashboard.NewRowBuilder(row.title))
		for _, panel := range row.panels {
			b.WithPanel(panel)
		}
	}
	return b.Build()
}

// to is the way from a panel to the dashboard that tells more, at the same time and with the same choices.
func to(uid, title string) []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder(title).Type(dashboard.DashboardLinkTypeLink).
			Url(fmt.Sprintf("/d/%s?${__url_time_range}&${__all_variables}", uid)),
	}
}

func links() []cog.Builder[dashboard.DashboardLink] {
	return []cog.Builder[dashboard.DashboardLink]{
		dashboard.NewDashboardLinkBuilder("Upkeep").
			Type(dashboard.DashboardLinkTypeDashboards).Tags([]string{"upkeep"}).AsDropdown(true).
			IncludeVars(true).KeepTime(true).Icon("external link").
			Tooltip("The other dashboards of Upkeep"),
		dashboard.NewDashboardLinkBuilder("Runbooks").
			Type(dashboard.DashboardLinkTypeLink).Url(runbooks).TargetBlank(true).Icon("doc").
			Tooltip("What to do when an alert fires"),
	}
}
