package policy

import (
	"errors"
	"net/http"
	"strings"
	"testing"
)

const filters = `%7B%22type%22%3A%7B%22container%22%3Atrue%7D%7D`

// Everything that passes, as a client sends it, and what the engine gets.
var passes = []struct {
	method, target, normal string
	labelled, streams      bool
}{
	{"HEAD", "/_ping", "/_ping", false, false},
	{"GET", "/_ping", "/_ping", false, false},
	{"GET", "/v1.24/_ping", "/v1.24/_ping", false, false},
	{"GET", "/version", "/version", false, false},
	{"GET", "/v1.52/version", "/v1.52/version", false, false},
	{"GET", "/v1.199/version?", "/v1.199/version", false, false},
	{"GET", "/events", "/events", false, true},
	{"GET", "/v1.41/events?filters=" + filters, "/v1.41/events?filters=" + filters, false, true},
	{"GET", "/events?until=1700000000.000000001&since=0", "/events?since=0&until=1700000000.000000001", false, true},
	{"GET", "/events?since=2026-01-02T03:04:05Z", "/events?since=2026-01-02T03%3A04%3A05Z", false, true},
	{"GET", "/containers/json", "/containers/json", false, false},
	{"GET", "/v1.44/containers/json?limit=-1&all=1", "/v1.44/containers/json?all=1&limit=-1", false, false},
	{"GET", "/containers/json?all=true&filters=" + filters, "/containers/json?all=true&filters=" + filters, false, false},
	{"GET", "/containers/upkeep-api-1/json", "/containers/upkeep-api-1/json", false, false},
	{"GET", "/v1.41/containers/0123456789ab/json", "/v1.41/containers/0123456789ab/json", false, false},
	{"GET", "/containers/a_b.c-d/stats", "/containers/a_b.c-d/stats", false, true},
	{"GET", "/containers/a/stats?stream=true", "/containers/a/stats?stream=true", false, true},
	{"GET", "/containers/a/stats?stream=0&one-shot=1", "/containers/a/stats?one-shot=1&stream=0", false, false},
	{"GET", "/containers/a/logs?stdout=1&stderr=1&tail=100&timestamps=1",
		"/containers/a/logs?stderr=1&stdout=1&tail=100&timestamps=1", true, false},
	{"GET", "/containers/a/logs?follow=1&stdout=true&since=1700000000&tail=all",
		"/containers/a/logs?follow=1&since=1700000000&stdout=true&tail=all", true, true},
	{"POST", "/containers/a/restart", "/containers/a/restart", true, false},
	{"POST", "/v1.41/containers/a/restart?t=10", "/v1.41/containers/a/restart?t=10", true, false},
	{"POST", "/containers/a/start", "/containers/a/start", true, false},
	// containers may bear the names of the API's own words
	{"GET", "/containers/json/json", "/containers/json/json", false, false},
	{"POST", "/containers/prune/restart", "/containers/prune/restart", true, false},
}

func TestWhatPasses(t *testing.T) {
	for _, c := range passes {
		req, err := Match(c.method, c.target)
		if err != nil {
			t.Errorf("%s %s: %v", c.method, c.target, err)
			continue
		}
		if got := req.URI(); got != c.normal {
			t.Errorf("%s %s\n goes out as %s\n want        %s", c.method, c.target, got, c.normal)
		}
		if req.Rule.Labelled != c.labelled || req.Streams() != c.streams {
			t.Errorf("%s %s: labelled %v, streams %v; want %v, %v",
				c.method, c.target, req.Rule.Labelled, req.Streams(), c.labelled, c.streams)
		}
	}
}

func TestEveryRuleIsTested(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range passes {
		if req, err := Match(c.method, c.target); err == nil {
			seen[c.method+" "+req.Rule.Path] = true
		}
	}
	for _, rule := range Table {
		for _, method := range rule.Methods {
			if !seen[method+" "+rule.Path] {
				t.Errorf("no case for %s %s", method, rule.Path)
			}
		}
		if method := rule.Methods[0]; method != "GET" && !rule.Labelled {
			t.Errorf("%s %s acts on a container and does not ask for a label", method, rule.Path)
		}
	}
}

