package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/gorilla/mux"
)

// Verb is what a person wants done with a target.
type Verb string

// The verbs.
const (
	Pause   Verb = "pause"   // leave it alone
	Resume  Verb = "resume"  // look after it again
	Restart Verb = "restart" // restart it now
	Reset   Verb = "reset"   // clear its history and budget
)

// Verbs lists every Verb.
var Verbs = []Verb{Pause, Resume, Restart, Reset}

// Command is what a person asked for.
type Command struct {
	Verb   Verb          `json:"command"`
	Target string        `json:"target,omitempty"` // empty: all targets
	For    time.Duration `json:"-"`                // Pause: how long, 0 = until resumed
}

// ErrUnknownTarget is what an Executor returns when there is no such target.
var ErrUnknownTarget = errors.New("unknown target")

// Executor carries out a command and returns the targets that it was carried out on.
type Executor func(ctx context.Context, c Command) (targets []string, err error)

// maxPause bounds how long a pause with a time limit can be.
const maxPause = 366 * 24 * time.Hour

type commandResult struct {
	Command Verb     `json:"command"`
	Targets []string `json:"targets"`
}

// Commands serves POST /targets/{target}/{verb} and POST /all/{verb}; ?for=30m limits a pause. Serve it on Listen only.
func Commands(do Executor) http.Handler {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	h := func(w http.ResponseWriter, r *http.Request) {
		c, err := parseCommand(mux.Vars(r), r.URL.Query())
		if err != nil {
			writeError(w, r, http.StatusBadRequest, err.Error())
			return
		}
		targets, err := do(r.Context(), c)
		switch {
		case errors.Is(err, ErrUnknownTarget):
			writeError(w, r, http.StatusNotFound, err.Error())
		case err != nil:
			writeError(w, r, http.StatusServiceUnavailable, err.Error())
		default:
			slices.Sort(targets)
			writeJSON(w, r, http.StatusOK, commandResult{c.Verb, append([]string{}, targets...)})
		}
	}
	verbs := "{verb:pause|resume|restart|reset}"
	r.HandleFunc("/targets/{target}/"+verbs, h).Methods(http.MethodPost)
	r.HandleFunc("/all/"+verbs, h).Methods(http.MethodPost)
	refuse(r)
	return r
}

func parseCommand(vars map[string]string, query url.Values) (Command, error) {
	target, err := url.PathUnescape(vars["target"])
	if err != nil {
		return Command{}, fmt.Errorf("the target in the path is not well encoded: %w", err)
	}
	c := Command{Verb: Verb(vars["verb"]), Target: target}
	limit := query.Get("for")
	if limit == "" {
		return c, nil
	}
	if c.Verb != Pause {
		return c, fmt.Errorf("for=%s: only a pause has a time limit", limit)
	}
	c.For, err = time.ParseDuration(limit)
	if err != nil || c.For <= 0 || c.For > maxPause {
		return c, fmt.Errorf("for=%s: want a duration above 0 and up to %s, e.g. 30m", limit, maxPause)
	}
	return c, nil
}

// Send asks the watchdog behind a control socket to carry out a command, and returns the targets that it did it to.
func Send(ctx context.Context, socket string, c Command) ([]string, error) {
	path := "/all/" + string(c.Verb)
	if c.Target != "" {
		path = "/targets/" + url.PathEscape(c.Target) + "/" + string(c.Verb)
	}
	if c.For != 0 {
		path += "?for=" + url.QueryEscape(c.For.String())
	}
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://watchdog"+path, nil)
	if err != nil {
		return nil, err
	}
	resp, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return nil, fmt.Errorf("reach the watchdog at %s (does it run, as this user, with this LOG_DIR?): %w", socket, err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, fmt.Errorf("read the watchdog's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var e errorBody
		if json.Unmarshal(body, &e) == nil && e.Message != "" {
			return nil, errors.New(e.Message)
		}
		return nil, fmt.Errorf("the watchdog answered %s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	var done commandResult
	if err := json.Unmarshal(body, &done); err != nil {
		return nil, fmt.Errorf("read the watchdog's answer: %w", err)
	}
	return done.Targets, nil
}
