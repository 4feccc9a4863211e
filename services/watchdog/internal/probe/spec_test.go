package probe

import (
	"fmt"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Spec
	}{
		{"", Spec{}},
		{" none ", Spec{}},
		{"NONE", Spec{}},
		{"http://:8000/health/live", Spec{Scheme: "http", Port: 8000, Path: "/health/live"}},
		{"http://:8000", Spec{Scheme: "http", Port: 8000, Path: "/"}},
		{"http:///health", Spec{Scheme: "http", Port: 80, Path: "/health"}},
		{"HTTPS:///", Spec{Scheme: "https", Port: 443, Path: "/"}},
		{"https://:8443/a%20b?full=1&x=%2F", Spec{Scheme: "https", Port: 8443, Path: "/a%20b?full=1&x=%2F"}},
		{`http://:80/#"ok":true`, Spec{Scheme: "http", Port: 80, Path: "/", Match: `"ok":true`}},
		{"http://:80/#all%20well", Spec{Scheme: "http", Port: 80, Path: "/", Match: "all well"}},
		{"http://db.internal:80/", Spec{Scheme: "http", Host: "db.internal", Port: 80, Path: "/"}},
		{"http://[fd00::1]:80/", Spec{Scheme: "http", Host: "fd00::1", Port: 80, Path: "/"}},
		{"tcp://:5432", Spec{Scheme: "tcp", Port: 5432}},
		{"tcp://[::1]:5432", Spec{Scheme: "tcp", Host: "::1", Port: 5432}},
	} {
		got, err := Parse(c.in)
		if err != nil || got != c.want {
			t.Errorf("Parse(%q) = %+v, %v; want %+v", c.in, got, err, c.want)
		}
		if again, err := Parse(got.String()); err != nil || again != got {
			t.Errorf("Parse(%q) = %+v, %v; want it back", got.String(), again, err)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"yes":                    `unknown scheme ""`,
		"ftp://:21":              `unknown scheme "ftp"`,
		":8000":                  "not a URL: missing protocol scheme",
		"http:8000":              `"http:" must be followed by //`,
		"http://health/live":     `the port is missing after host "health"`,
		"http://:0/":             `port "0" is not between 1 and 65535`,
		"http://:65536/":         `port "65536" is not between 1 and 65535`,
		"http://:http/":          `not a URL: invalid port ":http" after host`,
		"http://me:secret@:80/":  "user and password are not supported",
		"tcp://":                 "the port is missing",
		"tcp://:80/health":       "tcp has no path",
		"tcp://:80#text":         "tcp has no path",
		"http://:80/\x00":        "not a URL: net/url: invalid control character in URL",
		"http://a%22b:80/":       `not a URL: invalid URL escape "%22"`,
		"http://[fe80::1%25é]:1": `"fe80::1%é" is no host`,
	} {
		got, err := Parse(in)
		if err == nil || err.Error() != want {
			t.Errorf("Parse(%q) = %+v, %v; want the error %s", in, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("Parse(%q) tells a secret: %v", in, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "none", "http://:8000/health/live", "https://[fd00::1]:1/?a#b", "tcp://:5432", "tcp://db:5432", "http://a b:80/",
		"http://:80/%zz", "http://:80/#%zz", "http://[::1%25eth0]:80/", "http:opaque", "http://:80/é?ü#\"", "http://:80?",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		spec, err := Parse(in)
		if err != nil {
			if spec != (Spec{}) {
				t.Errorf("Parse(%q) gives both %+v and %v", in, spec, err)
			}
			return
		}
		if spec.None() != (spec == Spec{}) || !spec.None() && spec.Port == 0 {
			t.Errorf("Parse(%q) = %+v", in, spec)
		}
		again, err := Parse(spec.String())
		if err != nil || again != spec {
			t.Errorf("Parse(%q) = %+v, its text %q reads as %+v, %v", in, spec, spec.String(), again, err)
		}
	})
}

func ExampleParse() {
	spec, err := Parse("http://:8000/health/live")
	fmt.Println(spec.WithHost("172.17.0.2"), err)
	_, err = Parse("http://health/live")
	fmt.Printf("%v; allowed is %s\n", err, Allowed)
	// Output:
	// http://172.17.0.2:8000/health/live <nil>
	// the port is missing after host "health"; allowed is "none", "http://:PORT/PATH", "https://:PORT/PATH" (with "#TEXT" the body must hold TEXT) or "tcp://:PORT"
}
