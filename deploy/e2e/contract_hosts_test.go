package e2e

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/BurntSushi/toml"
	"go.yaml.in/yaml/v3"
)

// The files for platforms that run one container. The platforms publish no schema that can be had without a network, so each is
// read strictly: a key that is not known here is a fault. deploy/platforms.md says what they are for.

type appJSON struct {
	Name, Description, Repository string
	Env                           map[string]struct{ Description, Generator, Value string }
	Formation                     map[string]struct {
		Quantity int
		Size     string
	}
	Buildpacks []struct{ URL string }
}

type herokuYAML struct {
	Build struct {
		Docker map[string]struct{ Dockerfile, Target string }
	}
}

type railwayJSON struct {
	Schema string `json:"$schema"`
	Build  struct {
		Builder, DockerfilePath string
		WatchPatterns           []string
	}
	Deploy struct {
		HealthcheckPath                 string
		HealthcheckTimeout              int
		RestartPolicyType               string
		RestartPolicyMaxRetries         int
		OverlapSeconds, DrainingSeconds int
		SleepApplication                bool
	}
}

type flyTOML struct {
	KillSignal  string `toml:"kill_signal"`
	KillTimeout int    `toml:"kill_timeout"`
	Build       struct {
		Dockerfile string
		Target     string `toml:"build-target"`
	}
	Env     map[string]string
	Service struct {
		InternalPort int    `toml:"internal_port"`
		ForceHTTPS   bool   `toml:"force_https"`
		AutoStop     string `toml:"auto_stop_machines"`
		AutoStart    bool   `toml:"auto_start_machines"`
		MinRunning   int    `toml:"min_machines_running"`
		Checks       []struct {
			Method, Path, Interval, Timeout string
			GracePeriod                     string `toml:"grace_period"`
		}
	} `toml:"http_service"`
	Restart []struct{ Policy string }
	Metrics struct {
		Port int
		Path string
	}
	VM []struct{ Size, Memory string }
}

type renderYAML struct {
	Services []struct {
		Type, Name, Runtime, Plan string
		Dockerfile                string `yaml:"dockerfilePath"`
		Context                   string `yaml:"dockerContext"`
		HealthCheckPath           string `yaml:"healthCheckPath"`
		MaxShutdownDelaySeconds   int    `yaml:"maxShutdownDelaySeconds"`
		EnvVars                   []struct {
			Key      string
			Generate bool `yaml:"generateValue"`
		} `yaml:"envVars"`
	}
}

// strictly reads a file of the root into a value that has a field for everything that may stand there.
func strictly[T any](t *testing.T, file string) T {
	t.Helper()
	var into T
	var err error
	text := contractFile(t, file)
	switch filepath.Ext(file) {
	case ".json":
		d := json.NewDecoder(bytes.NewReader(text))
		d.DisallowUnknownFields()
		err = d.Decode(&into)
	case ".toml":
		var meta toml.MetaData
		if meta, err = toml.Decode(string(text), &into); err == nil && len(meta.Undecoded()) > 0 {
			t.Errorf("%s: unknown: %v", file, meta.Undecoded())
		}
	default:
		d := yaml.NewDecoder(bytes.NewReader(text))
		d.KnownFields(true)
		err = d.Decode(&into)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return into
}

// inImage is the environment that the Dockerfile gives to its target standalone.
func inImage(t *testing.T) map[string]string {
	t.Helper()
	text := strings.ReplaceAll(string(contractFile(t, "deploy/Dockerfile")), "\\\n", " ")
	_, stage, found := strings.Cut(text, "\nFROM base AS standalone\n")
	stage, _, _ = strings.Cut(stage, "\nFROM ")
	line := regexp.MustCompile(`(?m)^ENV (.*)$`).FindStringSubmatch(stage)
	if !found || line == nil {
		t.Fatal("deploy/Dockerfile has no target standalone with an ENV")
	}
	env := map[string]string{}
	for field := range strings.FieldsSeq(line[1]) {
		name, value, _ := strings.Cut(field, "=")
		env[name] = value
	}
	return env
}

func seconds(t *testing.T, value string) time.Duration {
	t.Helper()
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("%q is no whole number of seconds", value)
	}
	return time.Duration(n) * time.Second
}

