package logging

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// chunkBytes bounds one write, so that rotation stays exact and a stalled disk is noticed early.
const chunkBytes = 64 << 10

// errClosed is what a line gets that comes after Close.
var errClosed = errors.New("the log is closed")

// sink is a WriteSyncer that never blocks its caller. Lines wait in one buffer while the
// goroutine writes the other; when the buffer is full, lines are dropped and counted.
type sink struct {
	out     io.Writer
	limit   int
	timeout time.Duration
	dropped prometheus.Counter

	mu      sync.Mutex
	pending []byte
	closed  bool
	idle    chan struct{} // closed when nothing waits and nothing is written; nil while idle
	wake    chan struct{}
	done    chan struct{}
	torn    bool // the last write ended inside a line
}

func newSink(out io.Writer, limit int, timeout time.Duration, dropped prometheus.Counter) *sink {
	s := &sink{out: out, limit: limit, timeout: timeout, dropped: dropped,
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	go s.run()
	return s
}

// Write queues one line or drops it. It never fails, since a caller could do nothing about it.
func (s *sink) Write(line []byte) (int, error) {
	s.mu.Lock()
	if s.closed || len(s.pending)+len(line) > s.limit {
		closed := s.closed
		s.mu.Unlock()
		s.dropped.Inc()
		if closed {
			return 0, errClosed
		}
		return len(line), nil
	}
	s.pending = append(s.pending, line...)
	if s.idle == nil {
		s.idle = make(chan struct{})
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	s.mu.Unlock()
	return len(line), nil
}

// Sync waits until what is queued is written, no longer than the timeout.
func (s *sink) Sync() error {
	s.mu.Lock()
	idle := s.idle
	s.mu.Unlock()
	if idle == nil {
		return nil
	}
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case <-idle:
		return nil
	case <-timer.C:
		return fmt.Errorf("the log writer did not finish within %v", s.timeout)
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
	timer := time.NewTimer(s.timeout)
	defer timer.Stop()
	select {
	case <-s.done:
		return nil
	case <-timer.C:
		return fmt.Errorf("the log writer did not finish within %v", s.timeout)
	}
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

func (s *sink) flush(spare []byte) []byte {
	for {
		s.mu.Lock()
		batch := s.pending
		s.pending = spare[:0]
		if len(batch) == 0 {
			if s.idle != nil {
				close(s.idle)
				s.idle = nil
			}
			s.mu.Unlock()
			return batch
		}
		s.mu.Unlock()
		s.writeAll(batch)
		spare = batch
	}
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

func (s *sink) writeChunk(chunk []byte) {
	if s.torn { // a full disk cut the last line: end it, so that this one can be read
		if _, err := s.out.Write([]byte{'\n'}); err != nil {
			s.dropped.Add(float64(bytes.Count(chunk, []byte{'\n'})))
			return
		}
		s.torn = false
	}
	n, err := s.out.Write(chunk)
	if err == nil {
		return
	}
	n = max(0, min(n, len(chunk)))
	s.torn = n > 0 && chunk[n-1] != '\n'
	s.dropped.Add(float64(bytes.Count(chunk[n:], []byte{'\n'})))
}
