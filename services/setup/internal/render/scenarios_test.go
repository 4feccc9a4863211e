package render_test

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/config"
	"github.com/prometheus/alertmanager/dispatch"
	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/inhibit"
	"github.com/prometheus/alertmanager/marker"
	"github.com/prometheus/alertmanager/nflog"
	"github.com/prometheus/alertmanager/notify"
	"github.com/prometheus/alertmanager/provider/mem"
	"github.com/prometheus/alertmanager/silence"
	"github.com/prometheus/alertmanager/template"
	"github.com/prometheus/alertmanager/timeinterval"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
)

// A scenario is a file: the settings, what begins and ends when, and below the line what each receiver is told when, by
// Alertmanager's own dispatcher, inhibitor and notification log with the configuration that setup renders.
//
//	set ALERT_QUIET_HOURS=22:00-07:00
//	at 2026-11-23 21:50
//	0s     begins ApiDown severity=critical job=api
//	10m    ends   ApiDown
//	1h     stop
//	---
//	5s     slack      CRITICAL  ApiDown
//
// An alert is known by its name and its target. Clocks begin at midnight UTC of 1 January 2000, a Saturday, unless "at" says otherwise.
func TestScenarios(t *testing.T) {
	paths, err := filepath.Glob("testdata/scenarios/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, path := range paths {
		name := filepath.Base(path)
		t.Run(strings.TrimSuffix(name, ".txt"), func(t *testing.T) {
			content, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			script, _, _ := strings.Cut(string(content), "---\n")
			environ := []string{"ALERT_SLACK_WEBHOOK_URL=http://x/slack", "ALERT_PAGERDUTY_ROUTING_KEY=0123456789", "ALERT_DEADMANSSWITCH_URL=http://x/ping"}
			for line := range strings.Lines(script) {
				if setting, ok := strings.CutPrefix(strings.TrimSpace(line), "set "); ok {
					environ = append(environ, setting)
				}
			}
			conf, tmpl := placed(t, environ...)
			var told []string
			synctest.Test(t, func(t *testing.T) { told = play(t, conf, tmpl, script) })
			golden(t, "scenarios/"+name, []byte(script+"---\n"+strings.Join(told, "")))
		})
	}
}

// play runs a script and returns what was told.
func play(t *testing.T, conf *config.Config, tmpl *template.Template, script string) []string {
	for line := range strings.Lines(script) {
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "at "); ok {
			then, err := time.ParseInLocation("2006-01-02 15:04", at, time.UTC)
			if err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Until(then))
		}
	}
	a := startAlertmanager(t, conf, tmpl)
	defer a.stop()
	on := map[string]*alert.Alert{}
	for line := range strings.Lines(script) {
		f := strings.Fields(line)
		switch {
		case len(f) == 0 || f[0] == "set" || f[0] == "at" || f[0] == "#":
		default:
			at, err := time.ParseDuration(f[0])
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			a.until(a.begin.Add(at), on)
			a.event(t, f[1:], on)
		}
	}
	return a.told()
}

type alertmanager struct {
	begin  time.Time
	alerts *mem.Alerts
	stop   func()

	mu   sync.Mutex
	said []string
}

func startAlertmanager(t *testing.T, conf *config.Config, tmpl *template.Template) *alertmanager {
	ctx, cancel := context.WithCancel(context.Background())
	log, registry, flags, recorder := promslog.NewNopLogger(), prometheus.NewRegistry(), featurecontrol.NoopFlags{}, eventrecorder.NopRecorder()
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	a := &alertmanager{begin: time.Now()}
	var err error
	a.alerts, err = mem.NewAlerts(ctx, 30*time.Minute, 0, nil, log, recorder, registry, flags)
	must(err)
	notifications, err := nflog.New(nflog.Options{Retention: 120 * time.Hour, Logger: log, Metrics: registry})
	must(err)
	silences, err := silence.New(silence.Options{Retention: 120 * time.Hour, Logger: log, Metrics: registry, EventRecorder: recorder})
	must(err)
	receivers := map[string][]notify.Integration{}
	for _, r := range conf.Receivers {
		receivers[r.Name] = nil
		if r.Name != "nobody" {
			ear := &ear{a, r.Name, sendsResolved(r)}
			receivers[r.Name] = []notify.Integration{notify.NewIntegration(ear, ear, "ear", 0, r.Name)}
		}
	}
	intervals := map[string][]timeinterval.TimeInterval{}
	for _, i := range conf.TimeIntervals {
		intervals[i.Name] = i.TimeIntervals
	}
	inhibitor := inhibit.NewInhibitor(a.alerts, conf.InhibitRules, log, recorder)
	pipeline := notify.NewPipelineBuilder(registry, flags, recorder).New(receivers, func() time.Duration { return 0 }, inhibitor,
		silence.NewSilencer(silences, log, recorder), timeinterval.NewIntervener(intervals), marker.NewGroupMarker(), notifications, nil)
	timeout := func(d time.Duration) time.Duration { return max(d, notify.MinTimeout) }
	dispatcher := dispatch.NewDispatcher(a.alerts, dispatch.NewRoute(conf.Route, nil), pipeline, marker.NewGroupMarker(), timeout, 30*time.Second, nil, log, recorder, nil, tmpl)
	go inhibitor.Run()
	inhibitor.WaitForLoading()
	go dispatcher.Run(time.Now())
	dispatcher.WaitForLoading()
	a.stop = func() {
		dispatcher.Stop()
		inhibitor.Stop()
		a.alerts.Close()
		cancel()
	}
	return a
}

