package docker

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/moby/moby/client"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// DefaultHost is where the engine listens unless told otherwise.
const DefaultHost = client.DefaultDockerHost

// Options say how to watch. The zero value watches the local engine with the default policy.
type Options struct {
	Host     string           // of the engine: unix:///var/run/docker.sock, tcp://guard:2375; empty = DefaultHost
	Defaults supervise.Policy // what labels override; the zero value means supervise.DefaultPolicy
	Self     string           // ID, name or host name of the watchdog's own container, see Self: never a target
	Resync   time.Duration    // between looks at everything; 0 = 30 s
	Since    time.Time        // when the watchdog last looked: kill signals since then are replayed, as far as the engine recalls
	Log      *slog.Logger     // for what no Notice tells; nil = silence
}

// Driver watches and restarts containers. Make one with New; its methods may be called from any goroutine.
type Driver struct {
	opts    Options
	log     *slog.Logger
	out     outbox
	reg     *registry
	samples samples
	slack   time.Duration // beyond the stop timeout, for the rest of a restart
	peeks   chan string   // IDs of containers to look at once more
	doubts  time.Time     // of Run: when an engine that was lost began to signal everybody, zero if it did not

	mu    sync.Mutex
	cli   *client.Client // nil while there is no connection
	self  self
	calls map[string]bool // IDs of containers with a restart under way
	alive time.Time       // when the engine was last known to answer
}

// New makes a Driver. It does not connect yet, so that a missing engine is no error here; a malformed host is.
func New(opts Options) (*Driver, error) {
	opts.Host = cmp.Or(opts.Host, DefaultHost)
	opts.Resync = cmp.Or(opts.Resync, 30*time.Second)
	if opts.Defaults == (supervise.Policy{}) {
		opts.Defaults = supervise.DefaultPolicy()
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	d := &Driver{opts: opts, log: opts.Log, calls: map[string]bool{}, alive: opts.Since, slack: slack}
	d.out.wake, d.peeks = make(chan struct{}, 1), make(chan string, eventBuffer)
	d.reg = newRegistry(opts.Defaults, opts.Self, d.out.push)
	if _, err := d.dial(); err != nil {
		return nil, err
	}
	if !opts.Since.IsZero() {
		d.doubts = opts.Since.Add(-unknownEnd)
	}
	return d, nil
}

// errNotConnected is what calls end with while there is no engine.
var errNotConnected = errors.New("there is no connection to the docker engine")

// dial makes a client. A new one is made for every connection, as a client settles on one API version for good, while
// an engine may come back upgraded or downgraded. The transport is our own, as the library's would send calls to
// tcp://guard:2375 through the proxy that HTTP_PROXY names.
func (d *Driver) dial() (*client.Client, error) {
	network, address, err := splitHost(d.opts.Host)
	if err != nil {
		return nil, err
	}
	dialer := &net.Dialer{Timeout: 5 * time.Second}
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, network, address)
		},
		MaxIdleConns: 16, MaxIdleConnsPerHost: 16, IdleConnTimeout: 30 * time.Second,
		DisableCompression: true,
	}
	return client.New(
		client.WithHost(d.opts.Host),
		client.WithHTTPClient(&http.Client{Transport: transport, CheckRedirect: client.CheckRedirect}),
		client.WithTLSClientConfigFromEnv(),
		client.WithAPIVersionFromEnv(),
		client.WithUserAgent("upkeep-watchdog"),
	)
}

// splitHost tells how to reach the engine.
func splitHost(host string) (network, address string, err error) {
	u, err := client.ParseHostURL(host)
	switch {
	case err != nil:
		return "", "", fmt.Errorf("docker host %q: allowed are unix:///PATH and tcp://HOST:PORT", host)
	case u.Scheme == "unix":
		return "unix", u.Host, nil
	case u.Scheme == "tcp" && u.Port() != "":
		return "tcp", u.Host, nil
	}
	return "", "", fmt.Errorf("docker host %q: allowed are unix:///PATH and tcp://HOST:PORT", host)
}

// client returns the client of the present connection.
func (d *Driver) client() (*client.Client, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.cli == nil {
		return nil, errNotConnected
	}
	return d.cli, nil
}
