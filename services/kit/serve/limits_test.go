package serve_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/kit/serve"
)

// reader answers with what became of reading the body.
var reader = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		w.WriteHeader(serve.BodyStatus(err))
	}
	fmt.Fprint(w, n)
})

func TestBodyLimit(t *testing.T) {
	url, _ := start(t, serve.Options{Handler: reader, MaxBodyBytes: 1000})
	for _, c := range []struct {
		name string
		body io.Reader
		want int
	}{
		{"just right", strings.NewReader(strings.Repeat("x", 1000)), 200},
		{"too long, declared", strings.NewReader(strings.Repeat("x", 1001)), 413},
		{"too long, chunked", io.MultiReader(strings.NewReader(strings.Repeat("x", 1001))), 413},
		{"none", nil, 200},
	} {
		res, err := client(t).Post(url, "text/plain", c.body)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want {
			t.Errorf("%s: %d, want %d", c.name, res.StatusCode, c.want)
		}
	}
	if got := serve.BodyStatus(errors.New("broken")); got != 400 {
		t.Errorf("BodyStatus of a broken body = %d", got)
	}
}

func TestWithoutABodyLimit(t *testing.T) {
	url, _ := start(t, serve.Options{Handler: reader, MaxBodyBytes: -1})
	res, err := client(t).Post(url, "text/plain", strings.NewReader(strings.Repeat("x", 20<<20)))
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 200 {
		t.Errorf("%d", res.StatusCode)
	}
}

func TestHeaderLimit(t *testing.T) {
	url, _ := start(t, serve.Options{Handler: hello, MaxHeaderBytes: 8 << 10})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Long", strings.Repeat("x", 64<<10))
	res, err := client(t).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("%d, want 431", res.StatusCode)
	}
}

func TestSlowClientsAreCut(t *testing.T) {
	url, _ := start(t, serve.Options{Handler: reader, ReadHeaderTimeout: 50 * time.Millisecond, ReadTimeout: 100 * time.Millisecond})
	for name, start := range map[string]string{
		"slow headers": "GET / HTTP/1.1\r\nHost: x\r\nX-A:",
		"slow body":    "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, start); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.Copy(io.Discard, bufio.NewReader(conn)); errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the connection stayed open", name)
		}
		_ = conn.Close()
	}
}

func TestH2C(t *testing.T) {
	protocol := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Proto) })
	url, stop := start(t, serve.Options{Handler: protocol, H2C: true})
	for _, h2 := range []bool{true, false} {
		transport := &http.Transport{Protocols: new(http.Protocols)}
		transport.Protocols.SetUnencryptedHTTP2(h2)
		transport.Protocols.SetHTTP1(!h2)
		_, body, err := get(&http.Client{Transport: transport}, url)
		if want := map[bool]string{true: "HTTP/2.0", false: "HTTP/1.1"}[h2]; body != want {
			t.Errorf("%q, %v; want %s", body, err, want)
		}
		transport.CloseIdleConnections()
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

func TestApplyLimits(t *testing.T) {
	t.Setenv("GOMAXPROCS", "")
	t.Setenv("GOMEMLIMIT", "")
	procs, memory := runtime.GOMAXPROCS(4), debug.SetMemoryLimit(-1)
	t.Cleanup(func() {
		runtime.GOMAXPROCS(procs)
		debug.SetMemoryLimit(memory)
	})
	if got := serve.ApplyLimits(serve.Limits{}); got != (serve.Applied{}) {
		t.Errorf("without limits: %+v", got)
	}
	if got := serve.ApplyLimits(serve.Limits{CPUs: 8, MemoryBytes: math.MaxUint64}); got != (serve.Applied{}) {
		t.Errorf("with limits beyond the machine: %+v", got)
	}
	got := serve.ApplyLimits(serve.Limits{CPUs: 2.5, MemoryBytes: 100 << 20})
	if want := (serve.Applied{GOMAXPROCS: 3, GOMEMLIMIT: 90 << 20}); got != want || runtime.GOMAXPROCS(0) != 3 || debug.SetMemoryLimit(-1) != 90<<20 {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := serve.ApplyLimits(serve.Limits{CPUs: 0.25}); got.GOMAXPROCS != 2 {
		t.Errorf("a quarter of a CPU: %+v, want 2 as the runtime has it", got)
	}
	t.Setenv("GOMAXPROCS", "1")
	t.Setenv("GOMEMLIMIT", "1GiB")
	if got := serve.ApplyLimits(serve.Limits{CPUs: 1, MemoryBytes: 1}); got != (serve.Applied{}) {
		t.Errorf("set by hand: %+v", got)
	}
}
