package probe

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"
)

const (
	bodyLimit    = 64 << 10 // what is read of a body
	excerptLimit = 1 << 10  // what is kept of it
)

// Result is the end of one probe.
type Result struct {
	OK       bool
	Answered bool // something came back, if only a bad status or a refusal: the process is not frozen
	Unsure   bool // the probe could not be made, which says nothing about the service
	Took     time.Duration
	Status   int    // of the HTTP answer, if there was one
	Error    string // why it is not OK, for people
	Body     string // the beginning of the HTTP body, printable
}

// Run asks once and returns within timeout, or earlier when ctx ends, which makes the result unsure.
func (s Spec) Run(ctx context.Context, timeout time.Duration) Result {
	switch {
	case s.None():
		return Result{Unsure: true, Error: "there is nothing to ask"}
	case s.Host == "":
		return Result{Unsure: true, Error: "the address is not known"}
	}
	began := time.Now()
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	var r Result
	var err error
	if s.Scheme == "tcp" {
		err = s.connect(limited)
	} else {
		err = s.get(limited, &r)
	}
	r.Took = time.Since(began)
	if err == nil {
		r.OK, r.Answered = true, true
		return r
	}
	switch {
	case ctx.Err() != nil:
		r.Unsure, r.Error = true, "the probe was cut short"
	case limited.Err() != nil && r.Status != 0:
		r.Error = fmt.Sprintf("the body did not end within %v", timeout)
	case limited.Err() != nil || isTimeout(err):
		r.Error = fmt.Sprintf("no answer within %v", timeout)
	default:
		r.Unsure, r.Error = ours(err), explain(err)
		r.Answered = !r.Unsure && !errors.Is(err, syscall.EHOSTUNREACH)
	}
	return r
}

func (s Spec) connect(ctx context.Context) error {
	conn, err := dial(ctx, "tcp", s.address())
	if err != nil {
		return err
	}
	return conn.Close()
}

func (s Spec) get(ctx context.Context, r *Result) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.Scheme+"://"+s.address()+s.Path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "upkeep-watchdog")
	req.Header.Set("Accept", "*/*")
	resp, err := s.transport().RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	r.Status, r.Answered = resp.StatusCode, true
	body, err := io.ReadAll(io.LimitReader(resp.Body, bodyLimit))
	r.Body = excerpt(body)
	switch {
	case resp.StatusCode < 200 || resp.StatusCode > 399:
		return fmt.Errorf("status %d", resp.StatusCode)
	case err != nil:
		return fmt.Errorf("the body broke off: %w", err)
	case s.Match != "" && !bytes.Contains(body, []byte(s.Match)):
		return fmt.Errorf("status %d, but the body does not hold %q", resp.StatusCode, s.Match)
	}
	return nil
}

// transport keeps no connection, follows no redirect (a round trip never does) and asks no proxy.
var transport = &http.Transport{
	DialContext:            dial,
	TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // see the package comment
	DisableKeepAlives:      true,
	DisableCompression:     true,
	MaxResponseHeaderBytes: bodyLimit,
}

// transport connects to the socket, where there is one.
func (s Spec) transport() *http.Transport {
	if s.Socket == "" {
		return transport
	}
	return &http.Transport{
		DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx, "unix", s.Socket) },
		DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: bodyLimit,
	}
}

// dial leaves half of the time for the answer, so that "no connection" and "no answer" stay apart.
func dial(ctx context.Context, network, address string) (net.Conn, error) {
	d := net.Dialer{KeepAlive: -1}
	if end, ok := ctx.Deadline(); ok {
		d.Timeout = max(time.Until(end)/2, time.Millisecond)
	}
	return d.DialContext(ctx, network, address)
}

func isTimeout(err error) bool {
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// ours reports whether the fault lies on the side of the watchdog, so that it says nothing about the service.
func ours(err error) bool {
	if _, ok := errors.AsType[*net.DNSError](err); ok {
		return true
	}
	for _, e := range []error{syscall.EMFILE, syscall.ENFILE, syscall.ENETUNREACH, syscall.EADDRNOTAVAIL, syscall.EACCES, syscall.EPERM, syscall.ENOBUFS, syscall.ENOMEM} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// explain drops the wrapping that names addresses and ports which people have not written.
func explain(err error) string {
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, io.EOF), errors.Is(err, syscall.ECONNRESET), strings.Contains(err.Error(), "server closed idle connection"):
		return "the connection was closed without an answer"
	}
	if e, ok := errors.AsType[*net.OpError](err); ok {
		return e.Err.Error()
	}
	return err.Error()
}

// excerpt keeps the printable beginning of a body, in one line; a character that the cut split goes.
func excerpt(body []byte) string {
	body = body[:min(len(body), excerptLimit)]
	clean := strings.Map(func(r rune) rune {
		if unicode.IsSpace(r) {
			return ' '
		}
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, string(body))
	return strings.TrimSpace(clean)
}
