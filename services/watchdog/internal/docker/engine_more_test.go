package docker

import (
	"bytes"
	"context"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// exec runs a command in a container and waits for its end.
func (l *lab) exec(id, cmd string) {
	l.t.Helper()
	res, err := l.cli.ExecCreate(l.t.Context(), id, client.ExecCreateOptions{Cmd: []string{"sh", "-c", cmd}})
	l.must(err)
	att, err := l.cli.ExecAttach(l.t.Context(), res.ID, client.ExecAttachOptions{})
	l.must(err)
	defer att.Close()
	_, err = io.Copy(io.Discard, att.Reader)
	l.must(err)
}

// net makes a network, and removes it when the test ends and its containers are gone.
func (l *lab) net() string {
	l.t.Helper()
	name := l.name("net")
	_, err := l.cli.NetworkCreate(l.t.Context(), name, client.NetworkCreateOptions{Driver: "bridge", Internal: true})
	l.must(err)
	l.t.Cleanup(func() {
		if _, err := l.cli.NetworkRemove(context.Background(), name, client.NetworkRemoveOptions{}); err != nil {
			l.t.Logf("the network stays: %v", err)
		}
	})
	return name
}

var topPIDs = client.ContainerTopOptions{Arguments: []string{"-eo", "pid"}}

func atoi(t *testing.T, s string) int {
	t.Helper()
	n, err := strconv.Atoi(s)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func makeDir(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func removeDir(t *testing.T, dir string) {
	t.Helper()
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
}

// rewind lets the next wait begin at the start again, for things that come in any order.
func (w *watching) rewind() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cursor = 0
}

// probeUntil probes again and again, as a server takes a moment to start, until the result fits.
func (w *watching) probeUntil(target string, run supervise.Instance, fits func(supervise.ProbeResult) bool) (supervise.ProbeResult, string) {
	w.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patient)
	for {
		r, body := w.Probe(w.t.Context(), target, run)
		if fits(r) {
			return r, body
		}
		select {
		case <-tick.C:
		case <-deadline:
			w.t.Fatalf("the probe never went as expected, the last: %+v", r)
		}
	}
}

// proxy stands between a driver and the engine and breaks connections on request.
type proxy struct {
	t       *testing.T
	network string
	engine  string
	addr    string
	mu      sync.Mutex
	ln      net.Listener
	conns   map[net.Conn]bool
	sent    bytes.Buffer // what the driver sent
}

func newProxy(t *testing.T) *proxy {
	t.Helper()
	network, engine, err := splitHost(driverHost())
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{t: t, network: network, engine: engine, addr: "127.0.0.1:0", conns: map[net.Conn]bool{}}
	p.accept()
	t.Cleanup(p.refuse)
	return p
}

func (p *proxy) host() string { return "tcp://" + p.addr }

// accept begins to listen, always at the same address.
func (p *proxy) accept() {
	ln, err := net.Listen("tcp", p.addr)
	if err != nil {
		p.t.Fatal(err)
	}
	p.mu.Lock()
	p.ln, p.addr = ln, ln.Addr().String()
	p.mu.Unlock()
	go func() {
		for {
			in, err := ln.Accept()
			if err != nil {
				return
			}
			out, err := net.Dial(p.network, p.engine)
			if err != nil {
				in.Close()
				continue
			}
			p.mu.Lock()
			p.conns[in], p.conns[out] = true, true
			p.mu.Unlock()
			go p.copy(out, io.TeeReader(in, p), in)
			go p.copy(in, out, out)
		}
	}()
}

func (p *proxy) copy(dst net.Conn, src io.Reader, also net.Conn) {
	_, _ = io.Copy(dst, src)
	dst.Close()
	also.Close()
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, dst)
	delete(p.conns, also)
}

// Write notes what the driver sends.
func (p *proxy) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sent.Write(b)
}

// count tells how often the driver sent a text.
func (p *proxy) count(text string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return bytes.Count(p.sent.Bytes(), []byte(text))
}

// cut breaks all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for c := range p.conns {
		c.Close()
	}
}

// refuse breaks all connections and takes no new ones.
func (p *proxy) refuse() {
	p.mu.Lock()
	p.ln.Close()
	p.mu.Unlock()
	p.cut()
}