func TestTricks(t *testing.T) {
	for _, c := range []struct {
		method, target string
		want           Reason
	}{
		// ways around a comparison of paths
		{"GET", "", BadTarget},
		{"GET", "/", BadTarget},
		{"GET", "*", BadTarget},
		{"GET", "version", BadTarget},
		{"GET", "//version", BadTarget},
		{"GET", "/containers//json", BadTarget},
		{"GET", "/version/", BadTarget},
		{"GET", "/containers/json/", BadTarget},
		{"GET", "/./version", BadTarget},
		{"GET", "/../version", BadTarget},
		{"GET", "/containers/../images/json", BadTarget},
		{"GET", "/containers/..json/json", BadTarget},
		{"GET", "/containers/a/../../images/json", BadTarget},
		{"GET", "/containers/a%2f..%2f..%2fimages/json", BadTarget},
		{"GET", "/containers/a%2Farchive/json", BadTarget},
		{"GET", "/containers/%2e%2e/json", BadTarget},
		{"GET", "/containers/a%00/json", BadTarget},
		{"GET", "/%76ersion", BadTarget},
		{"GET", "/version%20", BadTarget},
		{"GET", "/version;a=b", BadTarget},
		{"GET", "/version#top", BadTarget},
		{"GET", "/version\\..\\info", BadTarget},
		{"GET", "/version\t", BadTarget},
		{"GET", "/vers\u0131on", BadTarget},
		{"GET", "http://docker/version", BadTarget},
		{"GET", "http://docker/containers/json", BadTarget},
		{"CONNECT", "docker:2375", BadTarget},
		{"GET", "/containers/~a/json", BadTarget},
		{"GET", "/containers/-a/json", NotListed},
		{"GET", "/containers/_a/json", NotListed},
		{"GET", "/containers/" + strings.Repeat("a", 300) + "/json", NotListed},
		{"GET", "/Version", NotListed},
		{"GET", "/CONTAINERS/json", NotListed},
		{"GET", "/versions", NotListed},
		{"GET", "/version/json", NotListed},
		{"GET", "/containers/a/json/json", NotListed},
		{"GET", "/a/containers/json", NotListed},
		// methods
		{"get", "/version", NotListed},
		{"HEAD", "/version", NotListed},
		{"HEAD", "/containers/json", NotListed},
		{"", "/version", NotListed},
		{"GET", "/containers/a/restart", NotListed},
		{"PUT", "/containers/a/restart", NotListed},
		{"POST", "/containers/a/json", NotListed},
		{"POST", "/_ping", NotListed},
		// versions
		{"GET", "/v1.41", NotListed},
		{"GET", "/v1/version", BadVersion},
		{"GET", "/v1./version", BadVersion},
		{"GET", "/v1.0/version", BadVersion},
		{"GET", "/v1.23/version", BadVersion},
		{"GET", "/v1.041/version", BadVersion},
		{"GET", "/v1.200/version", BadVersion},
		{"GET", "/v1.9999/version", BadVersion},
		{"GET", "/v1.41.1/version", BadVersion},
		{"GET", "/v2.41/version", BadVersion},
		{"GET", "/V1.41/version", BadVersion},
		{"GET", "/v.41/version", BadVersion},
		{"GET", "/v1.41/v1.41/version", NotListed},
		{"GET", "/version/v1.41", NotListed},
		{"GET", "/libpod/containers/json", NotListed},
		{"GET", "/v1.41/libpod/containers/json", NotListed},
		// parameters
		{"GET", "/version?x=1", BadQuery},
		{"GET", "/_ping?", ""},
		{"GET", "/_ping?&", ""},
		{"GET", "/containers/json?size=1", BadQuery},
		{"GET", "/containers/a/json?size=1", BadQuery},
		{"GET", "/containers/json?all=1&all=0", BadQuery},
		{"GET", "/containers/json?all=1;limit=2", BadQuery},
		{"GET", "/containers/json?All=1", BadQuery},
		{"GET", "/containers/json?all=yes%0d%0aX:1", BadQuery},
		{"GET", "/containers/json?limit=1e9", BadQuery},
		{"GET", "/containers/json?filters=x", BadQuery},
		{"GET", "/containers/json?filters=%5B%5D", BadQuery},
		{"GET", "/containers/json?filters=" + strings.Repeat("a", 5000), BadQuery},
		{"GET", "/events?since=../../x", BadQuery},
		{"GET", "/events?since=%zz", BadQuery},
		{"GET", "/containers/a/logs?details=1&stdout=1", BadQuery},
		{"GET", "/containers/a/logs?tail=-5", BadQuery},
		{"GET", "/containers/a/stats?stream=maybe", BadQuery},
		{"POST", "/containers/a/restart?signal=SIGKILL", BadQuery},
		{"POST", "/containers/a/restart?t=-1", BadQuery},
		{"POST", "/containers/a/restart?t=99999", BadQuery},
		{"POST", "/containers/a/restart?t=", BadQuery},
		{"POST", "/containers/a/restart?t=1&t=2", BadQuery},
		{"POST", "/containers/a/start?detachKeys=a", BadQuery},
		{"POST", "/containers/a/start?checkpoint=a&checkpoint-dir=%2F", BadQuery},
	} {
		_, err := Match(c.method, c.target)
		refusal, _ := errors.AsType[*Refusal](err)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s %q: %v", c.method, c.target, err)
		case c.want != "" && (refusal == nil || refusal.Reason != c.want):
			t.Errorf("%s %q: %v; want %s", c.method, c.target, err, c.want)
		}
	}
}

