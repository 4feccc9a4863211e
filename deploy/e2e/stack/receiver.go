package stack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Alert is one alert of a notification.
type Alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
}

// Receiver is where Alertmanager's webhook delivers to: an HTTP server that containers can reach.
type Receiver struct {
	URL    string
	server *http.Server
	remove func(context.Context) error // takes its network away
	mu     sync.Mutex
	got    []Alert
}

// Receive listens on the host's address in a network of its own: containers of any network of the engine reach it, the
// world outside does not.
func Receive(ctx context.Context, project string) (*Receiver, error) {
	gateway, remove, err := Gateway(ctx, project+"-receiver")
	if err != nil {
		return nil, err
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(gateway, "0"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen where containers can reach the test (is the engine on this very machine?): %w", err), remove(ctx))
	}
	r := &Receiver{remove: remove, URL: "http://" + l.Addr().String() + "/alerts"}
	r.server = &http.Server{Handler: http.HandlerFunc(r.receive), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = r.server.Serve(l) }()
	return r, nil
}

func (r *Receiver) receive(w http.ResponseWriter, req *http.Request) {
	var body struct{ Alerts []Alert }
	if err := json.NewDecoder(req.Body).Decode(&body); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.mu.Lock()
	r.got = append(r.got, body.Alerts...)
	r.mu.Unlock()
}

// Wait waits for an alert that fires with these labels and returns it.
func (r *Receiver) Wait(ctx context.Context, within time.Duration, labels map[string]string) (Alert, error) {
	var found Alert
	err := Poll(ctx, within, func() error {
		r.mu.Lock()
		defer r.mu.Unlock()
		i := slices.IndexFunc(r.got, func(a Alert) bool {
			for k, v := range labels {
				if a.Labels[k] != v {
					return false
				}
			}
			return a.Status == "firing"
		})
		if i < 0 {
			return fmt.Errorf("no alert with %v among the %d delivered: %v", labels, len(r.got), r.names())
		}
		found = r.got[i]
		return nil
	})
	return found, err
}

func (r *Receiver) names() []string {
	var names []string
	for _, a := range r.got {
		names = append(names, a.Labels["alertname"]+"/"+a.Status)
	}
	return names
}

// Close stops listening and removes the network.
func (r *Receiver) Close(ctx context.Context) error {
	return errors.Join(r.server.Close(), r.remove(ctx))
}
