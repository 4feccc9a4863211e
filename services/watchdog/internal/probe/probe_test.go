package probe

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv("UPKEEP_PROBE_TEST_SERVE") != "" {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			os.Exit(1)
		}
		fmt.Println(ln.Addr())
		_ = http.Serve(ln, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

// at is the Spec for a server of the test.
func at(t *testing.T, server, path string) Spec {
	t.Helper()
	spec, err := Parse(server + path)
	if err != nil {
		t.Fatal(err)
	}
	return spec
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestHTTP(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/ok":
			fmt.Fprintf(w, "{\"ok\":true}\n\x1b[31m\tred \xff")
		case "/moved":
			http.Redirect(w, r, "/broken", http.StatusFound)
		case "/broken":
			http.Error(w, "database gone", http.StatusServiceUnavailable)
		case "/long":
			_, _ = io.Copy(w, io.LimitReader(zeros{}, 10<<20))
		case "/short":
			w.Header().Set("Content-Length", "10")
			fmt.Fprint(w, "cut")
		case "/header":
			w.Header().Set("X-Long", strings.Repeat("a", 1<<20))
		}
	})
	for _, c := range []struct {
		path   string
		ok     bool
		status int
		err    string
		body   string
	}{
		{"/ok", true, 200, "", `{"ok":true} [31m red`},
		{`/ok#"ok":true`, true, 200, "", `{"ok":true} [31m red`},
		{`/ok#"ok":false`, false, 200, `status 200, but the body does not hold "\"ok\":false"`, `{"ok":true} [31m red`},
		{"/moved", true, 302, "", `<a href="/broken">Found</a>.`},
		{"/broken", false, 503, "status 503", "database gone"},
		{"/nowhere", true, 200, "", ""},
		{"/long", true, 200, "", strings.Repeat("0", excerptLimit)},
		{"/short", false, 200, "the body broke off: unexpected EOF", "cut"},
	} {
		r := at(t, server, c.path).Run(t.Context(), 10*time.Second)
		if r.OK != c.ok || r.Status != c.status || r.Error != c.err || r.Body != c.body || !r.Answered || r.Unsure || r.Took <= 0 {
			t.Errorf("%s: %+v; want ok %v, status %d, error %q, body %q", c.path, r, c.ok, c.status, c.err, c.body)
		}
	}
	if r := at(t, server, "/header").Run(t.Context(), 10*time.Second); r.OK || r.Status != 0 {
		t.Errorf("a header of 1 MiB: %+v", r)
	}
}

func TestHTTPS(t *testing.T) {
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	defer s.Close()
	if r := at(t, s.URL, "/").Run(t.Context(), 10*time.Second); !r.OK {
		t.Errorf("a certificate that nobody vouches for: %+v", r)
	}
	plain := strings.Replace(s.URL, "https:", "http:", 1)
	if r := at(t, plain, "/").Run(t.Context(), 10*time.Second); r.OK || r.Status != 400 {
		t.Errorf("http to a TLS port: %+v", r)
	}
}

func TestNoProxyNoKeepAlive(t *testing.T) {
	if transport.Proxy != nil {
		t.Error("a proxy may be asked")
	}
	var last string
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.RemoteAddr == last, " ", r.Header.Get("Connection"))
		last = r.RemoteAddr
	})
	for range 2 {
		if r := at(t, server, "/").Run(t.Context(), 10*time.Second); !r.OK || r.Body != "false close" {
			t.Errorf("%+v, want a connection of its own that is closed", r)
		}
	}
}

func TestDeadlineHolds(t *testing.T) {
	release := make(chan struct{})
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/drip" {
			fmt.Fprint(w, "drop")
			_ = http.NewResponseController(w).Flush()
		}
		<-release
	})
	defer close(release)
	r := at(t, server, "/").Run(t.Context(), 50*time.Millisecond)
	if r.OK || r.Answered || r.Unsure || r.Error != "no answer within 50ms" || r.Took > 5*time.Second {
		t.Errorf("no answer: %+v", r)
	}
	r = at(t, server, "/drip").Run(t.Context(), 50*time.Millisecond)
	if r.OK || !r.Answered || r.Error != "the body did not end within 50ms" || r.Body != "drop" {
		t.Errorf("an endless body: %+v", r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := at(t, server, "/").Run(ctx, time.Minute); r.OK || !r.Unsure || r.Error != "the probe was cut short" {
		t.Errorf("the caller gave up: %+v", r)
	}
}

// TestFrozen stops a server by SIGSTOP. The kernel goes on accepting its connections.
func TestFrozen(t *testing.T) {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "UPKEEP_PROBE_TEST_SERVE=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	var addr string
	if _, err := fmt.Fscan(out, &addr); err != nil {
		t.Fatal(err)
	}
	if r := at(t, "http://"+addr, "/").Run(t.Context(), 10*time.Second); !r.OK {
		t.Fatalf("before: %+v", r)
	}
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	var state syscall.WaitStatus // the signal takes its time: wait until it has arrived
	if _, err := syscall.Wait4(cmd.Process.Pid, &state, syscall.WUNTRACED, nil); err != nil || !state.Stopped() {
		t.Fatalf("not stopped: %v, %v", state, err)
	}
	if r := at(t, "tcp://"+addr, "").Run(t.Context(), 10*time.Second); !r.OK {
		t.Errorf("tcp of a frozen process: %+v, want that the kernel accepts", r)
	}
	r := at(t, "http://"+addr, "/").Run(t.Context(), 200*time.Millisecond)
	if r.OK || r.Answered || r.Unsure || r.Took > 5*time.Second {
		t.Errorf("http of a frozen process: %+v", r)
	}
}

func TestTCP(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	spec := at(t, "tcp://"+ln.Addr().String(), "")
	if r := spec.Run(t.Context(), 10*time.Second); !r.OK || !r.Answered {
		t.Errorf("listening: %+v", r)
	}
	ln.Close()
	if r := spec.Run(t.Context(), 10*time.Second); r.OK || !r.Answered || r.Unsure || r.Error != "connection refused" {
		t.Errorf("closed: %+v", r)
	}
}

func TestClosedWithoutAnswer(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	r := at(t, "http://"+ln.Addr().String(), "/").Run(t.Context(), 10*time.Second)
	if r.OK || !r.Answered || r.Unsure || r.Error != "the connection was closed without an answer" {
		t.Errorf("%+v", r)
	}
}

func TestUnsure(t *testing.T) {
	for in, want := range map[string]string{
		"none":                         "there is nothing to ask",
		"http://:80/":                  "the address is not known",
		"http://nowhere.invalid:80/":   "nowhere.invalid",
		"tcp://host.nowhere.invalid:1": "nowhere.invalid",
	} {
		spec, err := Parse(in)
		if err != nil {
			t.Fatal(err)
		}
		r := spec.Run(t.Context(), 10*time.Second)
		if r.OK || r.Answered || !r.Unsure || !strings.Contains(r.Error, want) {
			t.Errorf("%s: %+v, want it unsure: %s", in, r, want)
		}
	}
}

func TestWithHost(t *testing.T) {
	spec := Spec{Scheme: "tcp", Port: 80}
	for host, want := range map[string]string{"10.0.0.1": "tcp://10.0.0.1:80", "fd00::1": "tcp://[fd00::1]:80", "api": "tcp://api:80"} {
		if got := spec.WithHost(host).String(); got != want {
			t.Errorf("%s became %s, want %s", host, got, want)
		}
	}
	if got := spec.WithHost("written").WithHost("10.0.0.1").Host; got != "written" {
		t.Errorf("host = %q, want the one that is written", got)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}
