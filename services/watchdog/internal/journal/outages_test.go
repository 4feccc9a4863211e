package journal

import (
	"math"
	"os"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// However a target comes and goes, ratios lie in 0..1, a week's downtime is never less than a day's, and both agree with
// adding the outages up.
func TestUptimeProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := &outages{first: map[string]time.Time{"x": t0}, spans: map[string][]span{}, file: nil}
		now := t0
		type second = float64
		var downs []span
		for range rapid.IntRange(0, 30).Draw(t, "outages") {
			from := now.Add(time.Duration(rapid.Int64Range(0, int64(20*time.Hour)).Draw(t, "up")))
			to := from.Add(time.Duration(rapid.Int64Range(1, int64(3*time.Hour)).Draw(t, "down")))
			downs, now = append(downs, span{from, to}), to
		}
		o.spans["x"] = downs
		now = now.Add(time.Duration(rapid.Int64Range(1, int64(30*time.Hour)).Draw(t, "rest")))
		for _, window := range []time.Duration{24 * time.Hour, 7 * 24 * time.Hour} {
			from := now.Add(-window)
			if from.Before(t0) {
				from = t0
			}
			sum := time.Duration(0)
			for _, d := range downs {
				if d.To.After(from) {
					sum += d.To.Sub(slices.MaxFunc([]time.Time{d.From, from}, time.Time.Compare))
				}
			}
			want := 1 - second(sum)/second(now.Sub(from))
			if got := o.ratio("x", now, window, time.Time{}); math.Abs(got-want) > 1e-9 || got < 0 || got > 1 {
				t.Fatalf("over %s: %v, want %v", window, got, want)
			}
		}
	})
}

func TestOutagesOutliveTheWatchdog(t *testing.T) {
	dir := t.TempDir()
	path := Dir(dir).path(outagesName)
	o, err := openOutages(path, t0)
	must(t, err)
	o.watch("x", t0)
	for i := range 100 {
		must(t, o.add("x", sec(float64(100*i)), sec(float64(100*i+10))))
	}
	must(t, o.close())
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	must(t, err)
	_, err = f.WriteString(`{"target":"x","from":"20`) // torn
	must(t, err)
	must(t, f.Close())
	for range 2 {
		o, err = openOutages(path, sec(10000))
		must(t, err)
		if got := o.ratio("x", sec(10000), 24*time.Hour, time.Time{}); math.Abs(got-0.9) > 1e-9 {
			t.Errorf("down 10 of every 100 s: %v", got)
		}
		o.rewrite(sec(10000))
		must(t, o.close())
	}
	o, err = openOutages(path, sec(30*24*3600))
	must(t, err)
	if len(o.spans["x"]) != 0 {
		t.Error("outages of last month are still counted")
	}
	must(t, o.close())
}
