package docker

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

var update = flag.Bool("update", false, "rewrite the golden file")

// The golden file is what dashboards are checked against: the names and labels of the containers' figures.
func TestCollectorExposition(t *testing.T) {
	d := &Driver{reg: newRegistry(supervise.DefaultPolicy(), "", nil)}
	d.reg.owners["upkeep-api-1"] = &entry{
		look: &look{status: supervise.StatusRunning}, ooms: 1,
		info: &observe.Info{
			Target: "upkeep-api-1", ContainerID: "id", Name: "upkeep-api-1", Image: "ghcr.io/upkeephq/upkeep-api:0.1.0",
			Project: "upkeep", Service: "api", StartedAt: time.Unix(1, 0), MemoryLimit: 1,
		},
	}
	d.samples.keep("id", &sample{usage: observe.Usage{At: time.Now(), CPUSeconds: 1, MemoryBytes: 1}, received: 1, sent: 1, read: 1, written: 1, periods: 1, throttled: 1})
	collector := NewCollector(d)
	collector.at = time.Now()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector)
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&got, family); err != nil {
			t.Fatal(err)
		}
	}
	const path = "../../testdata/containers.golden"
	if *update {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%s differs (go test -update rewrites it); got:\n%s", path, got.Bytes())
	}
}
