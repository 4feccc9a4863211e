// Package delivery sends a test through a running Alertmanager, and tells from Alertmanager's own metrics which receivers
// took it.
package delivery

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// AlertName is the name of the alert of a test. Alertmanager's configuration has a route of its own for it.
const AlertName = "TestNotification"

const (
	pollInterval = 500 * time.Millisecond
	maxAnswer    = 16 << 20 // bytes of /metrics
)

// Result is what became of a test at one receiver.
type Result struct {
	Receiver string
	After    time.Duration
	Fault    string // empty when it was delivered
}

// Alertmanager is a running one.
type Alertmanager struct {
	Address string // http://alertmanager:9093
	Client  *http.Client
}

// Test sends an alert that is none, and reports each receiver as soon as its fate is known: delivered, given up, or neither
// when the context ends. As soon as all are known the alert is ended, which each receiver is told as well. heartbeat names the receiver that is
// called all the time anyway, and does not get the test; none when empty.
func (am Alertmanager) Test(ctx context.Context, run string, receivers []string, heartbeat string, report func(Result)) error {
	before, err := am.accounts(ctx)
	if err != nil {
		return err
	}
	waiting := slices.Clone(receivers)
	if heartbeat != "" {
		waiting = append(waiting, heartbeat)
	}
	for _, name := range waiting {
		if _, known := before[name]; !known {
			return fmt.Errorf("alertmanager does not know the receiver %s yet: run docker compose up -d (its metrics must carry receiver_name: --enable-feature=receiver-name-in-metrics)", name)
		}
	}
	begin := time.Now()
	ends := begin.Add(5 * time.Minute) // by itself, should this program be killed
	begun := len(receivers) > 0
	if begun {
		if err := am.post(ctx, alert(run, begin, ends)); err != nil {
			return err
		}
	}
	end := func() error {
		begun = false
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		return am.post(ctx, alert(run, begin, time.Now()))
	}
	ticker := time.NewTicker(pollInterval)
	defer ticker.Stop()
	now := before
	for len(waiting) > 0 && ctx.Err() == nil {
		select {
		case <-ctx.Done():
			continue
		case <-ticker.C:
		}
		fresh, err := am.accounts(ctx)
		if err != nil {
			continue // it may be reading new files; the context ends this
		}
		now = fresh
		waiting = slices.DeleteFunc(waiting, func(name string) bool {
			fault, known := fate(before[name], now[name])
			if known {
				report(Result{name, time.Since(begin), fault})
			}
			return known
		})
		if begun && (len(waiting) == 0 || waiting[0] == heartbeat) {
			if err := end(); err != nil {
				return err
			}
		}
	}
	for _, name := range waiting {
		report(Result{name, time.Since(begin), lateFault(before[name], now[name], name == heartbeat)})
	}
	if begun {
		return end()
	}
	return nil
}

// fate tells what became of a notification since an earlier account.
func fate(before, now account) (fault string, known bool) {
	if now.delivered() > before.delivered() {
		return "", true
	}
	for reason, n := range now.given {
		if n > before.given[reason] {
			return words(reason), true
		}
	}
	return "", false
}

func lateFault(before, now account, heartbeat bool) string {
	switch failed := now.failedRequests - before.failedRequests; {
	case failed > 0:
		return fmt.Sprintf("%.0f attempts failed, and Alertmanager still tries", failed)
	case heartbeat:
		return "it was not called: does Prometheus run, and fire the alert Watchdog?"
	}
	return "Alertmanager did not send it: is it silenced?"
}

// alert is the test as Alertmanager's API takes it.
func alert(run string, from, to time.Time) map[string]any {
	return map[string]any{
		"labels": map[string]string{"alertname": AlertName, "severity": "critical", "run": run},
		"annotations": map[string]string{
			"summary":     "This is a test, nothing is wrong",
			"description": "Somebody ran `setup test-notification` to see whether notifications arrive. This one did. The next one says that the test is over.",
		},
		"startsAt": from.UTC().Format(time.RFC3339Nano),
		"endsAt":   to.UTC().Format(time.RFC3339Nano),
	}
}

func (am Alertmanager) post(ctx context.Context, alerts ...map[string]any) error {
	body, err := json.Marshal(alerts)
	if err != nil {
		return err
	}
	_, err = am.do(ctx, http.MethodPost, "/api/v2/alerts", bytes.NewReader(body))
	return err
}

func (am Alertmanager) accounts(ctx context.Context) (map[string]account, error) {
	page, err := am.do(ctx, http.MethodGet, "/metrics", nil)
	if err != nil {
		return nil, err
	}
	return read(bytes.NewReader(page))
}

func (am Alertmanager) do(ctx context.Context, method, path string, body io.Reader) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(am.Address, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("ask Alertmanager: %w", err)
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := am.Client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("alertmanager is not reached (does it run? docker compose up -d): %w", err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read Alertmanager's answer to %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("alertmanager answers %s with %s: %.500s", path, resp.Status, answer)
	}
	return answer, nil
}
