package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
)

// tap stands between the guard and the engine and counts what passes, which neither of them tells. What the guard receives
// of events it hands on to the watchdog. Beside that, the tap counts the events of all containers, asked for by nobody else.
type tap struct {
	calls    atomic.Int64 // requests to the engine
	received atomic.Int64 // events that the engine sent to the guard
	emitted  atomic.Int64 // events of containers that there were
	ended    chan error   // why the tap's own stream of events ended
}

// counts are what a tap has counted so far.
type counts struct{ calls, received, emitted int64 }

// openTap serves the engine, whose socket is engine, at another socket until ctx ends or close is called.
func openTap(ctx context.Context, engine, socket string) (t *tap, stop func(), err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer func() {
		if err != nil {
			cancel()
		}
	}()
	t = &tap{ended: make(chan error, 1)}
	transport := &http.Transport{MaxIdleConnsPerHost: 100, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", engine)
	}}
	if err := t.listen(ctx, transport); err != nil {
		return nil, nil, fmt.Errorf("follow the engine's events: %w", err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", socket)
	if err != nil {
		return nil, nil, fmt.Errorf("listen between guard and engine: %w", err)
	}
	quiet := log.New(io.Discard, "", 0) // streams are cut at the end, which is no fault
	server := &http.Server{ErrorLog: quiet, Handler: &httputil.ReverseProxy{
		Transport: transport, ErrorLog: quiet,
		Rewrite: func(r *httputil.ProxyRequest) {
			t.calls.Add(1)
			r.SetURL(&url.URL{Scheme: "http", Host: "docker"})
		},
		ModifyResponse: func(resp *http.Response) error {
			if strings.HasSuffix(resp.Request.URL.Path, "/events") {
				resp.Body = &lineCounter{resp.Body, &t.received}
			}
			return nil
		},
	}}
	go func() { _ = server.Serve(l) }() // ends when it is closed
	return t, func() { cancel(); server.Close(); transport.CloseIdleConnections() }, nil
}

// listen counts the events of all containers from now on.
func (t *tap) listen(ctx context.Context, transport http.RoundTripper) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://docker/events?filters="+url.QueryEscape(`{"type":["container"]}`), nil)
	if err != nil {
		return err
	}
	resp, err := transport.RoundTrip(req) //nolint:bodyclose // it is closed where it has been read to the end, below
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return errors.New(resp.Status)
	}
	go func() {
		defer resp.Body.Close()
		_, err := io.Copy(io.Discard, &lineCounter{resp.Body, &t.emitted})
		t.ended <- errors.Join(errors.New("the engine's stream of events ended"), err)
	}()
	return nil
}

// read returns what was counted, or why the counting has ended.
func (t *tap) read() (counts, error) {
	select {
	case err := <-t.ended:
		return counts{}, err
	default:
		return counts{t.calls.Load(), t.received.Load(), t.emitted.Load()}, nil
	}
}

// lineCounter counts the lines that are read. The engine writes one event a line.
type lineCounter struct {
	io.ReadCloser
	lines *atomic.Int64
}

func (c *lineCounter) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.lines.Add(int64(bytes.Count(p[:n], []byte{'\n'})))
	return n, err
}
