package control

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/expfmt"
	"pgregory.net/rapid"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func counted() (*prometheus.Registry, *Metrics, *time.Time) {
	reg, now := prometheus.NewPedanticRegistry(), t0
	return reg, NewMetrics(reg, "1.2.3", "abc123", func() time.Time { return now }), &now
}

// play is an outage from beginning to end.
func play(m *Metrics, target string) {
	m.Add(target)
	m.Apply(target, supervise.Change{To: "starting", Reason: "started", At: sec(-100)})
	m.Probe(target, 2*time.Millisecond, true)
	m.Apply(target, supervise.Change{From: "starting", To: "up", Reason: "healthy", At: sec(-99)})
	m.Apply(target, supervise.Change{From: "up", To: "down", Reason: "exited", Cause: "exited", At: sec(-10)})
	m.Restarted(target, supervise.ReasonExited)
	m.Apply(target, supervise.Change{From: "down", To: "restarting", Reason: "exited", Cause: "exited", At: sec(-10)})
	m.RestartFailed(target)
	m.Probe(target, 5*time.Second, false)
	m.Apply(target, supervise.Change{From: "restarting", To: "up", Reason: "healthy", Cause: "exited", At: sec(-8), DownFor: 2500 * time.Millisecond})
	m.Budget(target, 9, 10)
}

func brief(code int) journal.Brief {
	return journal.Brief{ID: "20261123T215950Z-upkeep-api-1-9c1f", Cause: supervise.ReasonExited, StartedAt: sec(-10.5), ExitCode: &code, LastLog: `fatal: "out of ideas"`}
}

func exposition(t *testing.T, g prometheus.Gatherer) []byte {
	t.Helper()
	families, err := g.Gather()
	must(t, err)
	var b bytes.Buffer
	for _, f := range families {
		_, err := expfmt.MetricFamilyToText(&b, f)
		must(t, err)
	}
	return b.Bytes()
}

// The golden file is what rules and dashboards are checked against: every name, every label, every fixed value of a label.
func TestExposition(t *testing.T) {
	reg, m, _ := counted()
	receivers := filepath.Join(t.TempDir(), "receivers.json")
	must(t, os.WriteFile(receivers, []byte(`{"receivers":["slack","unconfigured"]}`), 0o600))
	reg.MustRegister(Receivers(receivers), m.Incidents(func(string) (journal.Brief, bool) { return brief(137), true }))
	play(m, "upkeep-api-1")
	m.Event(journal.TypeState)
	m.Docker(true)
	m.Heartbeat(t0)
	problems, err := testutil.GatherAndLint(reg)
	must(t, err)
	for _, p := range problems {
		t.Errorf("lint: %s: %s", p.Metric, p.Text)
	}
	text := regexp.MustCompile(`goversion="[^"]*"`).ReplaceAll(exposition(t, reg), []byte(`goversion="go"`))
	golden(t, "../../testdata/metrics.golden", text)
}

func value(t testing.TB, reg *prometheus.Registry, name, target string) (float64, bool) {
	families, err := reg.Gather()
	must(t, err)
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, s := range f.GetMetric() {
			for _, l := range s.GetLabel() {
				if l.GetName() == "target" && l.GetValue() == target {
					return s.GetCounter().GetValue() + s.GetGauge().GetValue(), true
				}
			}
		}
	}
	return 0, false
}

func TestRunningOutageCounts(t *testing.T) {
	reg, m, now := counted()
	down := func() float64 { v, _ := value(t, reg, "watchdog_downtime_seconds_total", "x"); return v }
	m.Apply("x", supervise.Change{To: "up", At: t0})
	m.Apply("x", supervise.Change{From: "up", To: "down", Cause: "exited", Reason: "exited", At: t0})
	*now = sec(7)
	if down() != 7 {
		t.Errorf("7 s into an outage: %v", down())
	}
	*now = sec(3) // the clock was set back
	if down() != 7 {
		t.Errorf("a counter went back to %v", down())
	}
	m.Apply("x", supervise.Change{From: "down", To: "up", Reason: "healthy", Cause: "exited", At: sec(10), DownFor: 12 * time.Second})
	*now = sec(1000)
	if down() != 12 {
		t.Errorf("after an outage of 12 s: %v", down())
	}
	m.Apply("x", supervise.Change{From: "up", To: "needs_recreate", Reason: "no_donor", At: sec(1000)})
	*now = sec(1005)
	if down() != 17 {
		t.Errorf("a target that waits to be recreated is down: %v", down())
	}
	m.Apply("x", supervise.Change{From: "needs_recreate", To: "stopped", Reason: "stopped", At: sec(1006)})
	*now = sec(2000)
	if down() != 18 {
		t.Errorf("a target that somebody stopped is not down: %v", down())
	}
}

