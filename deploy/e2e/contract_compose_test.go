package e2e

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// What one service may that no other may, with the reason. Everything else is an error.
var (
	extraCapabilities = map[string][]string{
		"setup": {"CHOWN"},            // hands each file that it writes to the user of its reader
		"caddy": {"NET_BIND_SERVICE"}, // ports 80 and 443
	}
	publishedToAll = []string{"caddy"}              // profile edge: TLS for the world
	hostPid        = []string{"node-exporter"}      // profile node: it reports on the host
	hostRoot       = []string{"node-exporter"}      // read-only, as a user that may not open the Docker socket below it
	oneShots       = []string{"setup"}              // ends by itself, so its exit code says how it went, not a health check
	writable       = []string{}                     // services whose image needs a writable root
	noRoute        = []string{"setup"}              // no network at all
	socketNetwork  = []string{"guard", "watchdog"}  // the members of docker-api
	rootUsers      = []string{"guard", "setup"}     // uid 0, without capabilities but the above
	watchdogsOwn   = map[string]string{"api": "no"} // restarted by the watchdog, not by Docker
)

func TestComposeHealthChecks(t *testing.T) {
	eachService(t, func(t *testing.T, name string, s composeService) {
		if s.Healthcheck == nil {
			if !slices.Contains(oneShots, name) {
				t.Error("no health check")
			}
			return
		}
		h := s.Healthcheck
		if h.Disable || len(h.Test) < 2 || h.Test[0] != "CMD" || h.Interval == "" || h.Timeout == "" || h.Retries < 1 {
			t.Errorf("%+v: want CMD without a shell, interval, timeout, retries", *h)
		}
		if s.Build != nil && !slices.Equal(h.Test, []string{"CMD", "/bin/" + name, "healthcheck"}) {
			t.Errorf("test %v: our images have no wget, the program checks itself", h.Test)
		}
	})
}

func TestComposeImagesAreExact(t *testing.T) {
	exact := regexp.MustCompile(`^[a-z0-9./-]+:v?\d+\.\d+\.\d+(-[a-z0-9.]+)?(@sha256:[0-9a-f]{64})?$`)
	eachService(t, func(t *testing.T, name string, s composeService) {
		if image := composeDefaults(s.Image); !exact.MatchString(image) {
			t.Errorf("image %q: want an exact version", image)
		}
		if s.Build != nil && composeDefaults(s.Image) != "ghcr.io/upkeephq/upkeep-"+name+":0.1.0" {
			t.Errorf("image %q for the service %s", s.Image, name)
		}
	})
}

func TestComposeLimits(t *testing.T) {
	eachService(t, func(t *testing.T, _ string, s composeService) {
		limits := s.Deploy.Resources.Limits
		cpus, err := strconv.ParseFloat(limits.CPUs, 64)
		if err != nil || cpus <= 0 || limits.Memory == "" || limits.Pids < 16 {
			t.Errorf("limits %+v: want cpus, memory and pids", limits)
		}
		if soft := s.Environment["GOMEMLIMIT"]; soft != "" {
			if got, hard := mebibytes(t, soft), mebibytes(t, limits.Memory); got >= hard || got < hard*3/4 {
				t.Errorf("GOMEMLIMIT %s for a limit of %s: want somewhat less", soft, limits.Memory)
			}
		} else if s.Build != nil {
			t.Error("no GOMEMLIMIT: the Go runtime does not know the limit")
		}
	})
}

func TestComposeLogRotation(t *testing.T) {
	eachService(t, func(t *testing.T, _ string, s composeService) {
		if s.Logging.Driver != "json-file" && s.Logging.Driver != "local" || s.Logging.Options["max-size"] == "" || s.Logging.Options["max-file"] == "" {
			t.Errorf("logging %+v: Docker keeps logs without end unless told otherwise", s.Logging)
		}
	})
}

func TestComposeHardening(t *testing.T) {
	eachService(t, func(t *testing.T, name string, s composeService) {
		if !slices.Equal(s.CapDrop, []string{"ALL"}) || !slices.Equal(s.CapAdd, extraCapabilities[name]) {
			t.Errorf("capabilities: drops %v, adds %v, may add %v", s.CapDrop, s.CapAdd, extraCapabilities[name])
		}
		if !slices.Contains(s.SecurityOpt, "no-new-privileges:true") || s.Privileged || len(s.Devices) > 0 || s.Ipc != "" {
			t.Errorf("security_opt %v, privileged %v, devices %v, ipc %q", s.SecurityOpt, s.Privileged, s.Devices, s.Ipc)
		}
		if s.ReadOnly == slices.Contains(writable, name) {
			t.Errorf("read_only is %v", s.ReadOnly)
		}
		if (s.Pid == "host") != slices.Contains(hostPid, name) {
			t.Errorf("pid %q", s.Pid)
		}
		if strings.HasPrefix(s.User, "0") != slices.Contains(rootUsers, name) {
			t.Errorf("user %q", s.User)
		}
		if s.NetworkMode != "" && (s.NetworkMode != "none" || !slices.Contains(noRoute, name)) {
			t.Errorf("network_mode %q", s.NetworkMode)
		}
	})
}

