package main

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
)

// The engine sends three events to who wants all, one of them to who filters. What passes is not changed.
func TestTapCounts(t *testing.T) {
	dir := t.TempDir()
	engine := filepath.Join(dir, "engine")
	l, err := net.Listen("unix", engine)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.URL.Path == "/_ping":
			fmt.Fprint(w, "OK ", r.Method, " ", r.URL.RawQuery)
		case strings.Contains(r.URL.Query().Get("filters"), "event"):
			fmt.Fprintln(w, `{"Action":"die"}`)
		default:
			fmt.Fprintln(w, `{"Action":"exec_start"}`)
			fmt.Fprintln(w, `{"Action":"exec_die"}`)
			fmt.Fprintln(w, `{"Action":"die"}`)
		}
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		if strings.HasSuffix(r.URL.Path, "/events") {
			<-r.Context().Done() // a stream has no end of its own
		}
	})}
	go server.Serve(l)
	defer server.Close()

	socket := filepath.Join(dir, "tap")
	tap, stop, err := openTap(t.Context(), engine, socket)
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	guard := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}}
	line := func(path string) string {
		resp, err := guard.Get("http://engine" + path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { resp.Body.Close() })
		line, _ := bufio.NewReader(resp.Body).ReadString('\n')
		return line
	}
	if got, want := line("/_ping?a=b"), "OK GET a=b"; got != want {
		t.Errorf("the ping answers %q, want %q", got, want)
	}
	if got, want := line(`/v1.41/events?filters={"event":["die"]}`), "{\"Action\":\"die\"}\n"; got != want {
		t.Errorf("the first event is %q, want %q", got, want)
	}
	server.Close()
	cause := <-tap.ended // by now all that was sent has been counted
	if got, want := (counts{tap.calls.Load(), tap.received.Load(), tap.emitted.Load()}), (counts{2, 1, 3}); got != want {
		t.Errorf("counted %+v, want %+v", got, want)
	}
	tap.ended <- cause
	if _, err := tap.read(); err == nil {
		t.Error("a tap that has lost the engine still gives counts")
	}
}

func TestTapNeedsAnEngine(t *testing.T) {
	if _, _, err := openTap(t.Context(), filepath.Join(t.TempDir(), "none"), filepath.Join(t.TempDir(), "tap")); err == nil {
		t.Error("no error without an engine")
	}
}
