package policy

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Reason is why a request does not pass.
type Reason string

// The reasons, as they stand in the log.
const (
	BadTarget  Reason = "bad_target"  // the request target is not a plain path, or plays tricks
	BadVersion Reason = "bad_version" // an API version that does not exist, or is too old to be safe
	NotListed  Reason = "not_listed"  // method and path are not in Table
	BadQuery   Reason = "bad_query"   // a parameter that the rule does not have, twice the same, or a bad value
	HasBody    Reason = "has_body"    // nothing in Table takes a body
	Upgrade    Reason = "upgrade"     // hijacked connections are how exec and attach work
	NoLabel    Reason = "no_label"    // the container carries no watchdog label
)

// Refusal is the error of a request that may not pass.
type Refusal struct {
	Reason Reason
	Detail string
}

func (r *Refusal) Error() string { return r.Detail }

func refuse(why Reason, detail string) error { return &Refusal{why, detail} }

// Request is a request that may pass, in its normal form.
type Request struct {
	Rule      *Rule
	Method    string
	Version   string // "v1.41", or empty
	Container string // what stands for {id}: a name, or an ID, whole or abbreviated
	Query     url.Values
}

// URI is what the guard sends to the engine: rebuilt from what was understood, never the caller's own bytes.
func (r Request) URI() string {
	uri := strings.ReplaceAll(r.Rule.Path, "{id}", r.Container)
	if r.Version != "" {
		uri = "/" + r.Version + uri
	}
	if len(r.Query) > 0 {
		uri += "?" + r.Query.Encode()
	}
	return uri
}

// Streams says whether the answer has no end of its own.
func (r Request) Streams() bool { return r.Rule.Streams != nil && r.Rule.Streams(r.Query) }

// The oldest API version that passes: below 1.24, start takes a host configuration, which is root on the host.
const oldestMinor, newestMinor = 24, 199

var (
	plainPath = regexp.MustCompile(`^(/[A-Za-z0-9_.-]+)+$`)
	container = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,254}$`)
	version   = regexp.MustCompile(`^v1\.([1-9][0-9]{1,2})$`)
	versioned = regexp.MustCompile(`^[vV][0-9.]`)
)

// Match finds the rule for a method and the request target as it stood in the request line, or a *Refusal.
func Match(method, target string) (Request, error) {
	path, query, _ := strings.Cut(target, "?")
	if !plainPath.MatchString(path) {
		return Request{}, refuse(BadTarget, "the path is not a plain absolute path")
	}
	parts := strings.Split(path[1:], "/")
	if slices.ContainsFunc(parts, func(p string) bool { return p[0] == '.' }) {
		return Request{}, refuse(BadTarget, "no part of a path may begin with a dot")
	}
	req := Request{Method: method}
	if versioned.MatchString(parts[0]) {
		m := version.FindStringSubmatch(parts[0])
		if m == nil {
			return Request{}, refuse(BadVersion, "the API version is not of the form v1.N")
		}
		if n, _ := strconv.Atoi(m[1]); n < oldestMinor || n > newestMinor {
			return Request{}, refuse(BadVersion, "the API version must lie between 1.24 and 1.199")
		}
		req.Version, parts = parts[0], parts[1:]
	}
	for i := range Table {
		rule := &Table[i]
		id, ok := fits(strings.Split(rule.Path[1:], "/"), parts)
		if !ok || !slices.Contains(rule.Methods, method) {
			continue
		}
		req.Rule, req.Container = rule, id
		var err error
		req.Query, err = parameters(rule, query)
		return req, err
	}
	return Request{}, refuse(NotListed, "only what keeps containers up passes here")
}

// fits compares path parts with a pattern and returns what stands in the place of {id}.
func fits(pattern, parts []string) (id string, ok bool) {
	if len(pattern) != len(parts) {
		return "", false
	}
	for i, want := range pattern {
		switch {
		case want == "{id}" && container.MatchString(parts[i]):
			id = parts[i]
		case want != parts[i]:
			return "", false
		}
	}
	return id, true
}

func parameters(rule *Rule, raw string) (url.Values, error) {
	if raw == "" {
		return nil, nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return nil, refuse(BadQuery, "the query is malformed")
	}
	for name, values := range query {
		allowed, known := rule.Query[name]
		switch {
		case !known:
			return nil, refuse(BadQuery, "the parameter "+strconv.Quote(name)+" does not pass here")
		case len(values) != 1:
			return nil, refuse(BadQuery, "the parameter "+strconv.Quote(name)+" is given more than once")
		case !allowed(values[0]):
			return nil, refuse(BadQuery, "the value of "+strconv.Quote(name)+" does not pass here")
		}
	}
	return query, nil
}

// Plain refuses a request that carries a body or asks to take over its connection.
func Plain(r *http.Request) error {
	if r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
		return refuse(HasBody, "a request with a body does not pass here")
	}
	if len(r.Header["Upgrade"]) > 0 {
		return refuse(Upgrade, "a connection cannot be upgraded here")
	}
	for _, line := range r.Header["Connection"] {
		if strings.Contains(strings.ToLower(line), "upgrade") {
			return refuse(Upgrade, "a connection cannot be upgraded here")
		}
	}
	return nil
}