func sendsResolved(r config.Receiver) bool {
	for _, c := range r.SlackConfigs {
		return c.SendResolved()
	}
	for _, c := range r.PagerdutyConfigs {
		return c.SendResolved()
	}
	return false
}

// until lets time pass, while Prometheus repeats what fires, as it does each minute.
func (a *alertmanager) until(then time.Time, on map[string]*alert.Alert) {
	for time.Now().Before(then) {
		next := time.Now().Truncate(time.Minute).Add(time.Minute)
		if next.After(then) {
			next = then
		}
		time.Sleep(time.Until(next))
		for _, name := range slices.Sorted(maps.Keys(on)) {
			a.put(on[name], 4*time.Minute)
		}
		synctest.Wait()
	}
}

func (a *alertmanager) put(of *alert.Alert, left time.Duration) {
	now := *of
	now.UpdatedAt, now.EndsAt, now.Timeout = time.Now(), time.Now().Add(left), left > 0
	if err := a.alerts.Put(context.Background(), &now); err != nil {
		panic(err)
	}
}

// event is "begins NAME label=value ...", "ends NAME [target=...]", or "stop".
func (a *alertmanager) event(t *testing.T, f []string, on map[string]*alert.Alert) {
	if f[0] == "stop" {
		return
	}
	labels := model.LabelSet{"alertname": model.LabelValue(f[1])}
	for _, pair := range f[2:] {
		name, value, _ := strings.Cut(pair, "=")
		labels[model.LabelName(name)] = model.LabelValue(value)
	}
	key := string(labels["alertname"]) + " " + string(labels["target"])
	switch f[0] {
	case "begins":
		on[key] = &alert.Alert{Alert: model.Alert{Labels: labels, StartsAt: time.Now()}}
		a.put(on[key], 4*time.Minute)
	case "ends":
		if on[key] == nil {
			t.Fatalf("%s does not fire", key)
		}
		a.put(on[key], 0)
		delete(on, key)
	default:
		t.Fatalf("%q?", f[0])
	}
	synctest.Wait()
}

// ear is a receiver that writes down what it is told.
type ear struct {
	a        *alertmanager
	name     string
	resolved bool
}

func (e *ear) SendResolved() bool { return e.resolved }

func (e *ear) Notify(_ context.Context, alerts ...*alert.Alert) (bool, error) {
	e.a.mu.Lock()
	defer e.a.mu.Unlock()
	if len(e.a.said) > 400 {
		return false, nil // it is a storm, and has been noticed
	}
	var out bytes.Buffer
	fmt.Fprintf(&out, "%-9s %-14s", time.Since(e.a.begin).Round(time.Second), e.name)
	for _, al := range alerts {
		fmt.Fprintf(&out, " %s", al.Labels["alertname"])
		if target := al.Labels["target"]; target != "" {
			fmt.Fprintf(&out, "(%s)", target)
		}
		if al.Resolved() {
			out.WriteString(" over")
		}
	}
	e.a.said = append(e.a.said, out.String()+"\n")
	return false, nil
}

func (a *alertmanager) told() []string {
	a.mu.Lock()
	defer a.mu.Unlock()
	// receivers of one moment in the order of their names: they are told at the same time
	slices.SortStableFunc(a.said, func(x, y string) int {
		at := func(s string) time.Duration { d, _ := time.ParseDuration(strings.Fields(s)[0]); return d }
		if d := at(x) - at(y); d != 0 {
			return int(d)
		}
		return strings.Compare(x, y)
	})
	return a.said
}
