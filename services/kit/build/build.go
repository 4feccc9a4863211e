// Package build says which program this is: for --version, for /health, and as the metric build_info.
package build

import (
	"cmp"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// Info says which build of which service this is.
type Info struct{ Service, Version, Revision, Go string }

// Of makes an Info. Version and revision are what the linker was told (-ldflags "-X main.version=1.4.0"); what it was not
// told is filled in from what Go recorded of the checkout.
func Of(service, version, revision string) Info {
	i := Info{Service: service, Version: version, Revision: revision, Go: runtime.Version()}
	if recorded, ok := debug.ReadBuildInfo(); ok && i.Revision == "" {
		for _, s := range recorded.Settings {
			if s.Key == "vcs.revision" {
				i.Revision = s.Value
			}
		}
	}
	i.Version, i.Revision = cmp.Or(i.Version, "dev"), cmp.Or(i.Revision, "unknown")
	return i
}

// String is what --version prints.
func (i Info) String() string {
	return fmt.Sprintf("%s %s (revision %s, %s)", i.Service, i.Version, i.Revision, i.Go)
}

// Collector is the metric build_info: always 1, and the labels say which build this is.
func (i Info) Collector() prometheus.Collector {
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "build_info", Help: "Always 1; the labels say which build this is.",
		ConstLabels: prometheus.Labels{"service": i.Service, "version": i.Version, "revision": i.Revision, "goversion": i.Go},
	})
	g.Set(1)
	return g
}
