package health

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestStatusFollowsRunsInARow checks for any sequence of results: the status
// changes only to what was just seen, and only after enough results in a row
// that were worse, or better, than it.
func TestStatusFollowsRunsInARow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		check := Check{
			Name:      "any",
			Failures:  rapid.IntRange(1, 5).Draw(t, "failures"),
			Successes: rapid.IntRange(1, 5).Draw(t, "successes"),
			Groups:    Readiness,
		}
		results := rapid.SliceOfN(rapid.SampledFrom([]Status{Healthy, Degraded, Unhealthy}), 1, 60).Draw(t, "results")
		state := &state{}
		worse, better := 0, 0
		at := time.Unix(0, 0)
		for i, result := range results {
			at = at.Add(time.Second)
			before := state.status
			var err error
			if result != Healthy {
				err = errors.New("ill")
			}
			state = state.step(Result{Status: result, Err: err, At: at}, check, false)

			switch {
			case result > before:
				worse, better = worse+1, 0
			case result < before:
				worse, better = 0, better+1
			default:
				worse, better = 0, 0
			}
			due := worse >= check.Failures || better >= check.Successes || (before == Unknown && result == Healthy)
			switch {
			case due && state.status != result:
				t.Fatalf("result %d: status %v after %v, want %v: the threshold was reached", i, state.status, before, result)
			case !due && state.status != before:
				t.Fatalf("result %d: status %v after %v, though the threshold was not reached", i, state.status, before)
			case state.status != before && state.since != at:
				t.Fatalf("result %d: since %v, want %v", i, state.since, at)
			}
			if due {
				worse, better = 0, 0
			}
			if (state.failures == 0) != (result == Healthy) {
				t.Fatalf("result %d: %d failures in a row after %v", i, state.failures, result)
			}
		}
	})
}

func TestStatusWords(t *testing.T) {
	for _, status := range Statuses {
		text, _ := status.MarshalText()
		var back Status
		if err := back.UnmarshalText(text); err != nil || back != status {
			t.Errorf("%v came back as %v, %v", status, back, err)
		}
	}
	var s Status
	if err := s.UnmarshalText([]byte("fine")); err == nil {
		t.Error(`"fine" is taken for a status`)
	}
	if got := Status(9).String(); got != "status(9)" {
		t.Errorf("an unknown status prints as %s", got)
	}
	if got := Status(9).draft(); got != "fail" {
		t.Errorf("an unknown status is %s in the draft, want fail", got)
	}
	if got := (Readiness | Liveness | Startup | StatusOnly).Names(); len(got) != 4 {
		t.Errorf("the groups are called %v", got)
	}
}

func TestFirstFrame(t *testing.T) {
	if got := firstFrame([]byte("no stack at all")); got != "an unknown place" {
		t.Errorf("got %q", got)
	}
}
