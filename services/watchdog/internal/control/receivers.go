package control

import (
	"encoding/json"
	"fmt"
	"os"

	"github.com/prometheus/client_golang/prometheus"
)

// unconfigured is the receiver that setup writes when nobody will be told of an alert.
const unconfigured = "unconfigured"

// receivers exposes how many receivers the alerts have, read from the file that setup writes.
type receivers struct {
	path string
	desc *prometheus.Desc
}

// Receivers makes a collector of watchdog_alert_receivers for the file at path, which holds {"receivers": ["slack", …]}.
// Where the file cannot be read, nothing is exposed: not knowing is not zero.
func Receivers(path string) prometheus.Collector {
	return receivers{path, prometheus.NewDesc("watchdog_alert_receivers", "Receivers that alerts are sent to; 0 means that nobody is told.", nil, nil)}
}

// Describe implements prometheus.Collector.
func (r receivers) Describe(ch chan<- *prometheus.Desc) { ch <- r.desc }

// Collect implements prometheus.Collector.
func (r receivers) Collect(ch chan<- prometheus.Metric) {
	if n, err := countReceivers(r.path); err == nil {
		ch <- prometheus.MustNewConstMetric(r.desc, prometheus.GaugeValue, float64(n))
	}
}

func countReceivers(path string) (int, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return 0, err
	}
	var file struct {
		Receivers *[]string `json:"receivers"`
	}
	if err := json.Unmarshal(data, &file); err != nil {
		return 0, fmt.Errorf("read %s: %w", path, err)
	}
	if file.Receivers == nil {
		return 0, fmt.Errorf("read %s: it names no receivers", path)
	}
	n := 0
	for _, name := range *file.Receivers {
		if name != unconfigured {
			n++
		}
	}
	return n, nil
}