func TestComposeRestartPolicies(t *testing.T) {
	eachService(t, func(t *testing.T, name string, s composeService) {
		want := "unless-stopped"
		if slices.Contains(oneShots, name) {
			want = "no"
		}
		if own := watchdogsOwn[name]; own != "" {
			want = own
			if s.Labels["watchdog.enable"] != "true" {
				t.Errorf("neither Docker nor the watchdog restarts it: labels %v", s.Labels)
			}
		} else if s.Labels["watchdog.enable"] != "" {
			t.Error("Docker and the watchdog both restart it")
		}
		if s.Restart != want {
			t.Errorf("restart %q, want %q", s.Restart, want)
		}
	})
}

// Published ports pass by the host's firewall.
func TestComposePortsAreLocal(t *testing.T) {
	eachService(t, func(t *testing.T, name string, s composeService) {
		for _, port := range s.Ports {
			local := strings.HasPrefix(port, "127.0.0.1:") || name == "api" && strings.HasPrefix(port, "${API_BIND:-127.0.0.1}:")
			if !local && !slices.Contains(publishedToAll, name) {
				t.Errorf("port %s is open to everybody", port)
			}
			if slices.Contains(publishedToAll, name) && len(s.Profiles) == 0 {
				t.Errorf("port %s is open to everybody, without a profile", port)
			}
		}
	})
}

// Whoever holds the socket is root on the machine.
func TestComposeSocketIsInTheGuardAlone(t *testing.T) {
	file := compose(t)
	if !file.Networks["docker-api"].Internal {
		t.Error("the network docker-api has a way out")
	}
	eachService(t, func(t *testing.T, name string, s composeService) {
		holds := false
		for _, v := range s.Volumes {
			source := composeDefaults(v.Source)
			if strings.HasSuffix(source, ".sock") || strings.HasSuffix(v.Target, ".sock") || strings.HasPrefix(source, "/var/run") || strings.HasPrefix(source, "/run") {
				holds = true
			}
			if source == "/" || source == "/var" {
				if !slices.Contains(hostRoot, name) || !v.ReadOnly || len(s.Profiles) == 0 || strings.HasPrefix(s.User, "0") {
					t.Errorf("mounts %s", source)
				}
			}
		}
		if holds != (name == "guard") {
			t.Errorf("holds the Docker socket: %v", holds)
		}
		if slices.Contains(s.Networks, "docker-api") != slices.Contains(socketNetwork, name) {
			t.Errorf("networks %v", s.Networks)
		}
		if name == "guard" && (!slices.Equal(s.Networks, []string{"docker-api"}) || len(s.Ports) > 0) {
			t.Errorf("the guard is reached from elsewhere: networks %v, ports %v", s.Networks, s.Ports)
		}
	})
}

func TestComposeRefersToWhatExists(t *testing.T) {
	file := compose(t)
	if file.Name != "upkeep" {
		t.Errorf("project name %q", file.Name)
	}
	used := map[string]bool{}
	for name, s := range file.Services {
		for other := range s.DependsOn {
			if _, there := file.Services[other]; !there {
				t.Errorf("%s depends on %s, which does not exist", name, other)
			}
		}
		for _, network := range s.Networks {
			if _, there := file.Networks[network]; !there {
				t.Errorf("%s joins %s, which does not exist", name, network)
			}
		}
		for _, v := range s.Volumes {
			source := composeDefaults(v.Source)
			switch {
			case strings.HasPrefix(source, "./"):
				if len(contractGlob(t, source)) == 0 {
					t.Errorf("%s mounts %s, which does not exist", name, source)
				}
				if !v.ReadOnly {
					t.Errorf("%s may write to %s", name, source)
				}
			case !strings.HasPrefix(source, "/"):
				used[source] = true
				if _, there := file.Volumes[source]; !there {
					t.Errorf("%s mounts %s, which is not declared", name, source)
				}
			}
		}
	}
	for volume := range file.Volumes {
		if !used[volume] {
			t.Errorf("nobody mounts the volume %s", volume)
		}
	}
}

// mebibytes reads 64M as Compose does, and 57MiB as Go does.
func mebibytes(t *testing.T, s string) float64 {
	t.Helper()
	for _, unit := range []struct {
		suffix string
		factor float64
	}{{"MiB", 1}, {"GiB", 1024}, {"M", 1}, {"G", 1024}} {
		if number, ok := strings.CutSuffix(s, unit.suffix); ok {
			value, err := strconv.ParseFloat(number, 64)
			if err != nil {
				t.Fatal(err)
			}
			return value * unit.factor
		}
	}
	t.Fatalf("size %q: write it in M, G, MiB or GiB", s)
	return 0
}
