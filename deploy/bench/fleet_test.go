package main

import (
	"bytes"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSizes(t *testing.T) {
	for value, want := range map[string]sizes{"true": {1, 50, 200}, "7": {7}, "3,1,1000": {3, 1, 1000}} {
		var got sizes
		if err := got.Set(value); err != nil || !slices.Equal(got, want) {
			t.Errorf("-fleet=%s gives %v, %v; want %v", value, got, err, want)
		}
	}
	for _, value := range []string{"", "0", "-1", "1001", "1,", "1 2", "many"} {
		if err := new(sizes).Set(value); err == nil {
			t.Errorf("-fleet=%s: no error", value)
		}
	}
}

func TestRunRefusesWrongFleets(t *testing.T) {
	for args, want := range map[string]string{
		"-fleet 1,50":       `"1,50": want flags only`,
		"-fleet=0":          `"0": want numbers from 1 to 1000`,
		"-fleet -for 9s":    "-for 9s: want at least 10s",
		"-fleet -healers":   "-healers, -fleet and -processes: want one of them",
		"-fleet=1 -for ten": "-for",
	} {
		err := run(t.Context(), strings.Fields(args), new(bytes.Buffer), new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("bench %s: %v, want %s", args, err, want)
		}
	}
}

func TestHelpNamesAllModes(t *testing.T) {
	var help bytes.Buffer
	if err := run(t.Context(), []string{"-h"}, new(bytes.Buffer), &help); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"bench -healers", "bench -fleet", "-for time", "bench -processes", "-peer"} {
		if !strings.Contains(help.String(), want) {
			t.Errorf("no %q in:\n%s", want, help.String())
		}
	}
}

func TestCostTable(t *testing.T) {
	rounds := []round{{targets: 1}, {targets: 50}, {50, 10 * time.Second}}
	one := cost{
		watchdog: usage{20e6, 22.5e6, 100 * time.Millisecond}, guard: usage{10e6, 10e6, 30 * time.Millisecond},
		counts: counts{calls: 7, received: 2, emitted: 180}, period: 30 * time.Second,
		scrapes: []time.Duration{7 * time.Millisecond, 9 * time.Millisecond, 5 * time.Millisecond},
		page: []byte("# HELP x y\n# TYPE x gauge\nx 1\n\ncontainer_memory_working_set_bytes{name=\"a\"} 1\n" +
			"container_memory_working_set_bytes{name=\"b\"} 2\n"),
	}
	var out bytes.Buffer
	costTable(&out, 30*time.Second, rounds, []cost{one, one}) // the third was not reached
	for _, want := range []string{
		"| targets | 1 | 50 |\n|---|---|---|\n",
		"| watchdog: resident memory at the end (peak), MB | 20.0 (22.5) | 20.0 (22.5) |\n",
		"| watchdog: processor time, s/min | 0.20 |", "| guard: processor time, s/min | 0.06 |",
		"| requests to the engine/min | 14 |", "| events of containers/min | 360 |", "| events received/min | 4 |",
		"| /metrics: median (worst), ms | 7.0 (9.0) |", "| /metrics: samples | 3 |", "| targets with container metrics at the end | 2 |",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	if got, want := rounds[2].String(), "50, HEALTHCHECK every 10s"; got != want {
		t.Errorf("the column is called %q, want %q", got, want)
	}
}
