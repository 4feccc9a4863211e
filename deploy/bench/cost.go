package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
)

// cost is what watching took during a period.
type cost struct {
	watchdog, guard usage // memory at the end, processor time of the period alone
	counts                // of the period alone
	period          time.Duration
	scrapes         []time.Duration
	page            []byte // of the last scrape
}

// samples counts the samples of the last scrape whose series begins with prefix.
func (c cost) samples(prefix string) int {
	n := 0
	for line := range strings.Lines(string(c.page)) {
		if !strings.HasPrefix(line, "#") && strings.TrimSpace(line) != "" && strings.HasPrefix(line, prefix) {
			n++
		}
	}
	return n
}

// costTable prints a column for each round.
func costTable(w io.Writer, period time.Duration, rounds []round, costs []cost) {
	fmt.Fprintf(w, "\nWhat watching costs: all targets are well, each answers an HTTP probe; over %v, /metrics is scraped every %v\n\n| targets |", period, scrapeEvery)
	for i := range costs {
		fmt.Fprintf(w, " %s |", rounds[i])
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(costs)))
	for _, row := range costRows {
		fmt.Fprintf(w, "| %s |", row.name)
		for _, c := range costs {
			fmt.Fprintf(w, " %s |", row.of(c))
		}
		fmt.Fprintln(w)
	}
}

// costRows are the lines of the table.
var costRows = []struct {
	name string
	of   func(cost) string
}{
	{"watchdog: resident memory at the end (peak), MB", func(c cost) string { return c.watchdog.memory() }},
	{"watchdog: processor time, s/min", func(c cost) string { return c.perMinute("%.2f", c.watchdog.cpu.Seconds()) }},
	{"guard: resident memory at the end (peak), MB", func(c cost) string { return c.guard.memory() }},
	{"guard: processor time, s/min", func(c cost) string { return c.perMinute("%.2f", c.guard.cpu.Seconds()) }},
	{"requests to the engine/min", func(c cost) string { return c.perMinute("%.0f", float64(c.calls)) }},
	{"events of containers/min", func(c cost) string { return c.perMinute("%.0f", float64(c.emitted)) }},
	{"events received/min", func(c cost) string { return c.perMinute("%.0f", float64(c.received)) }},
	{"/metrics: median (worst), ms", func(c cost) string {
		return fmt.Sprintf("%.1f (%.1f)", milliseconds(median(c.scrapes)), milliseconds(slices.Max(c.scrapes)))
	}},
	{"/metrics: kB", func(c cost) string { return fmt.Sprintf("%.0f", float64(len(c.page))/1e3) }},
	{"/metrics: samples", func(c cost) string { return strconv.Itoa(c.samples("")) }},
	{"targets with container metrics at the end", func(c cost) string { return strconv.Itoa(c.samples("container_memory_working_set_bytes{")) }},
}

func (u usage) memory() string {
	return fmt.Sprintf("%.1f (%.1f)", float64(u.resident)/1e6, float64(u.peak)/1e6)
}

func (c cost) perMinute(format string, n float64) string {
	return fmt.Sprintf(format, n/c.period.Minutes())
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
