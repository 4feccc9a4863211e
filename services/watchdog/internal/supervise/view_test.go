package supervise

import "testing"

// A new run of a target that stays in its state is told, but what is wrong with the target stays what its status says.
func TestDetailOutlivesANewRun(t *testing.T) {
	c := New(DefaultOptions())
	o := Observation{Instance: Instance{ID: "a"}, Status: StatusCreated, Fault: "watchdog.probe is faulty", Policy: DefaultPolicy()}
	c.Step(Event{Kind: EventSeen, At: epoch, Target: "api", Seen: &o})
	o.Status, o.Instance.StartedAt = StatusRunning, epoch
	told := false
	for _, a := range c.Step(Event{Kind: EventSeen, At: epoch, Target: "api", Seen: &o}) {
		told = told || a.Kind == ActionReport && a.Change.Reason == ReasonStarted
	}
	if v, _ := c.View("api", epoch); !told || v.State != StateMisconfigured || v.Detail != o.Fault {
		t.Errorf("told: %t, status %s, %q; want the new run told, and the status with %q", told, v.State, v.Detail, o.Fault)
	}
}
