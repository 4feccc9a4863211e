// Package policy decides which requests to the Docker Engine API may pass the guard. It is pure: a request line in, a
// decision out. What is not in Table does not pass.
package policy

import (
	"encoding/json"
	"net/url"
	"regexp"
)

// Rule is one kind of request that may pass.
type Rule struct {
	Methods []string         // exactly these
	Path    string           // after the optional /v1.N; {id} stands for one container
	Query   map[string]Value // the only parameters it may have, each at most once
	// Labelled: the guard inspects the container first, and lets the request pass only where a watchdog label is on it.
	Labelled bool
	// Redacted: the answer is an inspection, and the values of its environment are blanked on the way.
	Redacted bool
	// Streams says whether the answer has no end of its own. Nil: it always ends.
	Streams func(url.Values) bool
}

// Table is everything that passes. The Engine API has a "signal" for restart, a "size" for list and inspect, and
// "details" for logs; they are missing here on purpose: the watchdog needs none of them, the first widens what a restart
// does, the second makes the engine walk whole file systems, the third prints environment values.
var Table = []Rule{
	{Methods: []string{"GET", "HEAD"}, Path: "/_ping"},
	{Methods: []string{"GET"}, Path: "/version"},
	{Methods: []string{"GET"}, Path: "/events", Streams: always,
		Query: map[string]Value{"since": instant, "until": instant, "filters": object}},
	{Methods: []string{"GET"}, Path: "/containers/json",
		Query: map[string]Value{"all": boolean, "limit": count, "filters": object}},
	{Methods: []string{"GET"}, Path: "/containers/{id}/json", Redacted: true},
	{Methods: []string{"GET"}, Path: "/containers/{id}/stats", Streams: unlessFalse("stream"),
		Query: map[string]Value{"stream": boolean, "one-shot": boolean}},
	{Methods: []string{"GET"}, Path: "/containers/{id}/logs", Labelled: true, Streams: ifTrue("follow"),
		Query: map[string]Value{"follow": boolean, "stdout": boolean, "stderr": boolean, "timestamps": boolean,
			"since": instant, "until": instant, "tail": tail}},
	{Methods: []string{"POST"}, Path: "/containers/{id}/restart", Labelled: true,
		Query: map[string]Value{"t": seconds}},
	{Methods: []string{"POST"}, Path: "/containers/{id}/start", Labelled: true},
}

// Value says whether a query parameter may have this value.
type Value func(string) bool

var (
	boolean = Value(regexp.MustCompile(`^(|0|1|true|false|True|False|TRUE|FALSE)$`).MatchString)
	count   = Value(regexp.MustCompile(`^(-1|[0-9]{1,6})$`).MatchString)
	instant = Value(regexp.MustCompile(`^[0-9A-Za-z:.+-]{0,64}$`).MatchString)
	seconds = Value(regexp.MustCompile(`^[0-9]{1,4}$`).MatchString)
	tail    = Value(regexp.MustCompile(`^(|all|[0-9]{1,9})$`).MatchString)
)

// object wants one JSON object, which is what the engine's filters are.
func object(s string) bool {
	var filters map[string]json.RawMessage
	return len(s) <= 4096 && json.Unmarshal([]byte(s), &filters) == nil
}

func always(url.Values) bool { return true }

func ifTrue(name string) func(url.Values) bool {
	return func(q url.Values) bool { return q.Has(name) && truth(q.Get(name)) }
}

func unlessFalse(name string) func(url.Values) bool {
	return func(q url.Values) bool { return !q.Has(name) || truth(q.Get(name)) }
}

// truth reads a boolean parameter as the engine does.
func truth(s string) bool {
	switch s {
	case "", "0", "false", "False", "FALSE":
		return false
	}
	return true
}
