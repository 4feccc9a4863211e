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

	// noData stands where a panel has nothing to show, as on a stack that has just been started.
	noData = "no data yet"
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
		NoValue(noData)
}

// chart shows lines over time.
func chart(f frame) *timeseries.PanelBuilder {
	return timeseries.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(chartHeight).
		Datasource(source()).NoValue(noData).
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
		Datasource(source()).NoValue(noData).
		Mappings(mappings(1, states)).
		ColorScheme(dashboard.NewFieldColorBuilder().Mode(dashboard.FieldColorModeIdThresholds)).
		Thresholds(thresholds([]dashboard.Threshold{base(grey)})).
		ShowValue(common.VisibilityModeAuto).RowHeight(0.8).FillOpacity(80).MergeValues(true).
		Legend(common.NewVizLegendOptionsBuilder().
			DisplayMode(common.LegendDisplayModeList).Placement(common.LegendPlacementBottom).ShowLegend(false))
}

// list shows a table.
func list(f frame) *table.PanelBuilder {
	return table.NewPanelBuilder().
		Title(f.title).Description(f.about).Unit(f.unit).Span(f.width).Height(chartHeight).
		Datasource(source()).NoValue(noData).
		ShowHeader(true).
		Footer(common.NewTableFooterOptionsBuilder().Show(false).Reducer([]string{"sum"}))
}

// limit draws the value from which an alert fires, as a dashed line.
func limit(b *timeseries.PanelBuilder, steps ...dashboard.Threshold) *timeseries.PanelBuilder {
	return b.
		Thresholds(thresholds(append([]dashboard.Threshold{base(green)}, steps...))).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeDashed))
}

// stacked shows what adds up.
func stacked(b *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return b.FillOpacity(40).Stacking(common.NewStackingConfigBuilder().Mode(common.StackingModeNormal).Group("A"))
}

// bars shows how often something happened.
func bars(b *timeseries.PanelBuilder) *timeseries.PanelBuilder {
	return stacked(b).DrawStyle(common.GraphDrawStyleBars).FillOpacity(80).Decimals(0)
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
	return valueMap(states, func(i int) string { return strconv.Itoa(first + i) })
}

// words colours the states that are words already.
func words(states []state) []dashboard.ValueMapping {
	return valueMap(states, func(i int) string { return states[i].name })
}

func valueMap(states []state, key func(int) string) []dashboard.ValueMapping {
	options := make(map[string]dashboard.ValueMappingResult, len(states))
	for i, s := range states {
		options[key(i)] = dashboard.ValueMappingResult{Text: &s.text, Color: &s.color, Index: new(int32(i))}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{
		Type: dashboard.MappingTypeValueToText, Options: options,
	}}}
}

// coloured shows the text of a column in the colour that its value has.
func coloured() dashboard.DynamicConfigValue {
	return dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}}
}

// column sets one property of one column of a table.
func column(id string, value any) []dashboard.DynamicConfigValue {
	return []dashboard.DynamicConfigValue{{Id: id, Value: value}}
}

// columns turns the results of several queries into one table: a row for each key, a column for each query.
func columns(t *table.PanelBuilder, names ...string) *table.PanelBuilder {
	places, titles := map[string]int{}, map[string]string{}
	for i := 0; i+1 < len(names); i += 2 {
		places[names[i]], titles[names[i]] = i, names[i+1]
	}
	return t.
		WithTransformation(dashboard.DataTransformerConfig{Id: "merge", Options: map[string]any{}}).
		WithTransformation(dashboard.DataTransformerConfig{Id: "organize", Options: map[string]any{
			"excludeByName": map[string]bool{"Time": true},
			"indexByName":   places,
			"renameByName":  titles,
		}})
}
