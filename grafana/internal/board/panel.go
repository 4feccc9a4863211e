package board

import (
	"strconv"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/stat"
	"github.com/grafana/grafana-foundation-sdk/go/statetimeline"
	"github.com/grafana/grafana-foundation-sdk/go/table"
	"github.com/grafana/grafana-foundation-sdk/go/timeseries"
)

// A frame is what every panel has.
type frame struct {
	title, about string
	unit         string
	width        uint32 // of 24
}

const (
	figureHeight = 4
	chartHeight  = 8
)

// figure shows one number.
func figure(f frame, steps ...dashboard.Threshold) *stat.PanelBuilder {
	return stat.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(figureHeight).
		Datasource(source()).
		Thresholds(thresholds(steps)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		ReduceOptions(common.NewReduceDataOptionsBuilder().Calcs([]string{"lastNotNull"})).
		ColorMode(common.BigValueColorModeBackground).
		GraphMode(common.BigValueGraphModeNone).
		TextMode(common.BigValueTextModeValue).
		Orientation(common.VizOrientationAuto).
		NoValue("no data yet")
}

// chart shows lines over time.
func chart(f frame) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(chartHeight).
		Datasource(source()).
		Min(0).
		LineWidth(1).FillOpacity(10).ShowPoints(common.VisibilityModeNever).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdPaletteClassic)).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(true)).
		Tooltip(common.NewVizTooltipOptionsBuilder().
			Mode(common.TooltipDisplayModeMulti).Sort(common.SortOrderDescending))
}

// timeline shows in which state things were when.
func timeline(f frame, states []state) *statetimeline.PanelBuilder {
	return statetimeline.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(chartHeight).
		Datasource(source()).
		Mappings(mappings(1, states)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		Thresholds(thresholds([]dashboard.Threshold{base("text")})).
		ShowValue(common.VisibilityModeAuto).RowHeight(0.8).FillOpacity(80).MergeValues(true).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(false))
}

// list shows a table.
func list(f frame) *table.PanelBuilder {
	return table.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(chartHeight).
		Datasource(source()).
		ShowHeader(true).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{"sum"}))
}

// base is the colour below every other step.
func base(color string) dashboard.Threshold { return dashboard.Threshold{Color: color} }

// from is the colour from a value on.
func from(value float64, color string) dashboard.Threshold {
	return dashboard.Threshold{Value: &value, Color: color}
}

func thresholds(steps []dashboard.Threshold) cog.Builder[dashboard.ThresholdsConfig] {
	return dashboard.NewThresholdsConfigBuilder().Mode(dashboard.ThresholdsModeAbsolute).Steps(steps)
}

// mappings shows numbers, counted from first, as the states that they stand for.
func mappings(first int, states []state) []dashboard.ValueMapping {
	options := make(map[string]dashboard.ValueMappingResult, len(states))
	for i, s := range states {
		options[strconv.Itoa(first+i)] = dashboard.ValueMappingResult{Text: &s.text, Color: &s.color, Index: new(int32(i))}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: options,
	}}}
}

// column sets one property of one column of a table.
func column(id string, value any) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: id, Value: value}}
}
