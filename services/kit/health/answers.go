package health

import (
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// The bodies of the pages in our own format; draft.go has the other one.
// Bodies that never change are rendered once.
var (
	liveBody       = []byte(`{"status":"healthy","live":true}` + "\n")
	deadBody       = []byte(`{"status":"unhealthy","live":false,"reason":"check_failed"}` + "\n")
	draftPass      = []byte(`{"status":"pass"}` + "\n")
	draftFail      = []byte(`{"status":"fail"}` + "\n")
	startedBody    = []byte(`{"status":"healthy","started":true}` + "\n")
	notStartedBody = []byte(`{"status":"unhealthy","started":false,"reason":"starting"}` + "\n")
)

func (p *Pages) live(q question) answer {
	if q.checks != nil {
		return p.some(q)
	}
	live, _ := p.checker.Live()
	return yesNo(q.draft, live, liveBody, deadBody)
}

func (p *Pages) startup(q question) answer {
	if q.checks != nil {
		return p.some(q)
	}
	return yesNo(q.draft, p.checker.Started(), startedBody, notStartedBody)
}

func yesNo(draft, yes bool, yesBody, noBody []byte) answer {
	switch {
	case yes && draft:
		return answer{code: http.StatusOK, body: draftPass}
	case yes:
		return answer{code: http.StatusOK, body: yesBody}
	case draft:
		return answer{code: http.StatusServiceUnavailable, body: draftFail}
	}
	return answer{code: http.StatusServiceUnavailable, body: noBody}
}

func (p *Pages) ready(q question) answer {
	if q.checks != nil {
		return p.some(q)
	}
	ready, reason := p.checker.Ready()
	if q.draft {
		if ready {
			return answer{code: http.StatusOK, body: draftHead{Status: p.checker.Status().draft()}}
		}
		return answer{code: http.StatusServiceUnavailable, body: draftHead{Status: Unhealthy.draft(), Output: string(reason)}}
	}
	if ready {
		body := `{"status":"` + p.checker.Status().String() + `","ready":true}` + "\n"
		return answer{code: http.StatusOK, body: []byte(body)}
	}
	body := `{"status":"unhealthy","ready":false,"reason":"` + string(reason) + `"}` + "\n"
	return answer{code: http.StatusServiceUnavailable, body: []byte(body)}
}

type someJSON struct {
	Status Status     `json:"status"`
	Checks []nameJSON `json:"checks"`
}

type nameJSON struct {
	Check  string  `json:"check"`
	Status Status  `json:"status"`
	Age    float64 `json:"age_seconds"`
}

func (p *Pages) summary(q question) answer {
	if q.checks != nil {
		return p.some(q)
	}
	now := time.Now()
	status := p.checker.status(now)
	if q.draft {
		return answer{code: codeOf(status), body: p.draftHead(status)}
	}
	return answer{code: codeOf(status), body: p.summaryBody(status, now)}
}

// some answers an open page for the checks that were named: their statuses,
// and no more than that.
func (p *Pages) some(q question) answer {
	now := time.Now()
	worst := Healthy
	var named []nameJSON
	for _, w := range q.checks {
		s := w.state.Load()
		status, _ := w.effective(s, now)
		worst = max(worst, status.counts(w.check.Soft))
		named = append(named, nameJSON{Check: w.check.Name, Status: status, Age: age(s.at, now)})
	}
	if q.draft {
		return answer{code: codeOf(worst), body: draftHead{Status: worst.draft()}}
	}
	return answer{code: codeOf(worst), body: someJSON{worst, named}}
}

// codeOf is the status code for a status: only unhealthy is an error, so that
// a degraded service keeps its traffic.
func codeOf(s Status) int {
	if s == Unhealthy {
		return http.StatusServiceUnavailable
	}
	return http.StatusOK
}

const stampLayout = "2006-01-02T15:04:05.000Z07:00"

func stamp(t time.Time) string { return t.UTC().Format(stampLayout) }

// seconds are rounded to the microsecond, which is what a reader can use.
func seconds(d time.Duration) float64 { return d.Round(time.Microsecond).Seconds() }

func age(at, now time.Time) float64 {
	if at.IsZero() {
		return 0
	}
	return seconds(now.Sub(at))
}

// writeBody sends a body: bytes as they are, anything else as JSON.
func writeBody(w http.ResponseWriter, code int, body any) {
	raw, ready := body.([]byte)
	if !ready {
		var err error
		if raw, err = json.Marshal(body); err != nil {
			writeError(w, http.StatusInternalServerError, "internal", "a section of this page cannot be shown as JSON")
			return
		}
		raw = append(raw, '\n')
	}
	w.Header()["Content-Length"] = []string{strconv.Itoa(len(raw))}
	w.WriteHeader(code)
	_, _ = w.Write(raw)
}

// writeError sends {"error": "word", "message": "sentence"}.
func writeError(w http.ResponseWriter, code int, word, message string) {
	w.Header()["Content-Type"] = typeJSON
	writeBody(w, code, struct {
		Error   string `json:"error"`
		Message string `json:"message"`
	}{word, message})
}
