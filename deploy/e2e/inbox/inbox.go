// Package inbox runs, on this machine, small versions of the services that people are told by: Slack, Discord, Telegram,
// PagerDuty, Microsoft Teams, ntfy, a mail server, a plain webhook, and an observer that waits for a heartbeat.
//
// Each takes what the real one takes, refuses what the real one is documented to refuse (a wrong key, a text that is too long,
// markup that does not parse), answers in its words, and keeps what it took.
package inbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Via is one of the services.
type Via string

// The services.
const (
	Slack     Via = "slack"
	Discord   Via = "discord"
	Telegram  Via = "telegram"
	PagerDuty Via = "pagerduty"
	Teams     Via = "teams"
	Ntfy      Via = "ntfy"
	Webhook   Via = "webhook"
	Email     Via = "email"
	Heartbeat Via = "heartbeat"
)

// Link is an address that a person can follow, and what stands over it.
type Link struct{ Text, URL string }

// Message is what arrived, read as a person would read it.
type Message struct {
	Via      Via
	At       time.Time
	Title    string
	Text     string // without markup
	Links    []Link
	Resolved bool
	Alerts   []Alert           // of a webhook
	Fields   map[string]string // what else the service knows of it, under the service's names
	Raw      string            // as it came
}

// Alert is one alert in the body of a webhook.
type Alert struct {
	Status      string            `json:"status"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
}

// Has tells whether a link with this address, or with an address that begins so, is among the message's.
func (m Message) Has(prefix string) bool {
	return slices.ContainsFunc(m.Links, func(l Link) bool { return strings.HasPrefix(l.URL, prefix) })
}

// Inboxes are the services, all at one address.
type Inboxes struct {
	host, web string // address for the mail server and the others
	mail      string
	http      *http.Server
	smtp      io.Closer

	mu      sync.Mutex
	got     []Message
	refused []string
	broken  map[Via]int
	changed chan struct{} // closed and made anew at every message
}

// Open starts the services at an address of this machine, on free ports.
func Open(ctx context.Context, host string) (*Inboxes, error) {
	in := &Inboxes{host: host, broken: map[Via]int{}, changed: make(chan struct{})}
	web, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, fmt.Errorf("listen for notifications (is the engine on this very machine?): %w", err)
	}
	post, err := new(net.ListenConfig).Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen for mail: %w", err), web.Close())
	}
	in.web, in.mail = web.Addr().String(), post.Addr().String()
	in.http = &http.Server{Handler: in.routes(), ReadHeaderTimeout: 10 * time.Second}
	in.smtp = in.serveMail(post)
	go func() { _ = in.http.Serve(web) }()
	return in, nil
}

// Close stops the services.
func (in *Inboxes) Close() error { return errors.Join(in.http.Close(), in.smtp.Close()) }

// Break lets a service answer every message with an HTTP status, and keep none; 0 mends it.
func (in *Inboxes) Break(via Via, status int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.broken[via] = status
}

// Messages are those that a service took and that the filter wants, in the order of their arrival. A nil filter wants all.
func (in *Inboxes) Messages(via Via, want func(Message) bool) []Message {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.find(via, want)
}

func (in *Inboxes) find(via Via, want func(Message) bool) []Message {
	var found []Message
	for _, m := range in.got {
		if m.Via == via && (want == nil || want(m)) {
			found = append(found, m)
		}
	}
	return found
}

// Refused says what was sent that the real services would not have taken.
func (in *Inboxes) Refused() []string {
	in.mu.Lock()
	defer in.mu.Unlock()
	return slices.Clone(in.refused)
}

// Wait waits for the first message that a service takes and the filter wants.
func (in *Inboxes) Wait(ctx context.Context, via Via, within time.Duration, want func(Message) bool) (Message, error) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		in.mu.Lock()
		found, changed := in.find(via, want), in.changed
		titles, refused := in.titles(via), slices.Clone(in.refused)
		in.mu.Unlock()
		if len(found) > 0 {
			return found[0], nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return Message{}, fmt.Errorf("%s was not told within %v (%w); it was told: %q; refused was: %q", via, within, ctx.Err(), titles, refused)
		}
	}
}

func (in *Inboxes) titles(via Via) []string {
	titles := []string{}
	for _, m := range in.find(via, nil) {
		titles = append(titles, m.Title)
	}
	return titles
}

// take keeps a message, or what was wrong with it.
func (in *Inboxes) take(m Message, err error) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if err != nil {
		in.refused = append(in.refused, fmt.Sprintf("%s: %v: %.500s", m.Via, err, m.Raw))
		return
	}
	in.got = append(in.got, m)
	close(in.changed)
	in.changed = make(chan struct{})
}

// status is what a broken service answers, 0 if it is well.
func (in *Inboxes) status(via Via) int {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.broken[via]
}