// Every variable that a platform's file or the image sets is read by the API or by the watchdog.
func TestHostsSetWhatIsRead(t *testing.T) {
	reads := variablesRead(t, "api")
	maps.Copy(reads, variablesRead(t, "watchdog"))
	given := map[string][]string{"deploy/Dockerfile": slices.Collect(maps.Keys(inImage(t)))}
	for _, m := range regexp.MustCompile(`\b([A-Z][A-Z_]+)=`).FindAllStringSubmatch(string(contractFile(t, "Procfile")), -1) {
		given["Procfile"] = append(given["Procfile"], m[1])
	}
	given["app.json"] = slices.Collect(maps.Keys(strictly[appJSON](t, "app.json").Env))
	given["fly.toml"] = slices.Collect(maps.Keys(strictly[flyTOML](t, "fly.toml").Env))
	for _, v := range strictly[renderYAML](t, "render.yaml").Services[0].EnvVars {
		given["render.yaml"] = append(given["render.yaml"], v.Key)
	}
	for file, names := range given {
		if len(names) == 0 {
			t.Errorf("%s sets nothing: look for it in another way", file)
		}
		for _, name := range names {
			if _, read := reads[name]; !read {
				t.Errorf("%s sets %s, which nobody reads", file, name)
			}
		}
	}
}

// All have ended in their own time before the platform kills: first the workers, then the watchdog.
func TestHostsWaitForTheEnd(t *testing.T) {
	env := inImage(t)
	worker, watchdog := seconds(t, env["SHUTDOWN_TIMEOUT"]), seconds(t, env["WATCHDOG_STOP_TIMEOUT"])
	if worker >= watchdog {
		t.Errorf("a worker may take %v, but is killed after %v", worker, watchdog)
	}
	for host, grace := range map[string]time.Duration{
		"docker stop": 10 * time.Second, // what it grants unless told otherwise
		"Heroku":      30 * time.Second, // what it grants everybody
		"Railway":     time.Duration(strictly[railwayJSON](t, "railway.json").Deploy.DrainingSeconds) * time.Second,
		"Fly.io":      time.Duration(strictly[flyTOML](t, "fly.toml").KillTimeout) * time.Second,
		"Render":      time.Duration(strictly[renderYAML](t, "render.yaml").Services[0].MaxShutdownDelaySeconds) * time.Second,
	} {
		if grace <= watchdog+time.Second {
			t.Errorf("%s kills after %v, the watchdog may take %v", host, grace, watchdog)
		}
	}
	// The buildpack's slug has no image to set them: there the programs' own defaults hold.
	if d := seconds(t, variablesRead(t, "watchdog")["WATCHDOG_STOP_TIMEOUT"]); d > 25*time.Second {
		t.Errorf("WATCHDOG_STOP_TIMEOUT is %v by default, Heroku kills after 30 s", d)
	}
}

// Who restarts for a failed check is given the page that no dependency can make fail; who only routes by it, the other.
func TestHostsAskTheRightPage(t *testing.T) {
	if path := strictly[renderYAML](t, "render.yaml").Services[0].HealthCheckPath; path != "/health/live" {
		t.Errorf("Render restarts what fails %s", path)
	}
	if path := strictly[railwayJSON](t, "railway.json").Deploy.HealthcheckPath; path != "/health/ready" {
		t.Errorf("Railway routes to a new deployment by %s", path)
	}
	checks := strictly[flyTOML](t, "fly.toml").Service.Checks
	if len(checks) != 1 || checks[0].Path != "/health/ready" {
		t.Errorf("Fly.io routes by %+v", checks)
	}
}

