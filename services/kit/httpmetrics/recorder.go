package httpmetrics

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"sync"
)

// recorder is a ResponseWriter that notes status, size and route.
type recorder struct {
	http.ResponseWriter
	route    string
	bytes    int64
	code     int
	hijacked bool
	panicked bool // the handler panicked, other than by http.ErrAbortHandler
	fell     bool // the handler did not return
}

var pool = sync.Pool{New: func() any { return new(recorder) }}

// recorded is what every wrapper of a recorder implements.
type recorded interface{ self() *recorder }

// acquire returns the recorder of w, with a ResponseWriter to pass on. owned says that it was made
// here and is to be released by the caller.
func acquire(w http.ResponseWriter) (rec *recorder, wrapped http.ResponseWriter, owned bool) {
	if have, ok := w.(recorded); ok {
		return have.self(), w, false
	}
	rec = pool.Get().(*recorder)
	*rec = recorder{ResponseWriter: w}
	return rec, rec.dress(), true
}

// release takes rec back into the pool, unless someone may hold on to it: whoever hijacked the
// connection, or what runs deferred after a panic.
func (rec *recorder) release() {
	if rec.hijacked || rec.fell {
		return
	}
	*rec = recorder{}
	pool.Put(rec)
}

// recorderOf finds the recorder beneath the wrappers of other middleware.
func recorderOf(w http.ResponseWriter) *recorder {
	for {
		switch t := w.(type) {
		case recorded:
			return t.self()
		case interface{ Unwrap() http.ResponseWriter }:
			w = t.Unwrap()
		default:
			return nil
		}
	}
}

func (rec *recorder) self() *recorder { return rec }

// Unwrap serves http.ResponseController.
func (rec *recorder) Unwrap() http.ResponseWriter { return rec.ResponseWriter }

// WriteHeader notes the final status; informational ones pass.
func (rec *recorder) WriteHeader(code int) {
	if rec.code == 0 && (code >= 200 || code == http.StatusSwitchingProtocols) {
		rec.code = code
	}
	rec.ResponseWriter.WriteHeader(code)
}

func (rec *recorder) wrote(n int64) {
	if rec.code == 0 {
		rec.code = http.StatusOK
	}
	rec.bytes += n
}

// Write counts the bytes that went through.
func (rec *recorder) Write(p []byte) (int, error) {
	n, err := rec.ResponseWriter.Write(p)
	rec.wrote(int64(n))
	return n, err
}

// WriteString spares a copy where the writer beneath can.
func (rec *recorder) WriteString(s string) (int, error) {
	n, err := io.WriteString(rec.ResponseWriter, s)
	rec.wrote(int64(n))
	return n, err
}

// status is the code to count.
func (rec *recorder) status() int {
	switch {
	case rec.panicked:
		return http.StatusInternalServerError
	case rec.code != 0:
		return rec.code
	case rec.hijacked:
		return http.StatusSwitchingProtocols
	}
	return http.StatusOK
}

// size is how much of a body was sent: none to HEAD, whatever the handler wrote.
func (rec *recorder) size(r *http.Request) int64 {
	if r.Method == http.MethodHead {
		return 0
	}
	return rec.bytes
}

func (rec *recorder) flush() {
	rec.wrote(0)
	rec.ResponseWriter.(http.Flusher).Flush()
}

func (rec *recorder) flushError() error {
	rec.wrote(0)
	return http.NewResponseController(rec.ResponseWriter).Flush()
}

func (rec *recorder) hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, rw, err := rec.ResponseWriter.(http.Hijacker).Hijack()
	rec.hijacked = rec.hijacked || err == nil
	return conn, rw, err
}

func (rec *recorder) readFrom(src io.Reader) (int64, error) {
	n, err := rec.ResponseWriter.(io.ReaderFrom).ReadFrom(src)
	rec.wrote(n)
	return n, err
}
