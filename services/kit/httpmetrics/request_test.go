package httpmetrics_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

func TestRequestID(t *testing.T) {
	c := newClock()
	h := httpmetrics.New(prometheus.NewRegistry()).Wrap(shop(c))
	for given, keep := range map[string]bool{
		"order-4711": true, "A.b_c:d-9": true, strings.Repeat("x", 64): true,
		"": false, strings.Repeat("x", 65): false, "a b": false, "a\nb": false, "ä": false, `a"b`: false, "a/b": false, "${jndi:x}": false,
	} {
		r := httptest.NewRequest(http.MethodGet, "/users/1", nil)
		r.Header["X-Request-Id"] = []string{given}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		got := w.Header().Get("X-Request-Id")
		if (got == given) != keep || !httpmetrics.ValidRequestID(got) {
			t.Errorf("given %q, returned %q; want it kept: %v", given, got, keep)
		}
	}
	if got := httpmetrics.RequestID(context.Background()); got != "" {
		t.Errorf("outside of a request: %q", got)
	}
}

func TestRequestIDsDiffer(t *testing.T) {
	c := newClock()
	h := httpmetrics.New(prometheus.NewRegistry()).Wrap(shop(c))
	seen := map[string]bool{}
	for range 1000 {
		id := ask(h, http.MethodGet, "/users/1").Header().Get("X-Request-Id")
		if seen[id] {
			t.Fatalf("%s twice", id)
		}
		seen[id] = true
	}
}

func TestTwoRequestIDsAreNone(t *testing.T) {
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header["X-Request-Id"] = []string{"a", "b"}
	w := httptest.NewRecorder()
	httpmetrics.WithRequestID(http.HandlerFunc(answer)).ServeHTTP(w, r)
	if got := w.Header()["X-Request-Id"]; len(got) != 1 || got[0] == "a" || got[0] == "b" {
		t.Errorf("returned %q", got)
	}
}

const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

func TestTraceParent(t *testing.T) {
	var got httpmetrics.Trace
	h := httpmetrics.WithRequestID(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got = httpmetrics.TraceParent(r.Context()) }))
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("traceparent", parent)
	h.ServeHTTP(httptest.NewRecorder(), r)
	if want := (httpmetrics.Trace{TraceID: "0af7651916cd43dd8448eb211c80319c", SpanID: "b7ad6b7169203331", Sampled: true}); got != want || got.String() != parent {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := httpmetrics.TraceParent(context.Background()); got.Valid() || got.String() != "" {
		t.Errorf("outside of a request: %+v", got)
	}
}

func TestParseTraceParent(t *testing.T) {
	for s, valid := range map[string]bool{
		parent:                                   true,
		strings.Replace(parent, "00-", "cc-", 1): true,
		strings.Replace(parent, "00-", "cc-", 1) + "-more": true,
		parent[:53] + "fe": true,
		"":                 false,
		parent + "-more":   false, // version 00 has four parts
		strings.Replace(parent, "00-", "cc-", 1) + "x":                           false,
		strings.Replace(parent, "00-", "ff-", 1):                                 false,
		strings.ToUpper(parent):                                                  false,
		strings.ReplaceAll(parent, "-", "_"):                                     false,
		"00-" + strings.Repeat("0", 32) + "-b7ad6b7169203331-01":                 false,
		"00-0af7651916cd43dd8448eb211c80319c-" + strings.Repeat("0", 16) + "-01": false,
		parent[:53] + "0g":                                                       false,
	} {
		if got, err := httpmetrics.ParseTraceParent(s); (err == nil) != valid || got.Valid() != valid {
			t.Errorf("ParseTraceParent(%q) = %+v, %v; want it valid: %v", s, got, err, valid)
		}
	}
}