func TestHostsReachTheRightPort(t *testing.T) {
	fly := strictly[flyTOML](t, "fly.toml")
	if strconv.Itoa(fly.Service.InternalPort) != fly.Env["PORT"] {
		t.Errorf("requests go to port %d, PORT is %s", fly.Service.InternalPort, fly.Env["PORT"])
	}
	if ":"+strconv.Itoa(fly.Metrics.Port) != fly.Env["WATCHDOG_LISTEN"] || fly.Metrics.Path != "/metrics" || fly.Metrics.Port == fly.Service.InternalPort {
		t.Errorf("metrics are read at port %d%s, the watchdog listens on %s", fly.Metrics.Port, fly.Metrics.Path, fly.Env["WATCHDOG_LISTEN"])
	}
	for _, file := range []string{"Procfile", "app.json", "render.yaml", "railway.json"} {
		if regexp.MustCompile(`\bPORT\b`).Match(contractFile(t, file)) {
			t.Errorf("%s sets PORT, which the platform gives", file)
		}
	}
	if port, set := inImage(t)["PORT"]; set {
		t.Errorf("the image sets PORT=%s: a platform that gives none expects the default", port)
	}
}

// It is the image standalone that all build, also those that cannot name a target.
func TestHostsBuildTheImage(t *testing.T) {
	const dockerfile = "deploy/Dockerfile"
	recipe := string(contractFile(t, dockerfile))
	if !strings.HasSuffix(strings.TrimSpace(recipe), "\nFROM ${RESULT:-standalone}") || !strings.Contains(recipe, "\nARG RESULT=${SERVICE:+service}\n") {
		t.Errorf("%s without SERVICE does not make the image standalone", dockerfile)
	}
	heroku := strictly[herokuYAML](t, "heroku.yml").Build.Docker["web"]
	if to, err := os.Readlink(filepath.Join(repository, heroku.Dockerfile)); err != nil || to != dockerfile || heroku.Target != "standalone" {
		t.Errorf("heroku.yml builds %+v, a link to %q: %v", heroku, to, err)
	}
	if strings.Contains(heroku.Dockerfile, "/") {
		t.Errorf("Heroku takes the folder of %s as context, which must be the root", heroku.Dockerfile)
	}
	if fly := strictly[flyTOML](t, "fly.toml").Build; fly.Dockerfile != dockerfile || fly.Target != "standalone" {
		t.Errorf("fly.toml builds %+v", fly)
	}
	if railway := strictly[railwayJSON](t, "railway.json").Build; railway.Builder != "DOCKERFILE" || railway.DockerfilePath != dockerfile {
		t.Errorf("railway.json builds %+v", railway)
	}
	if render := strictly[renderYAML](t, "render.yaml").Services[0]; render.Runtime != "docker" || render.Dockerfile != "./"+dockerfile || render.Context != "." {
		t.Errorf("render.yaml builds %+v", render)
	}
	// The buildpack builds what the Procfile runs.
	install := regexp.MustCompile(`(?m)^// \+heroku install (.+)$`).FindStringSubmatch(string(contractFile(t, "go.mod")))
	if install == nil {
		t.Fatal("go.mod does not say what Heroku's buildpack builds")
	}
	for _, m := range regexp.MustCompile(`\bbin/([a-z]+)`).FindAllStringSubmatch(string(contractFile(t, "Procfile")), -1) {
		if !slices.Contains(strings.Fields(install[1]), "./services/"+m[1]) {
			t.Errorf("the Procfile runs bin/%s, the buildpack builds %s", m[1], install[1])
		}
	}
}

// Where the platform can make one, /metrics and the inner health pages have a token from the first start on. None stands in a file.
func TestHostsGuardTheInnerPages(t *testing.T) {
	env := strictly[appJSON](t, "app.json").Env
	generated := map[string]bool{}
	for _, v := range strictly[renderYAML](t, "render.yaml").Services[0].EnvVars {
		generated[v.Key] = v.Generate
	}
	for _, token := range []string{"METRICS_TOKEN", "HEALTH_TOKEN"} {
		if v := env[token]; v.Generator != "secret" || v.Value != "" {
			t.Errorf("app.json does not have Heroku make a %s", token)
		}
		if !generated[token] {
			t.Errorf("render.yaml does not have Render make a %s", token)
		}
		if _, set := inImage(t)[token]; set {
			t.Errorf("the image holds a %s", token)
		}
	}
}
