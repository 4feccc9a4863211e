package health_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/upkeephq/upkeep/services/kit/health"
)

// expectError wants an error that contains a text, or none when it is empty.
func expectError(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s: %v, want no error", what, err)
	case want != "" && (err == nil || !strings.Contains(err.Error(), want)):
		t.Errorf("%s: %v, want %q", what, err, want)
	}
}

func TestHTTPCheck(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
		case "/moved":
			http.Redirect(w, r, "/ok", http.StatusMovedPermanently)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}))
	defer server.Close()
	expectError(t, "200", health.HTTP(server.URL+"/ok")(t.Context()), "")
	expectError(t, "301", health.HTTP(server.URL+"/moved")(t.Context()), "got 301")
	expectError(t, "502", health.HTTP(server.URL+"/ill")(t.Context()), "got 502 Bad Gateway, want 2xx")

	err := health.HTTP("http://user:hunter2@127.0.0.1:1/?key=hunter2")(t.Context())
	expectError(t, "nobody listens", err, "refused")
	if strings.Contains(fmt.Sprint(err), "hunter2") {
		t.Errorf("the secrets of the address are in the error: %v", err)
	}
	expectError(t, "no address", health.HTTP("http://[::1")(t.Context()), "missing ']'")
}

func TestTCPCheck(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	expectError(t, "somebody listens", health.TCP(listener.Addr().String())(t.Context()), "")
	listener.Close()
	expectError(t, "nobody listens", health.TCP(listener.Addr().String())(t.Context()), "refused")
}

func TestDNSCheck(t *testing.T) {
	expectError(t, "an address", health.DNS("127.0.0.1")(t.Context()), "")
	expectError(t, "no name", health.DNS("no such name")(t.Context()), "no such host")
}

type pinger struct{ err error }

func (p pinger) PingContext(context.Context) error { return p.err }

func TestPing(t *testing.T) {
	expectError(t, "up", health.Ping(pinger{})(t.Context()), "")
	expectError(t, "down", health.Ping(pinger{errDown})(t.Context()), "connection refused")
}

func TestThreshold(t *testing.T) {
	limits := health.Limits{Degraded: 0.8, Unhealthy: 0.95}
	for _, test := range []struct {
		value float64
		err   error
		want  string
		warn  bool
	}{
		{value: 0.5},
		{value: math.NaN()},
		{value: 0.8, want: "80%, degraded from 80%", warn: true},
		{value: 0.9123, want: "91.2%, degraded from 80%", warn: true},
		{value: 0.95, want: "95%, unhealthy from 95%"},
		{err: errDown, want: "connection refused", warn: true},
	} {
		err := health.Threshold("ratio", limits, func() (float64, error) { return test.value, test.err })(t.Context())
		expectError(t, fmt.Sprint(test.value), err, test.want)
		if warned := err != nil && errors.As(err, new(interface{ Unwrap() error })); warned != test.warn {
			t.Errorf("%v: warning %v, want %v", test.value, warned, test.warn)
		}
	}
	never := health.Threshold("", health.Limits{}, func() (float64, error) { return math.MaxFloat64, nil })
	expectError(t, "without limits", never(t.Context()), "")
	if health.Warn(nil) != nil {
		t.Error("Warn(nil) is an error")
	}
}

func TestProcessLimits(t *testing.T) {
	expectError(t, "few goroutines", health.Goroutines(health.Limits{Unhealthy: 1e6})(t.Context()), "")
	expectError(t, "any goroutine", health.Goroutines(health.Limits{Unhealthy: 1})(t.Context()), "goroutines, unhealthy from 1 goroutines")

	pause := health.GCPause(health.Limits{Unhealthy: 1e-12})
	runtime.GC()
	expectError(t, "after a collection", pause(t.Context()), "seconds, unhealthy from")
	defer debugGC(-1)()
	expectError(t, "no collection since", pause(t.Context()), "")
}

func TestDisk(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Log("not Linux: the fill of disks is not tested here")
		return
	}
	expectError(t, "roomy", health.Disk(t.TempDir(), health.Limits{Unhealthy: 1})(t.Context()), "")
	expectError(t, "any use", health.Disk("/", health.Limits{Unhealthy: 1e-9})(t.Context()), "unhealthy from")
	expectError(t, "no such folder", health.Disk("/no/such/folder", health.Limits{})(t.Context()), "no such file")
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		beat := health.NewHeartbeat(time.Minute)
		expectError(t, "new", beat.Check(t.Context()), "")
		time.Sleep(61 * time.Second)
		expectError(t, "silent", beat.Check(t.Context()), "no beat for 1m1s, want one every 1m0s")
		beat.Beat()
		expectError(t, "after a beat", beat.Check(t.Context()), "")
		beat.Stop()
		time.Sleep(time.Hour)
		expectError(t, "ended", beat.Check(t.Context()), "")
		beat.Beat()
		time.Sleep(time.Hour)
		expectError(t, "begun again and silent", beat.Check(t.Context()), "no beat for")
	})
}

func TestObserveOutsideOfACheckDoesNothing(t *testing.T) {
	health.Observe(t.Context(), 1, "ratio")
}
