package docker

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

// readLog reads the lines of a log with timestamps. The engine sends a terminal's log as it is; of other containers it
// sends frames: the number of the stream, three zeros, the length in four bytes, the text. What was read before an error
// is returned with it.
func readLog(r io.Reader, tty bool) ([]observe.LogLine, error) {
	if tty {
		s := splitter{}
		_, err := io.Copy(&s, r)
		s.end()
		return s.lines, err
	}
	streams := map[byte]*splitter{1: {stream: "stdout"}, 2: {stream: "stderr"}}
	var err error
	for err == nil {
		var head [8]byte
		if _, err = io.ReadFull(r, head[:]); err != nil {
			break
		}
		s := streams[head[0]]
		if s == nil {
			err = fmt.Errorf("stream %d is unknown", head[0])
			break
		}
		_, err = io.CopyN(s, r, int64(binary.BigEndian.Uint32(head[4:])))
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	var all []observe.LogLine
	for _, s := range streams {
		s.end()
		all = append(all, s.lines...)
	}
	slices.SortStableFunc(all, func(a, b observe.LogLine) int { return a.At.Compare(b.At) })
	return all, err
}

// lastLines keeps the last n lines, a quarter of them for stderr if it has as many: the engine reads the two streams side by
// side, so a chatty stdout can push out what a process said on stderr when it died.
func lastLines(lines []observe.LogLine, n int) []observe.LogLine {
	keep := make([]bool, len(lines))
	left := n
	for i := len(lines) - 1; i >= 0 && left > n-n/4; i-- {
		if lines[i].Stream == "stderr" {
			keep[i] = true
			left--
		}
	}
	for i := len(lines) - 1; i >= 0 && left > 0; i-- {
		if !keep[i] {
			keep[i] = true
			left--
		}
	}
	var last []observe.LogLine
	for i, line := range lines {
		if keep[i] {
			last = append(last, line)
		}
	}
	return last
}

// splitter cuts what is written to it into lines and keeps the last ones, each up to a limit.
type splitter struct {
	stream string
	lines  []observe.LogLine
	rest   []byte // of the line that has not ended
	cut    bool   // the rest is longer than is kept
}

// Write takes the next piece.
func (s *splitter) Write(p []byte) (int, error) {
	n := len(p)
	for len(p) > 0 {
		line, rest, found := bytes.Cut(p, []byte{'\n'})
		room := max(0, logLineLimit-len(s.rest))
		s.cut = s.cut || len(line) > room
		s.rest = append(s.rest, line[:min(len(line), room)]...)
		if found {
			s.end()
		}
		p = rest
	}
	return n, nil
}

// end closes the line.
func (s *splitter) end() {
	if len(s.rest) == 0 {
		return
	}
	line := observe.LogLine{Stream: s.stream}
	stamp, text, _ := strings.Cut(string(s.rest), " ")
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		at, text = time.Time{}, string(s.rest)
	}
	line.At, line.Text = at, printable(text)
	if s.cut {
		line.Text += "…"
	}
	s.rest, s.cut = s.rest[:0], false
	s.lines = append(s.lines, line)
	if keep := logLines * logMargin; len(s.lines) >= 2*keep {
		s.lines = append(s.lines[:0], s.lines[len(s.lines)-keep:]...)
	}
}

// colours are what programs send to a terminal.
var colours = regexp.MustCompile(`\x1b\[[0-9;?]*[A-Za-z]`)

// printable drops control characters, so that a log cannot play tricks on the terminal that shows it; tabs stay.
func printable(s string) string {
	s = colours.ReplaceAllString(s, "")
	return strings.TrimRight(strings.Map(func(r rune) rune {
		switch {
		case r == '\t':
			return r
		case r == utf8.RuneError, unicode.IsControl(r):
			return -1
		}
		return r
	}, s), " ")
}
