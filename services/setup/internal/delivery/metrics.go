package delivery

import (
	"fmt"
	"io"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// account is what Alertmanager has counted for one of its receivers.
type account struct {
	requests, failedRequests float64
	given                    map[string]float64 // notifications that were given up, by reason
}

func (a account) delivered() float64 { return a.requests - a.failedRequests }

// read finds the accounts, by the receiver's name, in what Alertmanager shows under /metrics.
func read(page io.Reader) (map[string]account, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(page)
	if err != nil {
		return nil, fmt.Errorf("read Alertmanager's metrics: %w", err)
	}
	accounts := map[string]account{}
	each := func(family string, add func(a *account, reason string, n float64)) {
		for _, m := range families[family].GetMetric() {
			if name := label(m, "receiver_name"); name != "" {
				a := accounts[name]
				add(&a, label(m, "reason"), m.GetCounter().GetValue())
				accounts[name] = a
			}
		}
	}
	each("alertmanager_notification_requests_total", func(a *account, _ string, n float64) { a.requests += n })
	each("alertmanager_notification_requests_failed_total", func(a *account, _ string, n float64) { a.failedRequests += n })
	each("alertmanager_notifications_failed_total", func(a *account, reason string, n float64) {
		if a.given == nil {
			a.given = map[string]float64{}
		}
		a.given[reason] += n
	})
	return accounts, nil
}

func label(m *dto.Metric, name string) string {
	for _, l := range m.GetLabel() {
		if l.GetName() == name {
			return l.GetValue()
		}
	}
	return ""
}

// words are Alertmanager's reasons for a failure, for people.
func words(reason string) string {
	switch reason {
	case "authError":
		return "it refuses the key, the token or the address (401 or 403)"
	case "clientError":
		return "it refuses the message, or the address is wrong (4xx)"
	case "serverError":
		return "it has a fault of its own (5xx)"
	case "rateLimited":
		return "it takes no more messages for now (429)"
	case "contextDeadlineExceeded":
		return "it did not answer in time"
	}
	return "it was not reached, or did not take the message"
}
