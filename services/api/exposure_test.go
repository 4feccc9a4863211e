package main

import (
	"net"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/upkeephq/upkeep/services/api/internal/settings"
)

func TestWarnings(t *testing.T) {
	open := &net.TCPAddr{IP: net.IPv6zero, Port: 8000}
	loopback := &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 8000}
	for _, test := range []struct {
		name    string
		environ []string
		address net.Addr
		machine machine
		want    int
	}{
		{"a server, open", nil, open, machine{}, 2},
		{"one token is set", []string{"HEALTH_TOKEN=t"}, open, machine{}, 1},
		{"both tokens are set", []string{"HEALTH_TOKEN=t", "METRICS_TOKEN=t"}, open, machine{}, 0},
		{"loopback", nil, loopback, machine{}, 0},
		{"IPv6 loopback", nil, &net.TCPAddr{IP: net.IPv6loopback}, machine{}, 0},
		{"a Unix socket", nil, &net.UnixAddr{Name: "/run/api.sock"}, machine{}, 0},
		{"a container", nil, open, machine{container: true}, 0},
		{"a container of a platform", nil, open, machine{container: true, platform: true}, 2},
		{"a developer's machine", []string{"ENVIRONMENT=development"}, open, machine{}, 0},
		{"fault injection", []string{"FAULT_INJECTION=true"}, loopback, machine{}, 1},
	} {
		config, err := settings.Load(test.environ)
		if err != nil {
			t.Fatal(err)
		}
		if got := warnings(config, test.address, test.machine); len(got) != test.want {
			t.Errorf("%s: %d warnings, want %d:\n%s", test.name, len(got), test.want, strings.Join(got, "\n"))
		}
	}
}

func TestMachineOf(t *testing.T) {
	docker := fstest.MapFS{".dockerenv": {}}
	podman := fstest.MapFS{"run/.containerenv": {}}
	for _, test := range []struct {
		name string
		root fstest.MapFS
		env  map[string]string
		want machine
	}{
		{"a server", nil, nil, machine{}},
		{"Docker", docker, nil, machine{container: true}},
		{"Podman", podman, nil, machine{container: true}},
		{"Kubernetes", nil, map[string]string{"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, machine{container: true}},
		{"Heroku", nil, map[string]string{"DYNO": "web.1"}, machine{platform: true}},
		{"Fly.io", nil, map[string]string{"FLY_APP_NAME": "shop"}, machine{platform: true}},
		{"Render", docker, map[string]string{"RENDER": "true"}, machine{container: true, platform: true}},
		{"Railway", docker, map[string]string{"RAILWAY_ENVIRONMENT_NAME": "production"}, machine{container: true, platform: true}},
	} {
		if got := machineOf(test.root, func(name string) string { return test.env[name] }); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
}
