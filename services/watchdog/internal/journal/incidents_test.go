package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

func saved(t testing.TB, j *Journal, target string, at time.Time, logTail ...string) Incident {
	t.Helper()
	in := Incident{ID: NewIncidentID(target, at), Target: target, Cause: "exited", Outcome: OutcomeRecovered, StartedAt: at, LogTail: logTail}
	must(t, j.SaveIncident(in))
	return in
}

func TestIncidentsNewestFirst(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	for i := range 5 {
		saved(t, j, fmt.Sprintf("t%d", i%2), sec(float64(i)))
	}
	for range 2 {
		var got []string
		for _, in := range j.Incidents() {
			got = append(got, in.ID[13:18]+in.Target)
		}
		fromFiles, err := j.Dir().Incidents()
		must(t, err)
		if want := "[04Z-tt0 03Z-tt1 02Z-tt0 01Z-tt1 00Z-tt0]"; fmt.Sprint(got) != want || len(fromFiles) != 5 || fromFiles[0].ID != j.Incidents()[0].ID {
			t.Errorf("got %s, from the files %v", got, fromFiles)
		}
		j = reopen(t, j, h.clock())
	}
}

func TestIncidentByReference(t *testing.T) {
	j := openOn(t, t.TempDir(), newHost().clock())
	a := saved(t, j, "api", sec(0))
	b := saved(t, j, "api", sec(1))
	must(t, os.WriteFile(j.Dir().path("secret.json"), []byte(`{"id":"secret"}`), 0o600))
	for _, c := range []struct {
		ref, want string
		err       error
	}{
		{a.ID, a.ID, nil},
		{b.ID[:16], b.ID, nil},
		{"20261123T22000", "", ErrManyIncidents},
		{"2027", "", ErrNoIncident},
		{"", "", ErrBadIncidentRef},
		{"../secret", "", ErrBadIncidentRef},
		{"..", "", ErrNoIncident},
		{"/etc/passwd", "", ErrBadIncidentRef},
		{a.ID + ".json", "", ErrNoIncident},
		{"a\x00b", "", ErrBadIncidentRef},
		{strings.Repeat("a", 10000), "", ErrBadIncidentRef},
	} {
		in, err := j.Incident(c.ref)
		if in.ID != c.want || !errors.Is(err, c.err) {
			t.Errorf("%.40q: got %q, %v; want %q, %v", c.ref, in.ID, err, c.want, c.err)
		}
	}
}

func TestIncidentIDs(t *testing.T) {
	for _, target := range []string{"upkeep-api-1", "", "../../etc/passwd", "täst/ü", strings.Repeat("long", 100), "a b"} {
		id := NewIncidentID(target, t0)
		if !incidentID.MatchString(id) || filepath.Base(id) != id {
			t.Errorf("%q is no id (of %q)", id, target)
		}
	}
	if NewIncidentID("a", t0) == NewIncidentID("a", t0.Add(time.Millisecond)) {
		t.Error("two outages in one second have the same name")
	}
	j := openOn(t, t.TempDir(), newHost().clock())
	if err := j.SaveIncident(Incident{ID: "../evil"}); !errors.Is(err, ErrBadIncidentRef) {
		t.Errorf("an incident was saved as ../evil: %v", err)
	}
}

func TestIncidentsAreBounded(t *testing.T) {
	dir := t.TempDir()
	j, err := OpenWith(dir, Options{Clock: newHost().clock(), MaxIncidents: 5, IncidentBytes: 8000})
	must(t, err)
	defer j.Close()
	for i := range 20 {
		saved(t, j, "api", sec(float64(i)))
	}
	if got := j.Incidents(); len(got) != 5 || !got[0].StartedAt.Equal(sec(19)) {
		t.Errorf("by count: %d are kept, the newest of %s", len(got), got[0].StartedAt)
	}
	line := strings.Repeat("x", 1000)
	saved(t, j, "api", sec(20), line, line, line)
	saved(t, j, "api", sec(21), line, line, line)
	saved(t, j, "api", sec(22), line, line, line)
	if got := j.Incidents(); len(got) != 2 {
		t.Errorf("by size: %d are kept", len(got))
	}
	big := saved(t, j, "old", sec(-100), line, line, line, line, line, line, line, line, line, line)
	if _, err := j.Incident(big.ID); err != nil {
		t.Errorf("the one that was just written is gone: %v", err)
	}
	files, _ := os.ReadDir(filepath.Join(dir, "incidents"))
	if len(files) != len(j.Incidents()) {
		t.Errorf("%d files for %d incidents", len(files), len(j.Incidents()))
	}
}

