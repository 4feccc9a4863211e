// Package fault breaks the service on purpose, for demonstrations and tests.
// Nothing of it is reachable unless FAULT_INJECTION=true.
package fault

import (
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Injector holds the faults that are in force.
type Injector struct {
	exit      func(code int)
	rand      func() float64
	blockSize int
	block     chan struct{} // never closed by the service: a hang is a hang

	hanging atomic.Bool
	mu      sync.Mutex
	errors  errorFault
	slow    slowFault
	leaked  [][]byte
}

type errorFault struct {
	until time.Time
	ratio float64
}

type slowFault struct {
	until time.Time
	delay time.Duration
}

// New makes an Injector without faults. exit ends the process, rand gives
// numbers in [0,1).
func New(exit func(code int), rand func() float64) *Injector {
	return &Injector{exit: exit, rand: rand, blockSize: leakStep, block: make(chan struct{})}
}

// Gate stands before the whole service: once it hangs, no request gets an
// answer any more, not even a liveness probe.
func (i *Injector) Gate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if i.hanging.Load() {
			<-i.block
		}
		next.ServeHTTP(w, r)
	})
}

// Middleware makes the routes that it wraps slow or faulty, while that lasts.
func (i *Injector) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		now, slow, errors := time.Now(), i.slow, i.errors
		i.mu.Unlock()
		if now.Before(slow.until) {
			timer := time.NewTimer(slow.delay)
			defer timer.Stop()
			select {
			case <-timer.C:
			case <-r.Context().Done():
				return
			}
		}
		if now.Before(errors.until) && i.rand() < errors.ratio {
			writeJSON(w, http.StatusInternalServerError, `{"error":"injected_fault","message":"this error was asked for"}`)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// ServeHTTP answers POST /debug/fault/{crash,hang,leak,errors,slow}; name is
// the last part of the path.
func (i *Injector) ServeHTTP(w http.ResponseWriter, r *http.Request, name string) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		writeJSON(w, http.StatusMethodNotAllowed, `{"error":"method_not_allowed","message":"use POST"}`)
		return
	}
	query := r.URL.Query()
	lasts, err := duration(query.Get("for"), 30*time.Second)
	if err != nil {
		refuse(w, "for", err)
		return
	}
	switch name {
	case "crash":
		i.exit(1)
	case "hang":
		i.hanging.Store(true)
	case "leak":
		go i.leak()
	case "errors":
		ratio, err := number(query.Get("ratio"), 1)
		if err != nil {
			refuse(w, "ratio", err)
			return
		}
		i.mu.Lock()
		i.errors = errorFault{time.Now().Add(lasts), ratio}
		i.mu.Unlock()
	case "slow":
		delay, err := duration(query.Get("delay"), time.Second)
		if err != nil {
			refuse(w, "delay", err)
			return
		}
		i.mu.Lock()
		i.slow = slowFault{time.Now().Add(lasts), delay}
		i.mu.Unlock()
	default:
		writeJSON(w, http.StatusNotFound, `{"error":"not_found","message":"faults: crash, hang, leak, errors, slow"}`)
		return
	}
	writeJSON(w, http.StatusAccepted, fmt.Sprintf(`{"fault":%q}`, name))
}

// leakStep and leakPause make a leak that fills a small container in seconds
// and can still be watched on a dashboard.
const (
	leakStep  = 8 << 20
	leakPause = 50 * time.Millisecond
)

// leak takes memory until the kernel says no.
func (i *Injector) leak() {
	ticker := time.NewTicker(leakPause)
	defer ticker.Stop()
	for {
		select {
		case <-i.block:
			return
		case <-ticker.C:
		}
		block := make([]byte, i.blockSize)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1 // a page that nobody has written takes no memory
		}
		i.mu.Lock()
		i.leaked = append(i.leaked, block)
		i.mu.Unlock()
	}
}

func duration(text string, absent time.Duration) (time.Duration, error) {
	if text == "" {
		return absent, nil
	}
	value, err := time.ParseDuration(text)
	if seconds, whole := strconv.Atoi(text); whole == nil {
		value, err = time.Duration(seconds)*time.Second, nil
	}
	if err != nil || value < 0 || value > time.Hour {
		return 0, fmt.Errorf("%q: want seconds (30) or a duration (1m30s) up to an hour", text)
	}
	return value, nil
}

func number(text string, absent float64) (float64, error) {
	if text == "" {
		return absent, nil
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil || !(value >= 0 && value <= 1) {
		return 0, fmt.Errorf("%q: want a ratio from 0 to 1", text)
	}
	return value, nil
}

func refuse(w http.ResponseWriter, parameter string, err error) {
	writeJSON(w, http.StatusBadRequest, fmt.Sprintf(`{"error":"bad_request","message":%q}`, parameter+"="+err.Error()))
}

func writeJSON(w http.ResponseWriter, code int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(body + "\n"))
}
