package serve

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Step is one named part of the teardown.
type Step struct {
	Name string
	Func func(context.Context) error
}

// Options say what to serve and how to end. Zero values mean the defaults.
type Options struct {
	// Listeners are served all by the same server. At least one is needed.
	Listeners []net.Listener
	// Handler answers the requests.
	Handler http.Handler

	// ReadHeaderTimeout bounds the time a client takes for its headers (10 s).
	ReadHeaderTimeout time.Duration
	// ReadTimeout bounds a whole request with its body (60 s). A handler that
	// expects more extends it by http.ResponseController.SetReadDeadline.
	ReadTimeout time.Duration
	// WriteTimeout bounds the answer (60 s); SetWriteDeadline extends it.
	WriteTimeout time.Duration
	// IdleTimeout closes connections that are kept open unused (120 s).
	IdleTimeout time.Duration
	// MaxHeaderBytes: longer headers are answered with 431 (64 KiB).
	MaxHeaderBytes int
	// MaxBodyBytes: longer bodies are answered with 413 (10 MiB); -1 means no limit.
	MaxBodyBytes int64
	// H2C also speaks HTTP/2 without TLS, for proxies that do.
	H2C bool
	// ErrorLog takes what net/http has to say: broken handshakes, panics of handlers.
	ErrorLog *log.Logger

	// BeforeDrain runs first when the context ends: let readiness fall here.
	BeforeDrain func()
	// DrainDelay keeps accepting after BeforeDrain, so that balancers notice (0). Answers
	// then close their connections.
	DrainDelay time.Duration
	// ShutdownTimeout is the one deadline for requests in flight and Teardown (20 s). Where
	// there are teardown steps, requests get three quarters of it at most, and the steps share the rest.
	ShutdownTimeout time.Duration
	// Teardown runs in order after the last request, even when an earlier step failed.
	Teardown []Step
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	set(&o.ReadHeaderTimeout, 10*time.Second)
	set(&o.ReadTimeout, time.Minute)
	set(&o.WriteTimeout, time.Minute)
	set(&o.IdleTimeout, 2*time.Minute)
	set(&o.ShutdownTimeout, 20*time.Second)
	if o.MaxHeaderBytes == 0 {
		o.MaxHeaderBytes = 64 << 10
	}
	if o.MaxBodyBytes == 0 {
		o.MaxBodyBytes = 10 << 20
	}
	return o
}

// Run serves until ctx is done or a listener fails, then drains and tears
// down. A clean end returns nil, whatever ended ctx.
func Run(ctx context.Context, o Options) error {
	o = o.withDefaults()
	if len(o.Listeners) == 0 || o.Handler == nil {
		return errors.New("serve: Options.Listeners and Options.Handler are needed")
	}
	var draining atomic.Bool
	srv := newServer(o, &draining)
	failed := make(chan error, len(o.Listeners))
	for _, ln := range o.Listeners {
		go func() { failed <- serveOn(srv, ln) }()
	}

	var cause error
	running := len(o.Listeners)
	select {
	case <-ctx.Done():
	case cause = <-failed:
		running--
	}
	errs := []error{cause}

	if o.BeforeDrain != nil {
		errs = append(errs, contain(ctx, Step{Name: "before drain", Func: func(context.Context) error {
			o.BeforeDrain()
			return nil
		}}))
	}
	draining.Store(true)
	if cause == nil && o.DrainDelay > 0 {
		select {
		case <-time.After(o.DrainDelay):
		case err := <-failed:
			running--
			errs = append(errs, err)
		}
	}

	whole, cancel := context.WithTimeout(context.WithoutCancel(ctx), o.ShutdownTimeout)
	defer cancel()
	errs = append(errs, drain(whole, srv, o))
	for range running {
		errs = append(errs, <-failed)
	}
	return errors.Join(append(errs, tearDown(whole, o.Teardown)...)...)
}

// tearDown runs the steps in order. So that one that hangs leaves time for those behind it, each may take
// what is left of the deadline, divided by the steps that are left.
func tearDown(whole context.Context, steps []Step) []error {
	var errs []error
	deadline, _ := whole.Deadline()
	for i, step := range steps {
		share := time.Until(deadline) / time.Duration(len(steps)-i)
		ctx, cancel := context.WithTimeout(whole, share)
		errs = append(errs, runStep(ctx, step))
		cancel()
	}
	return errs
}

func newServer(o Options, draining *atomic.Bool) *http.Server {
	srv := &http.Server{
		Handler:           farewell(draining, limitBody(o.Handler, o.MaxBodyBytes)),
		ReadHeaderTimeout: o.ReadHeaderTimeout,
		ReadTimeout:       o.ReadTimeout,
		WriteTimeout:      o.WriteTimeout,
		IdleTimeout:       o.IdleTimeout,
		MaxHeaderBytes:    o.MaxHeaderBytes,
		ErrorLog:          o.ErrorLog,
	}
	if o.H2C {
		srv.Protocols = new(http.Protocols)
		srv.Protocols.SetHTTP1(true)
		srv.Protocols.SetUnencryptedHTTP2(true)
	}
	return srv
}

// farewell asks clients that keep their connection to open another one, once draining began: it
// will be refused or balanced elsewhere instead of cut.
func farewell(draining *atomic.Bool, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if draining.Load() {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

func serveOn(srv *http.Server, ln net.Listener) error {
	err := srv.Serve(ln)
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve on %s: %w", ln.Addr(), err)
}

// drain closes the listeners and waits for the requests in flight. Where teardown steps
// follow, a quarter of the time is kept for them.
func drain(whole context.Context, srv *http.Server, o Options) error {
	limit := o.ShutdownTimeout
	if len(o.Teardown) > 0 {
		limit -= limit / 4
	}
	ctx, cancel := context.WithTimeout(whole, limit)
	defer cancel()
	err := srv.Shutdown(ctx)
	if err == nil {
		return nil
	}
	return errors.Join(fmt.Errorf("drain: requests still running after %v were cut: %w", limit, err), srv.Close())
}

// runStep runs one step and waits no longer than ctx.
func runStep(ctx context.Context, step Step) error {
	done := make(chan error, 1)
	go func() { done <- contain(ctx, step) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done: // finished in the same moment
		return err
	default:
		return fmt.Errorf("%s: gave up waiting: %w", step.Name, context.Cause(ctx))
	}
}

// contain runs one step here and turns its panic into an error.
func contain(ctx context.Context, step Step) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%s: panic: %v", step.Name, v)
		}
	}()
	if err := step.Func(ctx); err != nil {
		return fmt.Errorf("%s: %w", step.Name, err)
	}
	return nil
}
