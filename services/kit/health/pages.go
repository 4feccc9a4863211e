package health

import (
	"net/http"
	"net/url"
)

// PageOptions say what the pages show, and to whom.
type PageOptions struct {
	// Token, when set, is asked for by the detailed page and the metrics page
	// as "Authorization: Bearer TOKEN". The other pages stay open, for probes.
	Token string
	// Sections are added to the detailed page under their names. The functions
	// run within the request, so they must read what lies ready.
	Sections []Section
	// Metrics are the sections of the metrics page.
	Metrics []Section
}

// Section is a named part of a page: whatever Value returns, as JSON.
type Section struct {
	Name  string
	Value func() any
}

// Pages are the HTTP side of a Checker.
type Pages struct {
	checker *Checker
	options PageOptions
	who     []byte // service and version as members of a JSON object
}

// NewPages makes the pages of a checker.
func NewPages(checker *Checker, options PageOptions) *Pages {
	return &Pages{checker: checker, options: options, who: whoJSON(checker.options)}
}

// Mount hands every page with its path to a function such as
//
//	func(path string, page http.Handler) { router.Handle(path, page) }
func (p *Pages) Mount(handle func(path string, page http.Handler)) {
	handle("/health", p.Summary())
	handle("/health/detailed", p.Detailed())
	handle("/health/metrics", p.Metrics())
	handle("/health/ready", p.Ready())
	handle("/health/live", p.Live())
}

// Live is the page for liveness probes: 503 when only a restart would help.
func (p *Pages) Live() http.Handler { return p.open(p.live) }

// Ready is the page for readiness probes and load balancers: 503 while
// starting, draining, or a critical check fails.
func (p *Pages) Ready() http.Handler { return p.open(p.ready) }

// Startup is the page for startup probes: 503 until the service has started
// once. Mount leaves it out; /health/ready answers the same question and more.
func (p *Pages) Startup() http.Handler { return p.open(p.startup) }

// Summary is the short page for people and uptime services.
func (p *Pages) Summary() http.Handler { return p.open(p.summary) }

// Detailed is the page with every check and the sections.
func (p *Pages) Detailed() http.Handler { return p.secret(p.detailed) }

// Metrics is the page with the figures of the service as JSON.
func (p *Pages) Metrics() http.Handler { return p.secret(p.metrics) }

// answer is what a page says: a status code and a body in the format asked
// for, or in plain JSON where there is no other.
type answer struct {
	code  int
	body  any
	plain bool
}

// question is what a page was asked.
type question struct {
	draft  bool      // application/health+json is wanted
	checks []*worker // the checks named by ?check=, all when nil
}

// Shared header values, so that a probe costs no allocation for them.
var (
	typeJSON   = []string{"application/json"}
	typeHealth = []string{"application/health+json"}
	noStore    = []string{"no-store"}
)

// secret is a page behind the token.
func (p *Pages) secret(ask func(question) answer) http.Handler {
	return onlyReads(RequireToken(p.options.Token, p.page(ask)))
}

// open is a page for everybody.
func (p *Pages) open(ask func(question) answer) http.Handler { return onlyReads(p.page(ask)) }

// onlyReads refuses what is neither GET nor HEAD.
func onlyReads(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet || r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		header := w.Header()
		header["Cache-Control"] = noStore
		header.Set("Allow", "GET, HEAD")
		writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "use GET or HEAD")
	})
}

func (p *Pages) page(ask func(question) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Cache-Control"] = noStore
		q := question{draft: wantsDraft(r.Header["Accept"])}
		if r.URL.RawQuery != "" {
			var known bool
			if q.checks, known = p.named(r.URL.RawQuery); !known {
				writeError(w, http.StatusNotFound, "not_found", "there is no such check")
				return
			}
		}
		a := ask(q)
		header["Content-Type"] = typeJSON
		if q.draft && !a.plain {
			header["Content-Type"] = typeHealth
		}
		writeBody(w, a.code, a.body)
	})
}

// named finds the checks that ?check= names. Other parameters are no concern
// of ours.
func (p *Pages) named(query string) (found []*worker, known bool) {
	values, _ := url.ParseQuery(query)
	for _, name := range values["check"] {
		w := p.checker.find(name)
		if w == nil {
			return nil, false
		}
		found = append(found, w)
	}
	return found, true
}
