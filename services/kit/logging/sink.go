package logging

import (
	"bytes"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// chunkBytes bounds one write, so that rotation stays exact and a stalled disk is noticed early.
const chunkBytes = 64 << 10

// keepBytes is the largest buffer that is kept after a burst.
const keepBytes = 256 << 10

// sink writes lines and never blocks its caller. Lines wait in one buffer while the
// goroutine writes the other; when the buffer is full, lines are dropped and counted.
type sink struct {
	name    string
	out     io.Writer
	limit   int
	timeout time.Duration
	dropped prometheus.Counter

	// gap makes the line that tells of lost ones; it may be nil.
	gap func(lost int) []byte

	wake chan struct{}
	done chan struct{}

	// Of the goroutine alone:
	torn bool // the last write ended inside a line
	lost int  // lines lost since the last one that was written

	mu      sync.Mutex
	pending []byte
	refused int // lines that found no room since the last batch was taken
	closed  bool
	queued  uint64 // bytes taken so far
	written uint64 // bytes written or given up so far
	waiting []waiter
}

// waiter waits until so many bytes are written.
type waiter struct {
	until uint64
	ready chan struct{}
}

func newSink(name string, out io.Writer, limit int, timeout time.Duration, dropped prometheus.Counter, gap func(int) []byte) *sink {
	s := &sink{name: name, out: out, gap: gap, limit: limit, timeout: timeout, dropped: dropped,
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s
}

// add queues one line or drops it.
func (s *sink) add(line []byte) {
	s.mu.Lock()
	if s.closed || len(s.pending)+len(line) > s.limit {
		s.refused++
		s.mu.Unlock()
		s.dropped.Inc()
		return
	}
	s.pending = append(s.pending, line...)
	s.queued += uint64(len(line))
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.mu.Unlock()
}

// sync waits until what is queued now is written, no longer than the timeout.
func (s *sink) sync() error {
	s.mu.Lock()
	if s.written == s.queued {
		s.mu.Unlock()
		return nil
	}
	w := waiter{until: s.queued, ready: make(chan struct{})}
	s.waiting = append(s.waiting, w)
	s.mu.Unlock()
	return s.await(w.ready)
}

func (s *sink) await(ready <-chan struct{}) error {
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case <-ready:
		return nil
	case <-timer.C:
		return fmt.Errorf("log %s: its writer did not finish within %v", s.name, s.timeout)
	}
}

// close refuses further lines, writes the rest and ends the goroutine. A writer that
// blocks for ever keeps its goroutine, which is all that can be done.
func (s *sink) close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	close(s.wake)
	s.mu.Unlock()
	return s.await(s.done)
}

// run writes until the sink is closed and empty.
func (s *sink) run() {
	defer close(s.done)
	var spare []byte
	for range s.wake {
		spare = s.flush(spare)
	}
	s.flush(spare)
}

// flush writes until nothing waits, swapping two buffers, and returns the free one.
func (s *sink) flush(spare []byte) []byte {
	for {
		s.mu.Lock()
		batch := s.pending
		if len(batch) == 0 {
			s.pending = trim(batch)
			s.mu.Unlock()
			return trim(spare)
		}
		s.pending = spare[:0]
		refused := s.refused
		s.refused = 0
		s.mu.Unlock()
		s.writeAll(batch)
		s.lost += refused // they came when this batch had filled the queue
		s.release(uint64(len(batch)))
		spare = batch
	}
}

// trim lets go of a buffer that a burst has blown up.
func trim(b []byte) []byte {
	if cap(b) > keepBytes {
		return nil
	}
	return b
}

// release counts bytes as done and wakes who waited for them.
func (s *sink) release(n uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.written += n
	s.waiting = slices.DeleteFunc(s.waiting, func(w waiter) bool {
		if w.until > s.written {
			return false
		}
		close(w.ready)
		return true
	})
}

// writeAll writes whole lines in chunks and counts those that did not make it.
func (s *sink) writeAll(batch []byte) {
	for len(batch) > 0 {
		chunk := batch
		if len(chunk) > chunkBytes {
			if end := bytes.LastIndexByte(chunk[:chunkBytes], '\n'); end >= 0 {
				chunk = chunk[:end+1]
			} else if end := bytes.IndexByte(chunk, '\n'); end >= 0 {
				chunk = chunk[:end+1]
			}
		}
		batch = batch[len(chunk):]
		s.writeChunk(chunk)
	}
}

// writeChunk writes whole lines. Before the first one after a loss comes a line that tells of it.
func (s *sink) writeChunk(chunk []byte) {
	if s.torn { // a full disk cut the last line: end it, so that this one can be read
		if _, err := s.out.Write([]byte{'\n'}); err != nil {
			s.lose(chunk)
			return
		}
		s.torn = false
	}
	if s.lost > 0 && s.gap != nil {
		notice := s.gap(s.lost)
		if n, err := s.out.Write(notice); err != nil {
			s.torn = n > 0 && n < len(notice)
			s.lose(chunk)
			return
		}
	}
	s.lost = 0
	n, err := s.out.Write(chunk)
	if err == nil {
		return
	}
	n = max(0, min(n, len(chunk)))
	s.torn = n > 0 && chunk[n-1] != '\n'
	s.lose(chunk[n:])
}

// lose counts the lines of p as lost.
func (s *sink) lose(p []byte) {
	lines := bytes.Count(p, []byte{'\n'})
	s.lost += lines
	s.dropped.Add(float64(lines))
}
