package e2e

import (
	"net"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

type prometheusConfig struct {
	RuleFiles []string `yaml:"rule_files"`
	Alerting  struct {
		Alertmanagers []scrapeTargets
	}
	ScrapeConfigs []struct {
		JobName       string `yaml:"job_name"`
		Authorization struct {
			CredentialsFile string `yaml:"credentials_file"`
		}
		scrapeTargets `yaml:",inline"`
	} `yaml:"scrape_configs"`
}

type scrapeTargets struct {
	StaticConfigs []struct{ Targets []string } `yaml:"static_configs"`
	DNS           []struct {
		Names []string
		Type  string
		Port  int
	} `yaml:"dns_sd_configs"`
}

// addresses of all targets, by whichever way they are found.
func (s scrapeTargets) addresses() []string {
	var all []string
	for _, c := range s.StaticConfigs {
		all = append(all, c.Targets...)
	}
	for _, c := range s.DNS {
		for _, name := range c.Names {
			all = append(all, net.JoinHostPort(name, strconv.Itoa(c.Port)))
		}
	}
	return all
}

func prometheusConfiguration(t *testing.T) prometheusConfig {
	t.Helper()
	var config prometheusConfig
	contractYAML(t, "prometheus/prometheus.yml", &config)
	return config
}

func TestScrapeTargetsAreServices(t *testing.T) {
	file := compose(t)
	jobs := map[string]bool{}
	for _, job := range prometheusConfiguration(t).ScrapeConfigs {
		jobs[job.JobName] = true
		if len(job.addresses()) == 0 {
			t.Errorf("job %s has no targets", job.JobName)
		}
		for _, address := range job.addresses() {
			isServiceAndPort(t, file, "job "+job.JobName, address)
			if host, _, _ := net.SplitHostPort(address); host != job.JobName && host != "localhost" {
				t.Errorf("job %s reads %s: name the job after the service", job.JobName, host)
			}
		}
	}
	for _, want := range []string{"api", "watchdog", "prometheus", "alertmanager", "grafana"} {
		if !jobs[want] {
			t.Errorf("nobody reads %s", want)
		}
	}
}

func TestAlertsHaveADestination(t *testing.T) {
	managers := prometheusConfiguration(t).Alerting.Alertmanagers
	if len(managers) != 1 || !slices.Equal(managers[0].addresses(), []string{"alertmanager:9093"}) {
		t.Fatalf("%+v", managers)
	}
	isServiceAndPort(t, compose(t), "alerting", "alertmanager:9093")
}

// Every path that the configuration of Prometheus and Grafana names is mounted by the Compose file.
func TestConfiguredPathsAreMounted(t *testing.T) {
	file := compose(t)
	config := prometheusConfiguration(t)
	prometheus, grafana := file.Services["prometheus"], file.Services["grafana"]

	mounted(t, prometheus, "/etc/prometheus/prometheus.yml", "./prometheus/prometheus.yml")
	if !slices.Contains(prometheus.Command, "--config.file=/etc/prometheus/prometheus.yml") {
		t.Errorf("Prometheus is started with %v", prometheus.Command)
	}
	if !slices.Equal(config.RuleFiles, []string{"rules/*.yml"}) {
		t.Errorf("rule_files %v", config.RuleFiles)
	}
	tokens := 0
	for _, job := range config.ScrapeConfigs {
		if file := job.Authorization.CredentialsFile; file != "" {
			tokens++
			mounted(t, prometheus, file, "config/prometheus/metrics-token")
		}
	}
	if tokens != 1 {
		t.Errorf("%d jobs send the metrics token, want the API's alone", tokens)
	}

	var provider struct {
		Providers []struct{ Options struct{ Path string } }
	}
	contractYAML(t, "grafana/provisioning/dashboards/upkeep.yml", &provider)
	mounted(t, grafana, provider.Providers[0].Options.Path, "./grafana/dashboards")
	mounted(t, grafana, "/etc/grafana/provisioning", "./grafana/provisioning")
}

func TestGrafanaAsksServices(t *testing.T) {
	var sources struct{ Datasources []struct{ Name, URL string } }
	contractYAML(t, "grafana/provisioning/datasources/upkeep.yml", &sources)
	if len(sources.Datasources) == 0 {
		t.Fatal("no data source")
	}
	for _, source := range sources.Datasources {
		address, err := url.Parse(source.URL)
		if err != nil {
			t.Fatal(err)
		}
		isServiceAndPort(t, compose(t), "data source "+source.Name, address.Host)
	}
}

// Panels ask for exemplars, which Prometheus keeps only when told to.
func TestPrometheusKeepsExemplars(t *testing.T) {
	asks := strings.Contains(string(contractFile(t, "grafana/dashboards/overview.json")), `"exemplar": true`)
	keeps := false
	for _, flag := range compose(t).Services["prometheus"].Command {
		features, isFeatures := strings.CutPrefix(flag, "--enable-feature=")
		keeps = keeps || isFeatures && slices.Contains(strings.Split(features, ","), "exemplar-storage")
	}
	if asks != keeps {
		t.Errorf("panels ask for exemplars: %v, Prometheus keeps them: %v", asks, keeps)
	}
}

// The rules are checked by the version of Prometheus that runs them.
func TestRulesAreCheckedByTheirPrometheus(t *testing.T) {
	found := regexp.MustCompile(`prom/prometheus:v[0-9.]+`).FindString(string(contractFile(t, "prometheus/check.sh")))
	if want := compose(t).Services["prometheus"].Image; found != want {
		t.Errorf("prometheus/check.sh uses %s, docker-compose.yml %s", found, want)
	}
}

func isServiceAndPort(t *testing.T, file composeFile, what, address string) {
	t.Helper()
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		t.Errorf("%s: %v", what, err)
		return
	}
	if host == "localhost" && what == "job prometheus" {
		host = "prometheus"
	}
	service, there := file.Services[host]
	if !there {
		t.Errorf("%s: %s is no service of docker-compose.yml", what, host)
		return
	}
	if !slices.Contains(service.inside(), port) {
		t.Errorf("%s: %s listens on %v, not on %s", what, host, service.inside(), port)
	}
	if len(service.Profiles) > 0 || len(service.Networks) > 0 && !slices.Contains(service.Networks, "default") {
		t.Errorf("%s: %s cannot be reached in every case: profiles %v, networks %v", what, host, service.Profiles, service.Networks)
	}
}

// mounted checks that a path in a container comes from a path in the repository or in a volume.
func mounted(t *testing.T, s composeService, target, source string) {
	t.Helper()
	for _, v := range s.Volumes {
		if rest, below := strings.CutPrefix(target, v.Target); below && (rest == "" || rest[0] == '/') {
			if got := path.Join(v.Source, rest); got != path.Clean(source) {
				t.Errorf("%s comes from %s, want %s", target, got, source)
			}
			if !v.ReadOnly {
				t.Errorf("%s can be written to", target)
			}
			return
		}
	}
	t.Errorf("%s is not mounted: %+v", target, s.Volumes)
}
