package probe

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
)

// Allowed says in a few words what Parse understands.
const Allowed = `"none", "http://:PORT/PATH", "https://:PORT/PATH" (with "#TEXT" the body must hold TEXT) or "tcp://:PORT"`

// Spec is what to ask of a service. The zero value asks nothing.
type Spec struct {
	Scheme string // "http", "https", "tcp", or "" for no probe
	Host   string // empty until it is known; a name, an IPv4 or an IPv6 address without brackets
	Port   uint16
	Path   string // with the query, for HTTP
	Match  string // text that the body must hold, for HTTP; empty = any body
	Socket string // the path of a Unix socket to connect to, whatever Host and Port say; not part of the text
}

// Parse reads a Spec. Its errors say what is wrong; Allowed says what would be right.
func Parse(s string) (Spec, error) {
	s = strings.TrimSpace(s)
	if s == "" || strings.EqualFold(s, "none") {
		return Spec{}, nil
	}
	u, err := url.Parse(s)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err
		}
		return Spec{}, fmt.Errorf("not a URL: %w", err)
	}
	spec := Spec{Scheme: strings.ToLower(u.Scheme), Host: u.Hostname(), Match: u.Fragment}
	switch {
	case spec.Scheme != "http" && spec.Scheme != "https" && spec.Scheme != "tcp":
		return Spec{}, fmt.Errorf("unknown scheme %q", u.Scheme)
	case u.Opaque != "":
		return Spec{}, fmt.Errorf("%q must be followed by //", u.Scheme+":")
	case u.User != nil:
		return Spec{}, errors.New("user and password are not supported")
	}
	if strings.ContainsFunc(spec.Host, func(r rune) bool { return r <= ' ' || r == 0x7f || strings.ContainsRune(`"/\#?@[]%`, r) }) {
		return Spec{}, fmt.Errorf("%q is no host", spec.Host)
	}
	if _, err := netip.ParseAddr(spec.Host); err != nil && strings.Contains(spec.Host, ":") {
		return Spec{}, fmt.Errorf("%q is no address", spec.Host)
	}
	if spec.Port, err = port(u, spec); err != nil {
		return Spec{}, err
	}
	if spec.Scheme == "tcp" {
		if u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.ForceQuery {
			return Spec{}, errors.New("tcp has no path")
		}
		return spec, nil
	}
	spec.Path = u.EscapedPath()
	if spec.Path == "" {
		spec.Path = "/"
	}
	if u.RawQuery != "" {
		spec.Path += "?" + u.RawQuery
	}
	return spec, nil
}

// port reads the port, or takes the scheme's own where that cannot hide a slip of the pen: in http://health/live the first
// word of the path would be taken for a host.
func port(u *url.URL, spec Spec) (uint16, error) {
	text := u.Port()
	if text == "" {
		switch {
		case spec.Scheme == "tcp":
			return 0, errors.New("the port is missing")
		case spec.Host != "":
			return 0, fmt.Errorf("the port is missing after host %q", spec.Host)
		case spec.Scheme == "https":
			return 443, nil
		}
		return 80, nil
	}
	n, err := strconv.ParseUint(text, 10, 16)
	if err != nil || n == 0 {
		return 0, fmt.Errorf("port %q is not between 1 and 65535", text)
	}
	return uint16(n), nil
}

// None reports whether nothing is asked.
func (s Spec) None() bool { return s.Scheme == "" }

// WithHost fills in the host, unless the Spec names one itself.
func (s Spec) WithHost(host string) Spec {
	if s.Host == "" {
		s.Host = host
	}
	return s
}

// String writes the Spec so that Parse reads it back.
func (s Spec) String() string {
	if s.None() {
		return "none"
	}
	out := s.Scheme + "://" + s.address() + s.Path
	if s.Match != "" {
		out += "#" + (&url.URL{Fragment: s.Match}).EscapedFragment()
	}
	return out
}

func (s Spec) address() string { return net.JoinHostPort(s.Host, strconv.Itoa(int(s.Port))) }
