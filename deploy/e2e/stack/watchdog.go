package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Status is what the watchdog says at /status, as far as the tests look.
type Status struct {
	Version     string    `json:"version"`
	StartedAt   time.Time `json:"started_at"`
	HeartbeatAt time.Time `json:"heartbeat_at"`
	Docker      struct {
		Connected  bool   `json:"connected"`
		APIVersion string `json:"api_version"`
	} `json:"docker"`
	Targets []TargetStatus `json:"targets"`
}

// TargetStatus is what /status says of one target.
type TargetStatus struct {
	Target      string `json:"target"`
	ContainerID string `json:"container_id"`
	State       string `json:"state"`
	Reason      string `json:"reason"`
	Detail      string `json:"detail"`
	Restarts    struct {
		Total     int `json:"total"`
		InWindow  int `json:"in_window"`
		Max       int `json:"max"`
		Remaining int `json:"remaining"`
	} `json:"restarts"`
	LastIncident string `json:"last_incident"`
}

// LogLine is one event of the watchdog's log.
type LogLine struct {
	Time     time.Time `json:"ts"`
	Type     string    `json:"type"`
	Target   string    `json:"target"`
	From     string    `json:"from"`
	State    string    `json:"state"`
	Reason   string    `json:"reason"`
	Detail   string    `json:"detail"`
	Incident string    `json:"incident"`
	ExitCode *int      `json:"exit_code"`
}

// Status asks the watchdog over HTTP.
func (s *Stack) Status(ctx context.Context) (Status, error) {
	var st Status
	return st, s.GetJSON(ctx, s.URL("watchdog", "/status"), &st)
}

// TargetStatus picks one target out of the watchdog's status.
func (s *Stack) TargetStatus(ctx context.Context, target string) (TargetStatus, error) {
	st, err := s.Status(ctx)
	if err != nil {
		return TargetStatus{}, err
	}
	for _, t := range st.Targets {
		if t.Target == target {
			return t, nil
		}
	}
	return TargetStatus{}, fmt.Errorf("the watchdog knows no target %s, only %+v", target, st.Targets)
}

// WaitState waits until the watchdog says that a target is in a state.
func (s *Stack) WaitState(ctx context.Context, target, state string, within time.Duration) (TargetStatus, error) {
	var last TargetStatus
	err := Poll(ctx, within, func() (err error) {
		if last, err = s.TargetStatus(ctx, target); err == nil && last.State != state {
			err = fmt.Errorf("%s is %s (%s %s), want %s", target, last.State, last.Reason, last.Detail, state)
		}
		return err
	})
	return last, err
}

// Rounds waits until the watchdog has gone on working for d: its own heartbeat tells, not our clock alone.
func (s *Stack) Rounds(ctx context.Context, d time.Duration) error {
	began, err := s.Status(ctx)
	if err != nil {
		return err
	}
	return Poll(ctx, d+30*time.Second, func() error {
		now, err := s.Status(ctx)
		if err == nil && now.HeartbeatAt.Sub(began.HeartbeatAt) < d {
			err = fmt.Errorf("the watchdog's heartbeat has moved on by %v only", now.HeartbeatAt.Sub(began.HeartbeatAt))
		}
		return err
	})
}

// WatchdogLog reads the events of the watchdog from its own file.
func (s *Stack) WatchdogLog(ctx context.Context) ([]LogLine, error) {
	out, err := s.Compose(ctx, "cp", "watchdog:/logs/watchdog.log", s.envFile+".log")
	if err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return readLog(s.envFile + ".log")
}

// Get fetches a page; any status but 200 is an error that carries the beginning of the body.
func (s *Stack) Get(ctx context.Context, url string) ([]byte, error) {
	code, body, err := Do(ctx, http.MethodGet, url)
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("GET %s: %d %.300s", url, code, body)
	}
	return body, err
}

// GetJSON fetches a page and decodes it.
func (s *Stack) GetJSON(ctx context.Context, url string, into any) error {
	body, err := s.Get(ctx, url)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("GET %s: %w: %.300s", url, err, body)
	}
	return nil
}

var client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// Do sends a request without a body.
func Do(ctx context.Context, method, url string) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return 0, nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return resp.StatusCode, body, err
}

// Metric reads one sample out of a text exposition. The series is written as Prometheus writes it, labels in alphabetical order.
func Metric(exposition []byte, series string) (float64, error) {
	for line := range strings.Lines(string(exposition)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			var v float64
			_, err := fmt.Sscan(rest, &v)
			return v, err
		}
	}
	return 0, fmt.Errorf("no series %s", series)
}
