package supervise

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write what the scenarios print into their files")

// TestScenarios plays testdata/*.txt. A line is a comment (#), a command, or, indented, what the core did. Commands:
//
//	target NAME [key=value…]   declares a container, policy and world
//	at TIME COMMAND…           first lets the time pass until then
//	set NAME key=value…        changes policy or world of a container
//	start|look|stop|unhealthy|healthy|freeze|unfreeze|remove NAME
//	exit NAME [code=N] [oom=true]
//	pause NAME [for=DURATION] · resume|restart|reset NAME
//	crash-watchdog · engine-lost
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scenarios found", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := play(t, string(want))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != string(want) {
				t.Errorf("%s differs; run with -update and read the diff. It now prints:\n%s", file, got)
			}
		})
	}
}

func play(t *testing.T, script string) string {
	t.Helper()
	var out strings.Builder
	opts := DefaultOptions()
	w := newWorld(opts)
	w.say = func(s string) { fmt.Fprintln(&out, s) }
	for _, line := range strings.Split(strings.TrimSuffix(script, "\n"), "\n") {
		if strings.HasPrefix(line, "  ") {
			continue
		}
		// What happens until a command stands above it.
		f := strings.Fields(line)
		if len(f) > 1 && f[0] == "at" {
			d, err := time.ParseDuration(f[1])
			if err != nil {
				t.Fatalf("%q: %v", line, err)
			}
			w.advance(epoch.Add(d))
			f = f[2:]
		}
		fmt.Fprintln(&out, line)
		if len(f) > 0 && !strings.HasPrefix(f[0], "#") {
			command(t, w, line, f)
		}
	}
	return out.String()
}

func command(t *testing.T, w *world, line string, f []string) {
	t.Helper()
	args := map[string]string{}
	for _, a := range f[1:] {
		if k, v, ok := strings.Cut(a, "="); ok {
			args[k] = v
		}
	}
	if f[0] == "crash-watchdog" {
		w.crash()
		return
	}
	if f[0] == "engine-lost" {
		w.step(Event{Kind: EventEngineLost, Duration: 20 * time.Second})
		return
	}
	if len(f) < 2 {
		t.Fatalf("%q: name a target", line)
	}
	b := w.boxes[f[1]]
	if f[0] == "target" {
		b = w.add(f[1], DefaultPolicy())
	}
	if b == nil {
		t.Fatalf("%q: no such target", line)
	}
	kinds := map[string]EventKind{"pause": EventPause, "resume": EventResume, "restart": EventRestart, "reset": EventReset}
	switch f[0] {
	case "target", "set":
		for k, v := range args {
			set(t, b, line, k, v)
		}
	case "start":
		b.meant = true
		w.begin(b)
		w.look(b)
	case "look":
		w.look(b)
	case "stop":
		w.stop(b)
	case "signal":
		w.tell(b, Event{Kind: EventSignal, Signal: Signal{InstanceID: b.obs.Instance.ID, SentAt: w.now}})
	case "exit":
		code, _ := strconv.Atoi(args["code"])
		w.exit(b, code, args["oom"] == "true")
		w.look(b)
	case "unhealthy", "healthy":
		b.obs.Health = Health(f[0])
		w.look(b)
	case "freeze":
		b.obs.Status = StatusPaused
		w.look(b)
	case "unfreeze":
		b.obs.Status = StatusRunning
		w.look(b)
	case "remove":
		w.tell(b, Event{Kind: EventGone})
		b.obs.Instance.ID = ""
	case "pause", "resume", "restart", "reset":
		d, _ := time.ParseDuration(args["for"])
		w.tell(b, Event{Kind: kinds[f[0]], Duration: d})
	default:
		t.Fatalf("%q: unknown command", line)
	}
}

func set(t *testing.T, b *box, line, k, v string) {
	t.Helper()
	n, err := strconv.Atoi(v)
	d, derr := time.ParseDuration(v)
	p := &b.obs.Policy
	switch k {
	case "probes":
		b.probes, err = v, nil
		p.Probe = "http://:8000/"
	case "engine":
		b.engine, err = v, nil
	case "takes":
		b.takes, err = d, derr
	case "health":
		b.obs.Health, err = Health(v), nil
	case "policy":
		b.obs.RestartPolicy, err = RestartPolicy(v), nil
	case "error":
		b.obs.Error, err = strings.ReplaceAll(v, "_", " "), nil
	case "fault":
		b.obs.Fault, err = strings.ReplaceAll(v, "_", " "), nil
	case "donor":
		b.obs.DonorMissing, err = v == "missing", nil
	case "hash":
		b.obs.ConfigHash, err = v, nil
	case "after":
		b.obs.DependsOn, err = strings.Split(v, ","), nil
	case "count":
		b.obs.RestartCount = n
	case "interval":
		p.ProbeInterval, err = d, derr
	case "failures":
		p.FailureThreshold = n
	case "successes":
		p.SuccessThreshold = n
	case "grace":
		p.StartPeriod, err = d, derr
	case "delay":
		p.RestartDelay, err = d, derr
	case "max":
		p.MaxRestarts = n
	case "window":
		p.RestartWindow, err = d, derr
	default:
		t.Fatalf("%q: unknown key %s", line, k)
	}
	if err != nil {
		t.Fatalf("%q: %s: %v", line, k, err)
	}
}
