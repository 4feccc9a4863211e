// Package slo renders service level objectives into Prometheus rules: multi-window, multi-burn-rate, under the names that
// Sloth uses, so that dashboards made for Sloth work.
package slo

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is what slo.yml says.
type Config struct {
	Services []Service `yaml:"services"`
}

// Service is one job of Prometheus and its objectives, of which it has at least one.
type Service struct {
	Job           string        `yaml:"job"`
	RoutesLeftOut string        `yaml:"routes_left_out"` // regular expression, anchored at both ends; empty: none
	MinFailures   int           `yaml:"min_failures"`    // in the longer window, before an alert fires
	Availability  *Availability `yaml:"availability"`
	Latency       *Latency      `yaml:"latency"`
}

// Availability is the share of requests that are not answered with a server error, in percent.
type Availability struct {
	Objective float64 `yaml:"objective"`
}

// Latency is the share of the other requests that are answered within the threshold, in percent.
type Latency struct {
	Objective float64       `yaml:"objective"`
	Threshold time.Duration `yaml:"threshold"` // a bucket boundary of http_request_duration_seconds
}

// Parse reads slo.yml. Its error names every fault at once.
func Parse(text []byte) (Config, error) {
	var c Config
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(&c); err != nil {
		return Config{}, err
	}
	return c, c.validate()
}

var jobName = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)

func (c Config) validate() error {
	var faults []error
	fault := func(job, format string, args ...any) {
		faults = append(faults, fmt.Errorf("service %q: "+format, append([]any{job}, args...)...))
	}
	if len(c.Services) == 0 {
		faults = append(faults, errors.New("services: want at least one"))
	}
	seen := map[string]bool{}
	for _, s := range c.Services {
		if !jobName.MatchString(s.Job) {
			fault(s.Job, "job %q: want the name of a job of prometheus.yml, letters, digits, _ . and -", s.Job)
		}
		if seen[s.Job] {
			fault(s.Job, "job %q stands twice", s.Job)
		}
		seen[s.Job] = true
		if _, err := regexp.Compile(s.RoutesLeftOut); err != nil {
			fault(s.Job, "routes_left_out: %v", err)
		}
		if s.MinFailures < 1 {
			fault(s.Job, "min_failures %d: want 1 or more", s.MinFailures)
		}
		if s.Availability == nil && s.Latency == nil {
			fault(s.Job, "want availability, latency, or both")
		}
		if s.Availability != nil {
			if err := objective(s.Availability.Objective); err != nil {
				fault(s.Job, "availability: %v", err)
			}
		}
		if s.Latency != nil {
			if err := objective(s.Latency.Objective); err != nil {
				fault(s.Job, "latency: %v", err)
			}
			if s.Latency.Threshold <= 0 {
				fault(s.Job, "latency: threshold %v: want more than 0, such as 300ms", s.Latency.Threshold)
			}
		}
	}
	return errors.Join(faults...)
}

// objective refuses what no alert could watch: above 100 % of failures nothing happens.
func objective(percent float64) error {
	least := 100 - 100/pairs[0].factor
	if percent > least && percent < 100 {
		return nil
	}
	return fmt.Errorf("objective %v: want more than %.2f, below which the fastest alert could not fire, and less than 100", percent, least)
}

// decimal writes a number as people do: 0.001, not 0.0009999999999999432.
func decimal(x float64) string {
	const digits = 1e12
	return strings.TrimSuffix(strconv.FormatFloat(math.Round(x*digits)/digits, 'f', -1, 64), ".0")
}
