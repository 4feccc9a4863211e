package health

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
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
	// NotFound answers ?check= with a name that there is not; a JSON 404 when
	// nil.
	NotFound http.Handler
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
	token   [sha256.Size]byte
}

// NewPages makes the pages of a checker.
func NewPages(checker *Checker, options PageOptions) *Pages {
	return &Pages{checker: checker, options: options, token: sha256.Sum256([]byte(options.Token))}
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
func (p *Pages) Live() http.Handler { return p.page(false, p.live) }

// Ready is the page for readiness probes and load balancers: 503 while
// starting, draining, or a critical check fails.
func (p *Pages) Ready() http.Handler { return p.page(false, p.ready) }

// Startup is the page for startup probes: 503 until the service has started
// once. Mount leaves it out; /health/ready answers the same question and more.
func (p *Pages) Startup() http.Handler { return p.page(false, p.startup) }

// Summary is the short page for people and uptime services.
func (p *Pages) Summary() http.Handler { return p.page(false, p.summary) }

// Detailed is the page with every check and the sections.
func (p *Pages) Detailed() http.Handler { return p.page(true, p.detailed) }

// Metrics is the page with the figures of the service as JSON.
func (p *Pages) Metrics() http.Handler { return p.page(true, p.metrics) }

// answer is what a page says: a status code and a body in the format asked
// for.
type answer struct {
	code int
	body any
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
	varyAccept = []string{"Accept"}
	noSniff    = []string{"nosniff"}
)

func (p *Pages) page(secret bool, ask func(question) answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header["Cache-Control"] = noStore
		header["X-Content-Type-Options"] = noSniff
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			header.Set("Allow", "GET, HEAD")
			writeError(w, http.StatusMethodNotAllowed, "method_not_allowed", "use GET or HEAD")
			return
		}
		if secret && !p.allowed(r) {
			header.Set("WWW-Authenticate", `Bearer realm="health"`)
			writeError(w, http.StatusUnauthorized, "unauthorized", "send the header Authorization: Bearer TOKEN")
			return
		}
		q := question{draft: wantsDraft(r.Header["Accept"])}
		if r.URL.RawQuery != "" {
			var missing string
			if q.checks, missing = p.named(r.URL.RawQuery); missing != "" {
				if p.options.NotFound != nil {
					p.options.NotFound.ServeHTTP(w, r)
					return
				}
				writeError(w, http.StatusNotFound, "not_found", "there is no such check")
				return
			}
		}
		header["Vary"] = varyAccept
		if q.draft {
			header["Content-Type"] = typeHealth
		} else {
			header["Content-Type"] = typeJSON
		}
		a := ask(q)
		writeBody(w, a.code, a.body)
	})
}

// allowed compares the bearer token in constant time.
func (p *Pages) allowed(r *http.Request) bool {
	if p.options.Token == "" {
		return true
	}
	given := sha256.Sum256([]byte(bearer(r.Header.Get("Authorization"))))
	return subtle.ConstantTimeCompare(given[:], p.token[:]) == 1
}

// bearer takes the token out of an Authorization header; the scheme's name
// may be written in any case.
func bearer(header string) string {
	scheme, token, found := strings.Cut(header, " ")
	if !found || !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// named finds the checks that ?check= names. Other parameters are no concern
// of ours.
func (p *Pages) named(query string) (found []*worker, missing string) {
	values, _ := url.ParseQuery(query)
	for _, name := range values["check"] {
		w := p.checker.find(name)
		if w == nil {
			return nil, name
		}
		found = append(found, w)
	}
	return found, ""
}
