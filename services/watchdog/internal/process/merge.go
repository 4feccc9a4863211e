package process

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// Merged gathers the watchdog's own metrics and, at a path, those of the workers, which get a label worker.
type Merged struct {
	d    *Driver
	own  prometheus.Gatherer
	path string

	mu        sync.Mutex
	conflicts map[string]bool // families of which a log line has told
}

// Merge makes a Gatherer of all metrics. Workers are asked at the same time and within a second, so that one that hangs
// takes only its own metrics off the page. Among families of one name the first one's HELP stands, and those of another
// TYPE are left out.
func (d *Driver) Merge(own prometheus.Gatherer, path string) *Merged {
	return &Merged{d: d, own: own, path: path, conflicts: map[string]bool{}}
}

// page is what one worker shows.
type page struct {
	worker   string
	families []*dto.MetricFamily
	err      error
}

// Gather implements prometheus.Gatherer.
func (m *Merged) Gather() ([]*dto.MetricFamily, error) {
	pages := make([]page, len(m.d.workers))
	var wg sync.WaitGroup
	for i, w := range m.d.workers {
		wg.Go(func() {
			pages[i].worker = w.name
			r := w.now()
			if r == nil {
				return
			}
			pages[i].families, pages[i].err = r.scrape(context.Background(), m.path)
		})
	}
	own, err := m.own.Gather()
	wg.Wait()
	own = append(own, answered(pages))
	all, conflicts := merge(own, pages)
	m.told(conflicts)
	return all, err
}

// told logs, once for each family, what had to be left out.
func (m *Merged) told(conflicts []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, name := range conflicts {
		if !m.conflicts[name] {
			m.conflicts[name] = true
			m.d.log.Warn("workers show a metric with different types; all but the first type are left out", "metric", name)
		}
	}
}

// answered is a family that tells whose metrics are on the page.
func answered(pages []page) *dto.MetricFamily {
	f := &dto.MetricFamily{
		Name: ptr("watchdog_worker_scrape_success"), Type: dto.MetricType_GAUGE.Enum(),
		Help: ptr("Whether the worker's metrics could be read for this page: 1, or 0."),
	}
	for _, p := range pages {
		value := 0.0
		if p.err == nil && p.families != nil {
			value = 1
		}
		f.Metric = append(f.Metric, &dto.Metric{Label: []*dto.LabelPair{label("target", p.worker)}, Gauge: &dto.Gauge{Value: &value}})
	}
	return f
}

// merge adds the workers' families to our own. It changes them in place, as nobody else has them.
func merge(own []*dto.MetricFamily, pages []page) (all []*dto.MetricFamily, conflicts []string) {
	byName := map[string]*dto.MetricFamily{}
	for _, f := range own {
		byName[f.GetName()] = f
	}
	for _, p := range pages {
		for _, f := range p.families {
			for _, metric := range f.Metric {
				metric.Label = withWorker(metric.Label, p.worker)
			}
			first := byName[f.GetName()]
			switch {
			case first == nil:
				byName[f.GetName()] = f
			case first.GetType() != f.GetType():
				conflicts = append(conflicts, f.GetName())
			default:
				// Not in place: our own families belong to the registry's collectors.
				byName[f.GetName()] = &dto.MetricFamily{
					Name: first.Name, Help: first.Help, Type: first.Type, Unit: first.Unit,
					Metric: append(first.Metric[:len(first.Metric):len(first.Metric)], f.Metric...),
				}
			}
		}
	}
	all = slices.SortedFunc(maps.Values(byName), func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all, conflicts
}

// withWorker adds the label worker. One that the program has set itself is kept as exported_worker, as Prometheus does it.
func withWorker(labels []*dto.LabelPair, worker string) []*dto.LabelPair {
	for _, l := range labels {
		if l.GetName() == "worker" {
			l.Name = ptr("exported_worker")
		}
	}
	labels = append(labels, label("worker", worker))
	slices.SortFunc(labels, func(a, b *dto.LabelPair) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return labels
}

func label(name, value string) *dto.LabelPair { return &dto.LabelPair{Name: &name, Value: &value} }

func ptr(s string) *string { return &s }
