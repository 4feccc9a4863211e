package httpmetrics

import (
	"bufio"
	"io"
	"net"
	"net/http"
)

// The wrappers below offer exactly those optional interfaces that the writer beneath has,
// since handlers ask for them by type assertion. Each is one pointer, so none allocates.
type (
	flusher    struct{ *recorder }
	hijacker   struct{ *recorder }
	readerFrom struct{ *recorder }
)

func (w flusher) Flush()            { w.flush() }
func (w flusher) FlushError() error { return w.flushError() }

func (w hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w readerFrom) ReadFrom(src io.Reader) (int64, error) { return w.readFrom(src) }

type (
	flushHijack     struct{ *recorder }
	flushRead       struct{ *recorder }
	hijackRead      struct{ *recorder }
	flushHijackRead struct{ *recorder }
)

func (w flushHijack) Flush()                                       { w.flush() }
func (w flushHijack) FlushError() error                            { return w.flushError() }
func (w flushHijack) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

func (w flushRead) Flush()                                { w.flush() }
func (w flushRead) FlushError() error                     { return w.flushError() }
func (w flushRead) ReadFrom(src io.Reader) (int64, error) { return w.readFrom(src) }

func (w hijackRead) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }
func (w hijackRead) ReadFrom(src io.Reader) (int64, error)        { return w.readFrom(src) }

func (w flushHijackRead) Flush()                                       { w.flush() }
func (w flushHijackRead) FlushError() error                            { return w.flushError() }
func (w flushHijackRead) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }
func (w flushHijackRead) ReadFrom(src io.Reader) (int64, error)        { return w.readFrom(src) }

// dress picks the wrapper.
func (rec *recorder) dress() http.ResponseWriter {
	_, f := rec.ResponseWriter.(http.Flusher)
	_, h := rec.ResponseWriter.(http.Hijacker)
	_, r := rec.ResponseWriter.(io.ReaderFrom)
	switch {
	case f && h && r:
		return flushHijackRead{rec}
	case f && h:
		return flushHijack{rec}
	case f && r:
		return flushRead{rec}
	case h && r:
		return hijackRead{rec}
	case f:
		return flusher{rec}
	case h:
		return hijacker{rec}
	case r:
		return readerFrom{rec}
	}
	return rec
}