func TestDamagedIncidentIsSetAside(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	good, bad, wrong := saved(t, j, "good", sec(0)), saved(t, j, "bad", sec(1)), saved(t, j, "wrong", sec(2))
	must(t, os.Truncate(j.Dir().incidentPath(bad.ID), 50))
	data, err := os.ReadFile(j.Dir().incidentPath(good.ID))
	must(t, err)
	must(t, os.WriteFile(j.Dir().incidentPath(wrong.ID), data, 0o640))
	must(t, os.WriteFile(j.Dir().path("incidents/.x.json123"), []byte("{"), 0o640)) // of a killed watchdog
	must(t, os.WriteFile(j.Dir().path("incidents/note.txt"), nil, 0o640))
	if all, err := j.Dir().Incidents(); err != nil || len(all) != 1 {
		t.Errorf("a reader sees %v, %v", all, err)
	}
	j = reopen(t, j, h.clock())
	if all := j.Incidents(); len(all) != 1 || all[0].ID != good.ID || len(j.Warnings()) != 2 {
		t.Errorf("%v with warnings %q", all, j.Warnings())
	}
	var names []string
	files, _ := os.ReadDir(j.Dir().path("incidents"))
	for _, f := range files {
		names = append(names, regexp.MustCompile(`^\d.*Z-`).ReplaceAllString(f.Name(), ""))
	}
	if len(names) != 4 || !strings.Contains(fmt.Sprint(names), ".json.corrupt") || strings.Contains(fmt.Sprint(names), ".x.json") {
		t.Errorf("left in the directory: %q", names)
	}
}

func TestStory(t *testing.T) {
	code := 3
	for _, c := range []struct {
		in   Incident
		want string
	}{
		{Incident{Target: "a", Cause: "exited", Outcome: OutcomeOpen}, "a is down / the process ended by itself / it was not restarted"},
		{
			Incident{Target: "a", Cause: "exited", ExitCode: &code, Outcome: OutcomeRecovered, DowntimeSeconds: 75,
				DetectedAt: sec(1), RestartedAt: sec(1.5), Restarts: []Attempt{{}}},
			"a was down for 1 min 15 s / the process ended by itself with exit code 3 / it was restarted 500 ms after the outage was noticed",
		},
		{
			Incident{Target: "a", Cause: "oom", MemoryLimit: 64 << 20, Outcome: OutcomeStopped, DowntimeSeconds: 5, Restarts: []Attempt{{Error: "x"}}},
			"a was down for 5.0 s until somebody stopped it / the kernel killed it because its memory limit of 64 MiB was reached / it was restarted once, which failed",
		},
		{
			Incident{Target: "a", Cause: "probe", Probe: &ProbeEvidence{Error: "timeout"}, Outcome: OutcomePaused, Restarts: make([]Attempt, 3)},
			"a was down for 0 ms when somebody asked to leave it alone / the watchdog's probe failed: timeout / it was restarted 3 times",
		},
		{
			Incident{Target: "a", Cause: "unhealthy", HealthLog: []HealthResult{{Output: "ok"}, {Output: "refused\nmore"}}, Outcome: OutcomeRemoved},
			"a was down for 0 ms and is no longer watched / Docker's health check failed: refused / it was not restarted",
		},
		{
			Incident{Target: "a", Cause: "start_error", Error: "no such file", Outcome: OutcomeOpen},
			"a is down / the engine could not start it: no such file / it was not restarted",
		},
	} {
		if got := c.in.Headline() + " / " + c.in.Why() + " / " + c.in.Done(); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
}

func TestHumanFigures(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1: "0 s", 0: "0 ms", 340 * time.Millisecond: "340 ms", 4290 * time.Millisecond: "4.2 s", 59900 * time.Millisecond: "59 s",
		60 * time.Second: "1 min", 65 * time.Second: "1 min 5 s", 2*time.Hour + 10*time.Minute: "2 h 10 min", 76 * time.Hour: "3 d 4 h",
	} {
		if got := HumanDuration(d); got != want {
			t.Errorf("%d ns is %q, want %q", d, got, want)
		}
	}
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1 KiB", 64 << 20: "64 MiB", 3500 << 20: "3.4 GiB"} {
		if got := HumanBytes(n); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
}
