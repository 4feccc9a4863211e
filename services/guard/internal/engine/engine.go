// Package engine reaches the Docker engine through its Unix socket and keeps an eye on whether it answers.
package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"
)

// Engine speaks HTTP to the engine behind one Unix socket. Its methods may be called at the same time.
type Engine struct {
	socket    string
	transport *http.Transport
}

// New returns an Engine. It does not connect yet.
func New(socket string) *Engine {
	dialer := net.Dialer{Timeout: 5 * time.Second}
	return &Engine{socket: socket, transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		},
		DisableCompression:     true,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}}
}

// Close drops the idle connections.
func (e *Engine) Close() { e.transport.CloseIdleConnections() }

// Do sends a request without a body. accept is the caller's Accept header, the only one that matters to the engine here.
func (e *Engine) Do(ctx context.Context, method, uri, accept string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://docker"+uri, nil)
	if err != nil {
		return nil, fmt.Errorf("build the request: %w", err)
	}
	req.Header.Set("User-Agent", "upkeep-guard")
	if accept != "" {
		req.Header.Set("Accept", accept)
	}
	resp, err := e.transport.RoundTrip(req)
	if err != nil {
		return nil, fmt.Errorf("ask the engine at %s: %w", e.socket, err)
	}
	return resp, nil
}

// Ping asks whether the engine answers.
func (e *Engine) Ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	resp, err := e.Do(ctx, http.MethodGet, "/_ping", "")
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the engine at %s answers %s to a ping", e.socket, resp.Status)
	}
	return nil
}

// Container is what the guard has to know of one before it lets somebody act on it.
type Container struct {
	ID          string
	Labels      map[string]string
	StopTimeout time.Duration // how long the engine waits between SIGTERM and SIGKILL unless told otherwise
}

// StatusError is an answer of the engine that is not the one hoped for.
type StatusError struct {
	Code    int
	Message string
}

func (e *StatusError) Error() string { return e.Message }

var fullID = regexp.MustCompile(`^[0-9a-f]{64}$`)

// MaxInspection bounds how much of one inspection the guard holds in memory.
const MaxInspection = 8 << 20

// Inspect looks a container up by name or ID. apiVersion is "v1.41" or empty.
func (e *Engine) Inspect(ctx context.Context, apiVersion, ref string) (Container, error) {
	uri := "/containers/" + ref + "/json"
	if apiVersion != "" {
		uri = "/" + apiVersion + uri
	}
	resp, err := e.Do(ctx, http.MethodGet, uri, "")
	if err != nil {
		return Container{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, MaxInspection))
	if err != nil {
		return Container{}, fmt.Errorf("read the inspection of %s: %w", ref, err)
	}
	if resp.StatusCode != http.StatusOK {
		var said struct{ Message string }
		if json.Unmarshal(body, &said) != nil || said.Message == "" {
			said.Message = strings.TrimSpace(resp.Status)
		}
		return Container{}, &StatusError{resp.StatusCode, said.Message}
	}
	var seen struct {
		ID     string `json:"Id"`
		Config struct {
			Labels      map[string]string
			StopTimeout *int
		}
	}
	if err := json.Unmarshal(body, &seen); err != nil {
		return Container{}, fmt.Errorf("understand the inspection of %s: %w", ref, err)
	}
	if !fullID.MatchString(seen.ID) {
		return Container{}, errors.New("the engine's inspection carries no full container ID")
	}
	c := Container{ID: seen.ID, Labels: seen.Config.Labels, StopTimeout: 10 * time.Second}
	if s := seen.Config.StopTimeout; s != nil {
		c.StopTimeout = time.Duration(max(0, min(*s, 3600))) * time.Second
	}
	return c, nil
}
