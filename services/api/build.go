package main

import (
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

const service = "api"

// Set by the linker: -ldflags "-X main.version=1.4.0 -X main.revision=abc".
var version, revision string

// build says which program this is.
type build struct{ Version, Revision, Go string }

// buildOf fills in what the linker was not told from what Go recorded.
func buildOf(version, revision string) build {
	b := build{Version: version, Revision: revision, Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok && b.Revision == "" {
		for _, setting := range info.Settings {
			if setting.Key == "vcs.revision" {
				b.Revision = setting.Value
			}
		}
	}
	if b.Version == "" {
		b.Version = "dev"
	}
	if b.Revision == "" {
		b.Revision = "unknown"
	}
	return b
}

// String is what --version prints.
func (b build) String() string {
	return fmt.Sprintf("%s %s (revision %s, %s)", service, b.Version, b.Revision, b.Go)
}

// metric is build_info, whose value says nothing and whose labels say all.
func (b build) metric() prometheus.Collector {
	gauge := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{
			"service": service, "version": b.Version, "revision": b.Revision, "goversion": b.Go,
		},
	})
	gauge.Set(1)
	return gauge
}
