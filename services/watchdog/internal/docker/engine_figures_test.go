package docker

import (
	"fmt"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestEngineEvidenceOfACrash(t *testing.T) {
	for _, tty := range []bool{false, true} {
		t.Run(fmt.Sprintf("tty=%v", tty), func(t *testing.T) {
			l := newLab(t)
			id := l.make(box{tty: tty, cmd: "i=0; while [ $i -lt 150 ]; do i=$((i+1)); echo line $i; done; echo last words >&2; exit 3"})
			w := watch(t, Options{})
			o := w.exited(l.name("")).Event.Seen
			began := time.Now()
			until := began
			if out := w.Restart(t.Context(), l.name(""), o.Instance, supervise.Restart{StartOnly: true}); out.Err != "" {
				t.Fatal(out.Err)
			}
			w.seen(l.name(""), "ended again", func(n *supervise.Observation) bool {
				return n.Status == supervise.StatusExited && !n.Instance.Same(o.Instance)
			})
			began = time.Now()
			ev := w.Evidence(t.Context(), id, until)
			t.Logf("evidence took %v", time.Since(began).Round(time.Millisecond))
			if ev.ExitCode != 0 || !ev.StartedAt.IsZero() || len(ev.Errors) > 0 || ev.Usage != nil {
				t.Errorf("evidence = %+v, want nothing of the later run", ev)
			}
			if now := w.Evidence(t.Context(), id, time.Time{}); now.ExitCode != 3 || now.FinishedAt.Before(until) {
				t.Errorf("evidence of the later run = %+v", now)
			}
			if len(ev.Logs) != logLines {
				t.Fatalf("%d log lines, want %d", len(ev.Logs), logLines)
			}
			stream, found := "", false
			for _, line := range ev.Logs {
				if line.At.After(until) || line.At.IsZero() {
					t.Errorf("a line of another run: %+v", line)
				}
				if line.Text == "last words" { // the engine reads both streams side by side, so not always the last
					stream, found = line.Stream, true
				}
			}
			if want := map[bool]string{false: "stderr", true: ""}[tty]; !found || stream != want {
				t.Errorf("last words found: %v, on stream %q, want %q", found, stream, want)
			}
			if last := ev.Logs[logLines-1].Text; !slices.Contains([]string{"last words", "line 150"}, last) {
				t.Errorf("the log ends with %q", last)
			}
		})
	}
}

func TestEngineEvidenceWithoutContainer(t *testing.T) {
	l := newLab(t)
	w := watch(t, Options{})
	w.connection(true)
	if ev := w.Evidence(t.Context(), l.name("nothing"), time.Time{}); len(ev.Errors) != 1 || !strings.Contains(ev.Errors[0], "o such container") {
		t.Errorf("evidence = %+v", ev)
	}
}

// TestEngineFigures compares the metrics of a container with what docker stats says of it.
func TestEngineFigures(t *testing.T) {
	l := newLab(t)
	net := l.net()
	labels := l.compose("api", "1", "watchdog.probe", "http://:9000")
	// 20 MiB of file pages, of which the kernel keeps many as idle cache, and some traffic.
	id := l.make(box{
		name: "busy", labels: labels, memory: 64 << 20, network: container.NetworkMode(net),
		cmd: `dd if=/dev/zero of=/file bs=1M count=20 conv=fsync 2>/dev/null; cat /file >/dev/null; touch /ready
			exec nc -ll -p 9000 -e sh -c 'while read -r l && [ ${#l} -gt 1 ]; do :; done; printf "HTTP/1.1 200 OK\r\n\r\n"; head -c 60000 /dev/zero'`,
		health: "test -e /ready",
	})
	name, target := l.name("busy"), l.tag+"-api-1"
	w := watch(t, Options{})
	run := w.seen(target, "ready", func(o *supervise.Observation) bool { return o.Health == supervise.HealthHealthy }).Event.Seen.Instance
	w.probeUntil(target, run, func(r supervise.ProbeResult) bool { return r.OK })
	reg := prometheus.NewPedanticRegistry()
	collector := NewCollector(w.Driver)
	reg.MustRegister(collector)
	began := time.Now()
	got := metrics(t, reg, name)
	t.Logf("a scrape took %v", time.Since(began).Round(time.Millisecond))
	for _, want := range []string{
		"container_cpu_usage_seconds_total", "container_memory_working_set_bytes", "container_spec_memory_limit_bytes",
		"container_network_receive_bytes_total", "container_network_transmit_bytes_total", "container_fs_reads_bytes_total",
		"container_fs_writes_bytes_total", "container_start_time_seconds", "container_oom_events_total",
	} {
		if _, ok := got[want]; !ok {
			t.Errorf("%s is missing", want)
		}
	}
	if problems, err := testutil.GatherAndLint(reg); err != nil || len(problems) > 0 {
		t.Errorf("lint: %v %v", problems, err)
	}
	stats := dockerStats(t, id)
	near(t, "memory", got["container_memory_working_set_bytes"], stats["memory"], 0.1)
	near(t, "limit", got["container_spec_memory_limit_bytes"], 64<<20, 0)
	near(t, "received", got["container_network_receive_bytes_total"], stats["received"], 0.25)
	near(t, "sent", got["container_network_transmit_bytes_total"], stats["sent"], 0.25)
	near(t, "read", got["container_fs_reads_bytes_total"], stats["read"], 0.05)
	near(t, "written", got["container_fs_writes_bytes_total"], stats["written"], 0.05)
	if start := l.inspect(id).State.StartedAt; math.Abs(got["container_start_time_seconds"]-float64(parseTime(start).UnixNano())/1e9) > 0.01 {
		t.Errorf("start time %v, want %s", got["container_start_time_seconds"], start)
	}
	if got["container_cpu_usage_seconds_total"] <= 0 {
		t.Error("it used no processor")
	}

	l.signalProcess(id, syscall.SIGKILL)
	w.exited(target)
	if ev := w.Evidence(t.Context(), id, time.Time{}); ev.Usage == nil || float64(ev.Usage.MemoryBytes) != got["container_memory_working_set_bytes"] {
		t.Errorf("usage before the end = %+v, want that of the last scrape", ev.Usage)
	}
	collector.at = time.Time{}
	if got := metrics(t, reg, name); len(got) != 2 {
		t.Errorf("a container that does not run has %v, want its limit and the count of kills alone", got)
	}
	l.remove(id)
	w.kind(supervise.EventGone, target)
	collector.at = time.Time{}
	if got := metrics(t, reg, name); len(got) > 0 {
		t.Errorf("a container that is gone has %v", got)
	}
}

func TestEngineOOMIsCounted(t *testing.T) {
	l := newLab(t)
	l.make(box{memory: 16 << 20, stopped: true, cmd: "exec tail -n 1 /dev/zero"})
	w := watch(t, Options{})
	w.seen(l.name(""), "created", func(o *supervise.Observation) bool { return o.Status == supervise.StatusCreated })
	l.start(l.name(""))
	w.exited(l.name(""))
	reg := prometheus.NewPedanticRegistry()
	reg.MustRegister(NewCollector(w.Driver))
	if got := metrics(t, reg, l.name(""))["container_oom_events_total"]; got < 1 {
		t.Errorf("container_oom_events_total = %v", got)
	}
}

// metrics returns the values of one container.
func metrics(t *testing.T, reg prometheus.Gatherer, name string) map[string]float64 {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, p := range m.GetLabel() {
				if p.GetName() == "name" && p.GetValue() == name {
					values[f.GetName()] = m.GetCounter().GetValue() + m.GetGauge().GetValue()
				}
			}
		}
	}
	return values
}