func TestClientIP(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, c := range []struct {
		name, remote string
		header       []string
		trusted      []netip.Prefix
		want         string
	}{
		{"direct", "1.2.3.4:5", []string{"6.6.6.6"}, nil, "1.2.3.4"},
		{"a stranger claims to be a proxy", "1.2.3.4:5", []string{"6.6.6.6"}, proxies, "1.2.3.4"},
		{"one proxy", "10.0.0.1:5", []string{"1.2.3.4"}, proxies, "1.2.3.4"},
		{"the client lies in front", "10.0.0.1:5", []string{"6.6.6.6, 1.2.3.4"}, proxies, "1.2.3.4"},
		{"two proxies, two lines", "10.0.0.1:5", []string{"6.6.6.6", "1.2.3.4, 10.9.9.9"}, proxies, "1.2.3.4"},
		{"only proxies", "10.0.0.1:5", []string{"10.0.0.3, 10.0.0.2"}, proxies, "10.0.0.3"},
		{"garbage ends the walk", "10.0.0.1:5", []string{"1.2.3.4, x, 10.0.0.2"}, proxies, "10.0.0.2"},
		{"empty header", "10.0.0.1:5", []string{""}, proxies, "10.0.0.1"},
		{"no header", "10.0.0.1:5", nil, proxies, "10.0.0.1"},
		{"IPv6 with port and zone", "[fd00::1%eth0]:5", []string{"[2001:db8::7]:443"}, proxies, "2001:db8::7"},
		{"IPv6 in brackets", "[fd00::1]:5", []string{"[2001:db8::7]"}, proxies, "2001:db8::7"},
		{"mapped IPv4", "[::ffff:10.0.0.1]:5", []string{"::ffff:1.2.3.4"}, proxies, "1.2.3.4"},
		{"Unix socket behind a proxy", "@", []string{"1.2.3.4"}, proxies, "1.2.3.4"},
		{"Unix socket", "@", []string{"1.2.3.4"}, nil, "@"},
		{"a peer without an address", "pipe", []string{"1.2.3.4"}, proxies, "pipe"},
	} {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = c.remote
		r.Header["X-Forwarded-For"] = c.header
		if got := httpmetrics.ClientIP(r, c.trusted...); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func FuzzRequestID(f *testing.F) {
	for _, s := range []string{"a", "", "a b", strings.Repeat("x", 65), "\xff", "a:b.c_d-9", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ok := httpmetrics.ValidRequestID(s)
		harmless := s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-:") == ""
		if ok && !harmless {
			t.Errorf("%q was accepted", s)
		}
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header["X-Request-Id"] = []string{s}
		w := httptest.NewRecorder()
		httpmetrics.WithRequestID(http.HandlerFunc(answer)).ServeHTTP(w, r)
		if got := w.Header().Get("X-Request-Id"); !httpmetrics.ValidRequestID(got) || ok != (got == s) {
			t.Errorf("%q was returned as %q", s, got)
		}
	})
}

func FuzzTraceParent(f *testing.F) {
	for _, s := range []string{parent, "", "00", parent + "-x", strings.ToUpper(parent), strings.Replace(parent, "00-", "ff-", 1), strings.Repeat("-", 55)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		trace, err := httpmetrics.ParseTraceParent(s)
		if (err == nil) != trace.Valid() {
			t.Fatalf("%q: %+v, %v", s, trace, err)
		}
		if err != nil {
			return
		}
		again, err := httpmetrics.ParseTraceParent(trace.String())
		if err != nil || again != trace || !strings.Contains(s, trace.TraceID) || !strings.Contains(s, trace.SpanID) {
			t.Errorf("%q is %+v, which reads as %+v, %v", s, trace, again, err)
		}
	})
}

func FuzzClientIP(f *testing.F) {
	f.Add("10.0.0.1:5", "1.2.3.4, 10.0.0.2")
	f.Add("[fd00::1]:5", "[2001:db8::7]:443,,")
	f.Add("@", "unknown, _hidden, fe80::1%eth0")
	f.Add("", ",")
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	f.Fuzz(func(t *testing.T, remote, header string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.RemoteAddr = remote
		r.Header["X-Forwarded-For"] = []string{header}
		direct, got := httpmetrics.ClientIP(r), httpmetrics.ClientIP(r, trusted...)
		if got == direct {
			return
		}
		if addr, err := netip.ParseAddr(got); err != nil || addr.String() != got {
			t.Errorf("%q forwarded for %q is %q, no address", remote, header, got)
		}
	})
}
