package process

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

const (
	keptLines  = 100      // of a run, for an incident
	keptLine   = 2 << 10  // bytes kept of one line
	longLine   = 64 << 10 // a longer line is passed on in pieces
	outputTime = 250 * time.Millisecond
)

// sink takes whole lines from many workers.
type sink struct {
	mu  sync.Mutex
	out io.Writer
}

func (s *sink) write(line []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.out != nil {
		_, _ = s.out.Write(line) // nobody is left to tell
	}
}

// tail keeps the last lines that a run has written.
type tail struct {
	streams sync.WaitGroup
	mu      sync.Mutex
	lines   []observe.LogLine
}

// pipe returns what a process writes one of its streams to. Each line is passed on unchanged, and kept.
func (t *tail) pipe(stream string, to *sink) (*os.File, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	t.streams.Go(func() {
		defer read.Close()
		t.follow(read, stream, to)
	})
	return write, nil
}

func (t *tail) follow(in io.Reader, stream string, to *sink) {
	lines := bufio.NewReaderSize(in, longLine)
	whole := true // the next piece begins a line
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 {
			to.write(line)
			if whole {
				t.keep(stream, line)
			}
			whole = line[len(line)-1] == '\n'
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if !whole {
				to.write([]byte{'\n'}) // so that the next worker's line begins one
			}
			return
		}
	}
}

func (t *tail) keep(stream string, line []byte) {
	line = bytes.TrimRight(line, "\r\n")
	text := string(line[:min(len(line), keptLine)])
	if len(line) > keptLine {
		text += "…"
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.lines) >= 2*keptLines {
		t.lines = append(t.lines[:0], t.lines[len(t.lines)-keptLines+1:]...)
	}
	t.lines = append(t.lines, observe.LogLine{At: time.Now(), Stream: stream, Text: strings.ToValidUTF8(text, "")})
}

// last returns the last lines until a time, zero meaning now.
func (t *tail) last(until time.Time) []observe.LogLine {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := slices.Clone(t.lines)
	if !until.IsZero() {
		lines = slices.DeleteFunc(lines, func(l observe.LogLine) bool { return l.At.After(until) })
	}
	return lines[max(len(lines)-keptLines, 0):]
}

// settled waits until all that a process has written before its end is read, but not for what has outlived it and still
// holds its output open.
func (t *tail) settled() {
	read := make(chan struct{})
	go func() { t.streams.Wait(); close(read) }()
	timer := time.NewTimer(outputTime)
	defer timer.Stop()
	select {
	case <-read:
	case <-timer.C:
	}
}