// dockerStats asks the docker command.
func dockerStats(t *testing.T, id string) map[string]float64 {
	t.Helper()
	out, err := exec.Command("docker", "stats", "--no-stream", "--format", "{{.MemUsage}}|{{.NetIO}}|{{.BlockIO}}", id).Output()
	if err != nil {
		t.Fatalf("docker stats, with which the metrics are compared: %v", err)
	}
	var v []float64
	for _, part := range strings.Split(strings.TrimSpace(string(out)), "|") {
		for _, size := range strings.Split(part, " / ") {
			v = append(v, parseSize(t, size))
		}
	}
	return map[string]float64{"memory": v[0], "received": v[2], "sent": v[3], "read": v[4], "written": v[5]}
}

func parseSize(t *testing.T, s string) float64 {
	t.Helper()
	number := strings.TrimRight(s, "BKMGTikm")
	units := map[string]float64{"B": 1, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
	n, err := strconv.ParseFloat(number, 64)
	unit, ok := units[strings.TrimPrefix(s, number)]
	if err != nil || !ok {
		t.Fatalf("docker stats says %q, which this test does not understand", s)
	}
	return n * unit
}

// near allows for what happened between two looks.
func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	t.Logf("%s: %.0f, docker stats %.0f", what, got, want)
	if math.Abs(got-want) > tolerance*want+1 {
		t.Errorf("%s = %.0f, docker stats says %.0f", what, got, want)
	}
}
