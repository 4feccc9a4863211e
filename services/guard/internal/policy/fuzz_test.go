package policy

import (
	"net/http"
	"net/url"
	"regexp"
	"testing"
)

// harmless is written apart from the matcher: whatever passes has this form.
var harmless = regexp.MustCompile(`^(?:HEAD|GET) (?:/v1\.\d{2,3})?/_ping$|` +
	`^GET (?:/v1\.\d{2,3})?/(?:version|events|containers/json|containers/[A-Za-z0-9][\w.-]*/(?:json|stats|logs))$|` +
	`^POST (?:/v1\.\d{2,3})?/containers/[A-Za-z0-9][\w.-]*/(?:restart|start)$`)

func FuzzMatch(f *testing.F) {
	for _, c := range passes {
		f.Add(c.method, c.target)
	}
	for _, s := range []string{"/containers/../json", "/containers/a%2f/json", "//version", "http://x/version", "/v1.41//events",
		"/containers/a/exec", "/containers/create?name=x", "/containers/a/json?size=1", "/v0.1/info", "/containers/a/restart?t=1&t=2"} {
		f.Add("GET", s)
		f.Add("POST", s)
	}
	f.Fuzz(func(t *testing.T, method, target string) {
		req, err := Match(method, target)
		if err != nil {
			return
		}
		out := req.URI()
		again, err := Match(method, out)
		if err != nil || again.URI() != out || again.Rule != req.Rule || again.Container != req.Container {
			t.Fatalf("%q %q goes out as %q, which does not pass as the same: %v", method, target, out, err)
		}
		// what the engine's own parser makes of it
		r, err := http.NewRequest(method, "http://docker"+out, nil)
		if err != nil {
			t.Fatalf("%q %q goes out as %q, which is no URL: %v", method, target, out, err)
		}
		if r.URL.Path != r.URL.EscapedPath() || !harmless.MatchString(method+" "+r.URL.Path) {
			t.Fatalf("%q %q reaches the engine as %q", method, target, r.URL.Path)
		}
		query, err := url.ParseQuery(r.URL.RawQuery)
		if err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		for name, values := range query {
			if _, known := req.Rule.Query[name]; !known || len(values) != 1 {
				t.Fatalf("%q carries the parameter %q %d times", out, name, len(values))
			}
		}
	})
}