func TestPlain(t *testing.T) {
	request := func(change func(*http.Request)) *http.Request {
		r := &http.Request{Header: http.Header{}}
		change(r)
		return r
	}
	for name, c := range map[string]struct {
		r    *http.Request
		want Reason
	}{
		"plain":              {request(func(*http.Request) {}), ""},
		"keep-alive":         {request(func(r *http.Request) { r.Header.Set("Connection", "keep-alive") }), ""},
		"a length":           {request(func(r *http.Request) { r.ContentLength = 2 }), HasBody},
		"unknown length":     {request(func(r *http.Request) { r.ContentLength = -1 }), HasBody},
		"chunked":            {request(func(r *http.Request) { r.TransferEncoding = []string{"chunked"} }), HasBody},
		"upgrade":            {request(func(r *http.Request) { r.Header.Set("Upgrade", "tcp") }), Upgrade},
		"empty upgrade":      {request(func(r *http.Request) { r.Header.Set("Upgrade", "") }), Upgrade},
		"connection upgrade": {request(func(r *http.Request) { r.Header.Set("Connection", "keep-alive, UPGRADE") }), Upgrade},
		"second line": {request(func(r *http.Request) {
			r.Header["Connection"] = []string{"close", "Upgrade"}
		}), Upgrade},
	} {
		refusal, _ := errors.AsType[*Refusal](Plain(c.r))
		if (c.want == "") != (refusal == nil) || refusal != nil && refusal.Reason != c.want {
			t.Errorf("%s: %v; want %q", name, refusal, c.want)
		}
	}
}

func TestLabelled(t *testing.T) {
	for _, c := range []struct {
		labels map[string]string
		want   bool
	}{
		{nil, false},
		{map[string]string{"watchdog.enable": "true"}, true},
		{map[string]string{"watchdog.enable": "True"}, true},
		{map[string]string{"watchdog.enable": "1"}, true},
		{map[string]string{"watchdog.enable": "yes"}, true},
		{map[string]string{"watchdog.enable ": ` "true"`}, true},
		{map[string]string{"watchdog.enable": "='true'"}, true},
		{map[string]string{"watchdog.enable ": "true", "watchdog.enable": "false"}, false},
		{map[string]string{" watchdog.enable": "true", "watchdog.enable": "false"}, false},
		{map[string]string{"watchdog.enable": "false"}, false},
		{map[string]string{"watchdog.enable": ""}, false},
		{map[string]string{"watchdog.enable": "yes please"}, false},
		{map[string]string{"Watchdog.Enable": "true"}, false},
		{map[string]string{"watchdog.probe": "none"}, false},
		{map[string]string{"autoheal": "true"}, true},
		{map[string]string{"autoheal": "false"}, false},
		{map[string]string{"deunhealth.restart.on.unhealthy": "true"}, true},
		{map[string]string{"watchdog.enable": "false", "autoheal": "true"}, false},
	} {
		if got := Labelled(c.labels); got != c.want {
			t.Errorf("%v: %v, want %v", c.labels, got, c.want)
		}
	}
}
