package health

import (
	"bytes"
	"encoding/json"
	"math"
	"net/http"
	"strings"
	"time"
)

type headJSON struct {
	Status    Status  `json:"status"`
	Service   string  `json:"service,omitempty"`
	Version   string  `json:"version,omitempty"`
	Revision  string  `json:"revision,omitempty"`
	StartedAt string  `json:"started_at"`
	Uptime    float64 `json:"uptime_seconds"`
	Timestamp string  `json:"timestamp"`
}

type detailedJSON struct {
	headJSON
	Live   bool                 `json:"live"`
	Ready  bool                 `json:"ready"`
	Reason Reason               `json:"reason,omitempty"`
	Checks map[string]checkJSON `json:"checks"`
}

type checkJSON struct {
	Status        Status   `json:"status"`
	Critical      bool     `json:"critical"`
	Groups        []string `json:"groups"`
	Since         string   `json:"since"`
	CheckedAt     *string  `json:"checked_at"`
	Age           float64  `json:"age_seconds"`
	Stale         bool     `json:"stale"`
	Latency       float64  `json:"latency_seconds"`
	Failures      int      `json:"consecutive_failures"`
	ObservedValue *float64 `json:"observed_value,omitempty"`
	ObservedUnit  string   `json:"observed_unit,omitempty"`
	Error         string   `json:"error,omitempty"`
	LastError     string   `json:"last_error,omitempty"`
	LastErrorAt   string   `json:"last_error_at,omitempty"`
}

func (p *Pages) head(status Status, now time.Time) headJSON {
	options := p.checker.options
	return headJSON{
		Status: status, Service: options.Service, Version: options.Version, Revision: options.Revision,
		StartedAt: stamp(p.checker.began), Uptime: seconds(now.Sub(p.checker.began)), Timestamp: stamp(now),
	}
}

func (p *Pages) detailed(q question) answer {
	report := p.checker.Report()
	if q.checks != nil {
		report.Checks = report.Checks[:0]
		report.Status = Healthy
		for _, w := range q.checks {
			one := w.report(report.At)
			report.Checks = append(report.Checks, one)
			report.Status = max(report.Status, one.Status.counts(!one.Critical))
		}
	}
	code := codeOf(report.Status)
	if q.draft {
		return answer{code: code, body: p.draftDetailed(report)}
	}
	body := detailedJSON{
		headJSON: p.head(report.Status, report.At), Live: report.Live, Ready: report.Ready, Reason: report.Reason,
		Checks: make(map[string]checkJSON, len(report.Checks)),
	}
	for _, check := range report.Checks {
		body.Checks[check.Name] = check.json(report.At)
	}
	return answer{code: code, body: withSections{body, p.options.Sections}}
}

func (p *Pages) metrics(question) answer {
	now := time.Now()
	status := p.checker.status(now)
	// Figures are figures whatever the status: a scraper wants them most when
	// the service is ill.
	return answer{code: http.StatusOK, body: withSections{p.head(status, now), p.options.Metrics}, plain: true}
}

func (c CheckReport) json(now time.Time) checkJSON {
	out := checkJSON{
		Status: c.Status, Critical: c.Critical, Groups: c.Groups.Names(), Since: stamp(c.Since),
		Age: age(c.CheckedAt, now), Stale: c.Stale, Latency: seconds(c.Latency), Failures: c.Failures,
		Error: errorText(c.Err), LastError: errorText(c.LastErr),
	}
	if !c.CheckedAt.IsZero() {
		at := stamp(c.CheckedAt)
		out.CheckedAt = &at
	}
	if !c.LastErrAt.IsZero() {
		out.LastErrorAt = stamp(c.LastErrAt)
	}
	if c.Observation != nil {
		value := c.Observation.rounded()
		out.ObservedValue, out.ObservedUnit = &value, c.Observation.Unit
	}
	return out
}

// rounded to what a reader can use.
func (o Observation) rounded() float64 { return math.Round(o.Value*1e6) / 1e6 }

// maxErrorText keeps an error that quotes a whole page from filling ours.
const maxErrorText = 500

func errorText(err error) string {
	if err == nil {
		return ""
	}
	text := err.Error()
	if len(text) > maxErrorText {
		text = strings.ToValidUTF8(text[:maxErrorText], "") + "…"
	}
	return text
}

// withSections renders a struct with more members after its own.
type withSections struct {
	head     any
	sections []Section
}

func (s withSections) MarshalJSON() ([]byte, error) {
	head, err := json.Marshal(s.head)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	out.Write(bytes.TrimSuffix(head, []byte("}")))
	for _, section := range s.sections {
		value, err := json.Marshal(section.Value())
		if err != nil {
			// A section that cannot be shown, such as one with a NaN in it,
			// must not take the rest of the page away.
			value = []byte("null")
		}
		name, _ := json.Marshal(section.Name)
		out.WriteByte(',')
		out.Write(name)
		out.WriteByte(':')
		out.Write(value)
	}
	out.WriteByte('}')
	return out.Bytes(), nil
}