func TestForgottenTargetLeavesNothing(t *testing.T) {
	for name, forget := range map[string]func(*Metrics){
		"forget": func(m *Metrics) { m.Forget("b") },
		"gone":   func(m *Metrics) { m.Apply("b", supervise.Change{From: "up", To: "gone", At: t0}) },
	} {
		reg, m, _ := counted()
		play(m, "a")
		before := exposition(t, reg)
		play(m, "b")
		forget(m)
		m.Probe("b", time.Second, true) // late words
		m.RestartFailed("b")
		m.Budget("b", 1, 10)
		if after := exposition(t, reg); !bytes.Equal(before, after) {
			t.Errorf("%s leaves series:\n%s", name, after)
		}
	}
}

// Whatever incidents are on record: at most one series for each target that there is.
func TestIncidentsOfKnownTargets(t *testing.T) {
	reg, m, _ := counted()
	known := map[string]journal.Brief{"a": brief(1), "gone": brief(2), "c": {ID: "x", Cause: supervise.ReasonProbe, StartedAt: t0}}
	reg.MustRegister(m.Incidents(func(target string) (journal.Brief, bool) { b, ok := known[target]; return b, ok }))
	for _, target := range []string{"a", "b", "c", "gone"} {
		m.Add(target)
	}
	m.Forget("gone")
	const want = `# HELP watchdog_incident_info The target's latest incident, until an hour after its end; the value is when it began, in Unix time.
# TYPE watchdog_incident_info gauge
watchdog_incident_info{cause="exited",exit_code="1",incident="20261123T215950Z-upkeep-api-1-9c1f",last_log="fatal: \"out of ideas\"",target="a"} 1.7954711895e+09
watchdog_incident_info{cause="probe",exit_code="",incident="x",last_log="",target="c"} 1.7954712e+09
`
	must(t, testutil.GatherAndCompare(reg, strings.NewReader(want), "watchdog_incident_info"))
}

// However a target changes, it is in exactly one state, and its downtime never goes back.
func TestStateSetProperty(t *testing.T) {
	states := slices.DeleteFunc(slices.Clone(supervise.States), func(s supervise.State) bool { return s == supervise.StateGone })
	rapid.Check(t, func(rt *rapid.T) {
		reg, m, now := counted()
		shown := 0.0
		for range rapid.IntRange(1, 30).Draw(rt, "changes") {
			*now = now.Add(time.Duration(rapid.Int64Range(-int64(time.Hour), int64(time.Hour)).Draw(rt, "later")))
			ch := supervise.Change{
				To: rapid.SampledFrom(states).Draw(rt, "to"), At: *now,
				Cause:   rapid.SampledFrom([]supervise.Reason{"", "exited"}).Draw(rt, "cause"),
				DownFor: time.Duration(rapid.Int64Range(0, int64(time.Minute)).Draw(rt, "down for")),
			}
			m.Apply("x", ch)
			families, err := reg.Gather()
			if err != nil {
				rt.Fatal(err)
			}
			for _, f := range families {
				if f.GetName() != "watchdog_target_state" {
					continue
				}
				in := 0.0
				for _, s := range f.GetMetric() {
					in += s.GetGauge().GetValue()
				}
				if in != 1 || len(f.GetMetric()) != len(supervise.States) {
					rt.Fatalf("in %v of %d states", in, len(f.GetMetric()))
				}
			}
			down, _ := value(t, reg, "watchdog_downtime_seconds_total", "x")
			if down < shown {
				rt.Fatalf("downtime went from %v to %v", shown, down)
			}
			shown = down
		}
	})
}

func TestReceivers(t *testing.T) {
	path := filepath.Join(t.TempDir(), "receivers.json")
	for content, want := range map[string]float64{
		`{"receivers":[]}`: 0, `{"receivers":["unconfigured"]}`: 0, `{"receivers":["slack","webhook"],"more":1}`: 2,
		"": -1, "{}": -1, `{"receivers":3}`: -1,
	} {
		must(t, os.WriteFile(path, []byte(content), 0o600))
		reg := prometheus.NewPedanticRegistry()
		reg.MustRegister(Receivers(path))
		families, err := reg.Gather()
		must(t, err)
		got := -1.0
		for _, f := range families {
			got = f.GetMetric()[0].GetGauge().GetValue()
		}
		if got != want {
			t.Errorf("%s: %v, want %v", content, got, want)
		}
	}
}
