package proxy

import (
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/services/guard/internal/policy"
)

// denialsPerMinute bounds the log: whoever knocks more often is counted, not written down.
const denialsPerMinute = 30

// denials logs what was refused, at a bounded rate.
type denials struct {
	log *slog.Logger
	now func() time.Time

	mu      sync.Mutex
	minute  time.Time
	written int
	skipped int
}

func newDenials(log *slog.Logger) *denials { return &denials{log: log, now: time.Now} }

func (d *denials) note(r *http.Request, why *policy.Refusal) {
	d.mu.Lock()
	if now := d.now(); now.Sub(d.minute) >= time.Minute {
		d.minute, d.written = now, 0
	}
	if d.written >= denialsPerMinute {
		d.skipped++
		d.mu.Unlock()
		return
	}
	d.written++
	skipped := d.skipped
	d.skipped = 0
	d.mu.Unlock()

	attrs := []any{"action", clip(r.Method) + " " + clip(r.RequestURI), "reason", string(why.Reason),
		"detail", clip(why.Detail), "remote", r.RemoteAddr}
	if skipped > 0 {
		attrs = append(attrs, "not_logged_before", skipped)
	}
	d.log.Warn("refused", attrs...)
}

// clip keeps a log line short whatever the caller sends.
func clip(s string) string {
	const most = 200
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}
