package docker

import (
	"encoding/json"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/moby/moby/api/types/container"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// inspection reads an answer of the engine.
func inspection(t *testing.T, text string) container.InspectResponse {
	t.Helper()
	var r container.InspectResponse
	if err := json.Unmarshal([]byte(text), &r); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestExamine(t *testing.T) {
	l := examine(inspection(t, `{
		"Id": "abc", "Name": "/api", "Image": "sha256:1", "RestartCount": 4,
		"State": {"Status": "exited", "ExitCode": 137, "OOMKilled": true, "Error": "no space",
			"StartedAt": "2026-11-01T10:00:00.123456789Z", "FinishedAt": "2026-11-01T11:00:00Z",
			"Health": {"Status": "unhealthy", "Log": [null, {"End": "2026-11-01T10:59:00Z", "ExitCode": 1, "Output": " refused \n"}]}},
		"Config": {"Image": "api:1", "Tty": true, "StopSignal": "SIGQUIT", "StopTimeout": 7, "Labels": {"a": "b"}, "Env": null},
		"HostConfig": {"Memory": 1024, "NetworkMode": "container:feed", "RestartPolicy": {"Name": "unless-stopped"}},
		"NetworkSettings": {"Networks": {
			"z": {"NetworkID": "n2", "IPAddress": "10.0.0.2", "GlobalIPv6Address": "fd00::2"},
			"a": {"NetworkID": "n1", "IPAddress": ""}, "gone": null}}}`))
	if l.id != "abc" || l.name != "api" || l.image != "api:1" || l.status != supervise.StatusExited || l.health != supervise.HealthUnhealthy ||
		l.exitCode != 137 || !l.oomKilled || l.err != "no space" || l.restarts != 4 || l.policy != supervise.RestartUnlessStopped ||
		!l.tty || l.stopSignal != "SIGQUIT" || l.stopTimeout != 7*time.Second || l.memoryLimit != 1024 || l.donor != "feed" || l.hostNetwork {
		t.Errorf("look = %+v", l)
	}
	if want := time.Date(2026, 11, 1, 10, 0, 0, 123456789, time.UTC); !l.startedAt.Equal(want) {
		t.Errorf("started at %v", l.startedAt)
	}
	if want := []endpoint{{"n2", netip.MustParseAddr("10.0.0.2")}, {"n2", netip.MustParseAddr("fd00::2")}}; !slices.Equal(l.networks, want) {
		t.Errorf("networks = %v", l.networks)
	}
	if len(l.healthLog) != 1 || l.healthLog[0].Output != "refused" {
		t.Errorf("health log = %+v", l.healthLog)
	}
	e := entry{identity: identity{fault: "wrong", policy: supervise.DefaultPolicy()}, depends: []string{"db"}}
	o := e.observation(l, true)
	if !o.DonorMissing || o.Fault != "wrong" || !slices.Equal(o.DependsOn, []string{"db"}) || o.Instance.ID != "abc" || o.Policy != e.policy {
		t.Errorf("observation = %+v", o)
	}
}

// TestExamineLittle reads answers that lack everything; some engines leave out what is empty.
func TestExamineLittle(t *testing.T) {
	for _, text := range []string{`{}`, `{"State":{},"Config":{},"HostConfig":{},"NetworkSettings":{}}`, `{"State":{"StartedAt":"0001-01-01T00:00:00Z","FinishedAt":"nonsense"}}`} {
		l := examine(inspection(t, text))
		if l.health != supervise.HealthNone || l.policy != supervise.RestartNo || l.stopTimeout >= 0 || !l.startedAt.IsZero() || !l.finishedAt.IsZero() {
			t.Errorf("%s: %+v", text, l)
		}
	}
}

// TestUnhealthyWhilePaused: the engine fails the health checks of a paused container, which says nothing of it once it goes on.
func TestUnhealthyWhilePaused(t *testing.T) {
	at := func(status supervise.Status, minute int) look {
		checked := time.Date(2026, 11, 1, 10, minute, 0, 0, time.UTC)
		return look{status: status, health: supervise.HealthUnhealthy, healthLog: []observe.HealthOutput{{At: checked, ExitCode: -1}}}
	}
	var e entry
	for _, s := range []struct {
		what string
		look look
		want supervise.Health
	}{
		{"unhealthy", at(supervise.StatusRunning, 1), supervise.HealthUnhealthy},
		{"paused", at(supervise.StatusPaused, 2), supervise.HealthUnhealthy},
		{"unpaused, not checked again yet", at(supervise.StatusRunning, 3), supervise.HealthStarting},
		{"another look, still not checked", at(supervise.StatusRunning, 3), supervise.HealthStarting},
		{"checked again", at(supervise.StatusRunning, 4), supervise.HealthUnhealthy},
	} {
		e.thaw(s.look)
		e.look = &s.look
		if got := e.observation(s.look, false).Health; got != s.want {
			t.Errorf("%s: health %s, want %s", s.what, got, s.want)
		}
	}
}

func TestConfigHash(t *testing.T) {
	const base = `{"Image":"sha256:1","Path":"sh","Config":{"Image":"a","Env":["A=1"],"Labels":{"x":"1"}},"HostConfig":{"Memory":1}}`
	const compose = `{"Image":"sha256:1","Path":"sh","Config":{"Labels":{"com.docker.compose.config-hash":"h1","x":"1"}}}`
	hash := func(text string) string { return configHash(inspection(t, text)) }
	for _, c := range []struct {
		what, a, b string
		same       bool
	}{
		{"itself", base, base, true},
		{"the environment, which the guard blanks", base, strings.Replace(base, "A=1", "A=", 1), true},
		{"image", base, strings.Replace(base, "sha256:1", "sha256:2", 1), false},
		{"label", base, strings.Replace(base, `"x":"1"`, `"x":"2"`, 1), false},
		{"memory", base, strings.Replace(base, `"Memory":1`, `"Memory":2`, 1), false},
		{"Compose's hash", compose, strings.Replace(compose, "h1", "h2", 1), false},
		{"Compose's image", compose, strings.Replace(compose, "sha256:1", "sha256:2", 1), false},
		{"a label beside Compose's hash", compose, strings.Replace(compose, `"x":"1"`, `"x":"2"`, 1), true},
	} {
		if got := hash(c.a) == hash(c.b); got != c.same {
			t.Errorf("%s: same = %v", c.what, got)
		}
	}
}

func TestReach(t *testing.T) {
	a, b, six := netip.MustParseAddr("10.0.1.5"), netip.MustParseAddr("10.0.2.5"), netip.MustParseAddr("fd00::5")
	two := look{id: "app", networks: []endpoint{{"n1", six}, {"n1", a}, {"n2", b}}}
	inside := self{inside: true, id: "me", networks: map[string]bool{"n2": true}}
	for _, c := range []struct {
		what  string
		self  self
		look  look
		donor *look
		want  []netip.Addr
		why   string
	}{
		{"outside: any, IPv4 first", self{}, two, nil, []netip.Addr{a, b, six}, ""},
		{"inside: the shared network", inside, two, nil, []netip.Addr{b}, ""},
		{"inside without one", self{inside: true, networks: map[string]bool{"n3": true}}, two, nil, nil, "it shares no network with the watchdog"},
		{"inside, with the host's network", self{inside: true, host: true}, two, nil, []netip.Addr{a, b, six}, ""},
		{"no network", self{}, look{}, nil, nil, "it has no address"},
		{"the host's network, from outside", self{}, look{hostNetwork: true}, nil, loopback, ""},
		{"the host's network, from inside", inside, look{hostNetwork: true}, nil, nil, "it uses the host's network: name a host in the probe"},
		{"the host's network for both", self{inside: true, host: true}, look{hostNetwork: true}, nil, loopback, ""},
		{"another's network", inside, look{id: "x", donor: "app"}, &two, []netip.Addr{b}, ""},
		{"another's network, which is gone", inside, look{id: "x", donor: "app"}, nil, nil, "the container whose network it shares is gone"},
		{"the watchdog's network", inside, look{id: "x", donor: "me"}, &look{id: "me"}, loopback, ""},
		{"the watchdog shares its network", self{inside: true, id: "me", donor: "app"}, two, nil, loopback, ""},
		{"both share another's network", self{inside: true, id: "me", donor: "app"}, look{id: "x", donor: "app"}, &two, loopback, ""},
	} {
		got := c.self.reach(c.look, c.donor)
		if !slices.Equal(got.addrs, c.want) || got.why != c.why {
			t.Errorf("%s: %v %q, want %v %q", c.what, got.addrs, got.why, c.want, c.why)
		}
	}
}

func TestSelfFrom(t *testing.T) {
	id := strings.Repeat("0123456789abcdef", 4)
	for in, want := range map[string]string{
		"":                                  "",
		"36 35 0:5 / / rw - overlay x rw\n": "",
		"1 2 0:1 / / rw - overlay x rw\n612 600 8:1 /var/lib/docker/containers/" + id + "/hostname /etc/hostname rw,relatime - ext4 /dev/sda1 rw\n": id,
		"612 600 8:1 /data/docker/containers/" + id + "/resolv.conf /etc/resolv.conf rw - ext4 /dev/sda1 rw\n":                                      id,
		"612 600 8:1 /var/lib/docker/containers/" + id + "/mounts/shm /dev/shm rw - tmpfs shm rw\n":                                                 "",
		"612 600 8:1 /var/lib/docker/containers /containers ro - ext4 /dev/sda1 rw\n":                                                               "",
	} {
		if got := selfFrom(strings.NewReader(in)); got != want {
			t.Errorf("selfFrom(%q) = %q, want %q", in, got, want)
		}
	}
}
