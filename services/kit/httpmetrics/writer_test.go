package httpmetrics_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

// plain has none of the optional interfaces; the types below add them.
type plain struct {
	header http.Header
	log    *[]string
}

func (p plain) Header() http.Header         { return p.header }
func (p plain) Write(b []byte) (int, error) { return len(b), nil }
func (p plain) WriteHeader(int)             {}

type flush struct{ log *[]string }

func (f flush) Flush() { *f.log = append(*f.log, "flush") }

type hijack struct{ log *[]string }

func (h hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	*h.log = append(*h.log, "hijack")
	return nil, nil, nil
}

type readFrom struct{ log *[]string }

func (f readFrom) ReadFrom(r io.Reader) (int64, error) {
	*f.log = append(*f.log, "readfrom")
	return io.Copy(io.Discard, r)
}

// A handler sees exactly the interfaces that the server offers, and they work.
func TestOptionalInterfaces(t *testing.T) {
	for i := range 8 {
		var log []string
		p, f, h, r := plain{http.Header{}, &log}, flush{&log}, hijack{&log}, readFrom{&log}
		writers := []http.ResponseWriter{
			p,
			struct {
				plain
				flush
			}{p, f},
			struct {
				plain
				hijack
			}{p, h},
			struct {
				plain
				flush
				hijack
			}{p, f, h},
			struct {
				plain
				readFrom
			}{p, r},
			struct {
				plain
				flush
				readFrom
			}{p, f, r},
			struct {
				plain
				hijack
				readFrom
			}{p, h, r},
			struct {
				plain
				flush
				hijack
				readFrom
			}{p, f, h, r},
		}
		var want, got []string
		for bit, name := range []string{"flush", "hijack", "readfrom"} {
			if i&(1<<bit) != 0 {
				want = append(want, name)
			}
		}
		m := httpmetrics.New(prometheus.NewRegistry())
		m.Handler("x", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			if f, ok := w.(http.Flusher); ok {
				got = append(got, "flush")
				f.Flush()
			}
			if h, ok := w.(http.Hijacker); ok {
				got = append(got, "hijack")
				_, _, _ = h.Hijack()
			}
			if r, ok := w.(io.ReaderFrom); ok {
				got = append(got, "readfrom")
				_, _ = r.ReadFrom(strings.NewReader("abc"))
			}
		})).ServeHTTP(writers[i], httptest.NewRequest(http.MethodGet, "/", nil))
		if fmt.Sprint(got) != fmt.Sprint(want) || fmt.Sprint(log) != fmt.Sprint(want) {
			t.Errorf("writer %d: offered %v, reached %v; want %v", i, got, log, want)
		}
	}
}

// http.ResponseController and io.Copy reach the real server through the wrapper.
func TestOnARealServer(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, bytes.Repeat([]byte("x"), 100_000), 0o600); err != nil {
		t.Fatal(err)
	}
	m := httpmetrics.New(prometheus.NewRegistry())
	routes := http.NewServeMux()
	routes.HandleFunc("/controller", func(w http.ResponseWriter, _ *http.Request) {
		c := http.NewResponseController(w)
		err := errors.Join(c.SetReadDeadline(time.Now().Add(time.Minute)), c.SetWriteDeadline(time.Now().Add(time.Minute)),
			c.EnableFullDuplex(), c.Flush())
		fmt.Fprint(w, err)
	})
	routes.HandleFunc("/file", func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, file) })
	routes.HandleFunc("/string", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "abc") })
	routes.HandleFunc("/hijack", func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = rw.WriteString("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n")
		_ = rw.Flush()
	})
	server := httptest.NewServer(m.Handler("x", routes))
	defer server.Close()
	for path, want := range map[string]string{"/controller": "200 5", "/file": "200 100000", "/string": "200 3", "/hijack": "101 0"} {
		res, err := server.Client().Get(server.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode == http.StatusSwitchingProtocols {
			_ = res.Body.Close()
			continue
		}
		body, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if got := fmt.Sprint(res.StatusCode, len(body)); err != nil || got != want {
			t.Errorf("%s: %s %v, want %s", path, got, err, want)
		}
	}
}

func TestAHijackedConnectionHasNoLatency(t *testing.T) {
	reg := prometheus.NewRegistry()
	m := httpmetrics.New(reg)
	var log []string
	m.Handler("ws", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _, _ = w.(http.Hijacker).Hijack()
		if !httpmetrics.Begun(w) {
			t.Error("a hijacked answer has begun")
		}
	})).ServeHTTP(struct {
		plain
		hijack
	}{plain{http.Header{}, &log}, hijack{&log}}, httptest.NewRequest(http.MethodGet, "/", nil))
	got := exposition(t, reg)
	for _, want := range []string{`http_requests_total{code="101",method="GET",route="ws"} 1`, `http_request_duration_seconds_count{code="101",method="GET",route="ws"} 0`} {
		if !strings.Contains(got, want) {
			t.Errorf("want %s in\n%s", want, got)
		}
	}
}
