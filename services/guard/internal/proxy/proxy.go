// Package proxy is the guard's HTTP side: it lets pass what the policy allows and answers everything else itself.
package proxy

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/upkeephq/upkeep/services/guard/internal/engine"
	"github.com/upkeephq/upkeep/services/guard/internal/policy"
)

// Guard answers on behalf of the engine.
type Guard struct {
	engine  *engine.Engine
	healthy func() error
	closing context.Context
	denials *denials
	log     *slog.Logger
	places  chan struct{}
}

// Options are what a Guard is made of.
type Options struct {
	Engine  *engine.Engine
	Healthy func() error    // nil when the engine answered lately
	Closing context.Context // its end closes the streams
	Log     *slog.Logger
}

// At most this many requests are under way at once, so that a wild client cannot use up the engine's file descriptors.
const maxUnderWay = 64

// New returns a Guard.
func New(o Options) *Guard {
	return &Guard{engine: o.Engine, healthy: o.Healthy, closing: o.Closing, log: o.Log,
		denials: newDenials(o.Log), places: make(chan struct{}, maxUnderWay)}
}

// Server wraps the guard in an HTTP server with its limits. It has neither a read nor a write timeout, since events have no
// end: nothing that passes has a body to read, and each write has a deadline of its own.
func (g *Guard) Server() *http.Server {
	return &http.Server{
		Handler:                      g,
		ReadHeaderTimeout:            10 * time.Second,
		IdleTimeout:                  2 * time.Minute,
		MaxHeaderBytes:               8 << 10,
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
}

// ServeHTTP answers the two health paths, passes what the policy allows, and refuses the rest.
func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.RequestURI == "/health/live" || r.RequestURI == "/health/ready" {
		g.health(w, r)
		return
	}
	req, err := policy.Match(r.Method, r.RequestURI)
	if err == nil {
		err = policy.Plain(r)
	}
	if err != nil {
		g.deny(w, r, err)
		return
	}
	select {
	case g.places <- struct{}{}:
		defer func() { <-g.places }()
	default:
		say(w, http.StatusServiceUnavailable, "guard: too many requests are under way")
		return
	}
	g.pass(w, r, req)
}

// pass forwards a request that the policy allows.
func (g *Guard) pass(w http.ResponseWriter, r *http.Request, req policy.Request) {
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	patience := 30 * time.Second
	if req.Rule.Labelled {
		target, err := g.target(ctx, req)
		if err != nil {
			g.failed(w, r, err)
			return
		}
		// by the ID that was looked at, so that a rename in between cannot put another container in its place
		req.Container = target.ID
		patience += stopTime(req, target)
	}
	if req.Streams() {
		defer context.AfterFunc(g.closing, cancel)()
	} else {
		defer time.AfterFunc(patience, cancel).Stop()
	}
	resp, err := g.engine.Do(ctx, req.Method, req.URI(), accept(r))
	if err != nil {
		g.failed(w, r, err)
		return
	}
	defer resp.Body.Close()
	if err := answer(w, resp, req); err != nil && r.Context().Err() == nil && g.closing.Err() == nil {
		g.log.Warn("an answer broke off", "action", req.Method+" "+req.Rule.Path, "error", err.Error())
		panic(http.ErrAbortHandler) // the caller must not take half an answer for a whole one
	}
}

// target looks the container up and makes sure that it is in the watchdog's care.
func (g *Guard) target(ctx context.Context, req policy.Request) (engine.Container, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	c, err := g.engine.Inspect(ctx, req.Version, req.Container)
	if err == nil && !policy.Labelled(c.Labels) {
		err = &policy.Refusal{Reason: policy.NoLabel, Detail: "the container " + req.Container + " carries no " +
			policy.EnableLabel + "=true label"}
	}
	return c, err
}

// stopTime is how long the engine may take over a restart before it has to kill.
func stopTime(req policy.Request, c engine.Container) time.Duration {
	if t, err := strconv.Atoi(req.Query.Get("t")); err == nil {
		return time.Duration(t)*time.Second + 30*time.Second
	}
	return c.StopTimeout + 30*time.Second
}

// failed answers a request that was allowed and did not come to a good end.
func (g *Guard) failed(w http.ResponseWriter, r *http.Request, err error) {
	if refusal, ok := errors.AsType[*policy.Refusal](err); ok {
		g.deny(w, r, refusal)
		return
	}
	if status, ok := errors.AsType[*engine.StatusError](err); ok {
		say(w, status.Code, status.Message)
		return
	}
	if r.Context().Err() != nil { // a client that only closed its sending side still listens: silence would read as success
		say(w, http.StatusBadGateway, "guard: the client went away before the engine answered")
		return
	}
	g.log.Warn("the engine did not answer a request", "action", r.Method+" "+clip(r.RequestURI), "error", err.Error())
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		say(w, http.StatusGatewayTimeout, "guard: the engine took too long")
		return
	}
	say(w, http.StatusBadGateway, "guard: the engine cannot be reached: "+err.Error())
}

func (g *Guard) deny(w http.ResponseWriter, r *http.Request, err error) {
	refusal, ok := errors.AsType[*policy.Refusal](err)
	if !ok {
		refusal = &policy.Refusal{Reason: policy.NotListed, Detail: err.Error()}
	}
	g.denials.note(r, refusal)
	if r.ContentLength != 0 {
		w.Header().Set("Connection", "close")
		_ = http.NewResponseController(w).SetReadDeadline(time.Now()) // nobody waits for the body
	}
	say(w, http.StatusForbidden, "guard: "+refusal.Detail)
}

func (g *Guard) health(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		say(w, http.StatusMethodNotAllowed, "guard: only GET and HEAD")
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	if r.RequestURI == "/health/live" {
		write(w, http.StatusOK, map[string]string{"status": "healthy"})
		return
	}
	err := g.healthy()
	if g.closing.Err() != nil {
		err = errors.New("the guard is ending")
	}
	if err != nil {
		write(w, http.StatusServiceUnavailable, map[string]string{"status": "unhealthy", "error": err.Error()})
		return
	}
	write(w, http.StatusOK, map[string]string{"status": "healthy"})
}

var plainAccept = regexp.MustCompile(`^[A-Za-z0-9*/+.,;=\- ]{1,256}$`)

// accept is the caller's Accept header, by which newer engines choose how they write streams.
func accept(r *http.Request) string {
	if a := r.Header.Get("Accept"); plainAccept.MatchString(a) {
		return a
	}
	return ""
}

// drain reads what is left of a small body, so that the connection can be used again.
func drain(r io.Reader) { _, _ = io.Copy(io.Discard, io.LimitReader(r, 64<<10)) }
