package slo

import (
	"os"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

func valid() Config {
	return Config{Services: []Service{{
		Job: "api", RoutesLeftOut: "/health.*", MinFailures: 10,
		Availability: &Availability{99.9}, Latency: &Latency{99, 300 * time.Millisecond},
	}}}
}

func TestFaultsOfTheConfiguration(t *testing.T) {
	if err := valid().validate(); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		spoil func(c *Config)
		want  string
	}{
		"no service":         {func(c *Config) { c.Services = nil }, "services: want at least one"},
		"no job":             {func(c *Config) { c.Services[0].Job = "" }, `service "": job "": want the name of a job of prometheus.yml, letters, digits, _ . and -`},
		"job with a quote":   {func(c *Config) { c.Services[0].Job = `a"` }, `service "a\"": job "a\"": want the name of a job of prometheus.yml, letters, digits, _ . and -`},
		"one job twice":      {func(c *Config) { c.Services = append(c.Services, c.Services[0]) }, `service "api": job "api" stands twice`},
		"routes":             {func(c *Config) { c.Services[0].RoutesLeftOut = "(" }, "service \"api\": routes_left_out: error parsing regexp: missing closing ): `(`"},
		"no guard":           {func(c *Config) { c.Services[0].MinFailures = 0 }, `service "api": min_failures 0: want 1 or more`},
		"no objective":       {func(c *Config) { c.Services[0].Availability, c.Services[0].Latency = nil, nil }, `service "api": want availability, latency, or both`},
		"all of 100":         {func(c *Config) { c.Services[0].Availability.Objective = 100 }, `service "api": availability: objective 100: want more than 93.06, below which the fastest alert could not fire, and less than 100`},
		"a ratio":            {func(c *Config) { c.Services[0].Availability.Objective = 0.999 }, `service "api": availability: objective 0.999: want more than 93.06, below which the fastest alert could not fire, and less than 100`},
		"alert never fires":  {func(c *Config) { c.Services[0].Latency.Objective = 93 }, `service "api": latency: objective 93: want more than 93.06, below which the fastest alert could not fire, and less than 100`},
		"no threshold":       {func(c *Config) { c.Services[0].Latency.Threshold = 0 }, `service "api": latency: threshold 0s: want more than 0, such as 300ms`},
		"two faults at once": {func(c *Config) { c.Services[0].MinFailures, c.Services[0].Latency.Threshold = -1, -1 }, "service \"api\": min_failures -1: want 1 or more\nservice \"api\": latency: threshold -1ns: want more than 0, such as 300ms"},
	} {
		t.Run(name, func(t *testing.T) {
			c := valid()
			tc.spoil(&c)
			if err := c.validate(); err == nil || err.Error() != tc.want {
				t.Errorf("got %v\nwant %s", err, tc.want)
			}
		})
	}
}

func TestParseIsStrict(t *testing.T) {
	for text, want := range map[string]string{
		"services: [{job: api, min_failure: 3}]":                    "field min_failure not found",
		"services: [{job: api, latency: {threshold: fast}}]":        "cannot unmarshal",
		"services: [{job: api, availability: {objective: 99.9 %}}]": "cannot unmarshal",
		"":                       "EOF",
		"services: []":           "want at least one",
		"services: [{job: api}]": "min_failures 0",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("../../slo.yml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`services: [{job: api, min_failures: 1, availability: {objective: 99.99999}}]`))
	f.Fuzz(func(t *testing.T, text []byte) {
		c, err := Parse(text)
		if err != nil {
			return
		}
		rendered, err := Render(c)
		if err != nil {
			t.Fatalf("valid, but not rendered: %v", err)
		}
		var back file
		if err := yaml.Unmarshal(rendered, &back); err != nil || len(back.Groups) == 0 {
			t.Fatalf("rendered %d groups, %v", len(back.Groups), err)
		}
		checkExpressions(t, back)
	})
}
