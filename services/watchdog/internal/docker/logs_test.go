package docker

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
)

// frame writes text as the engine does.
func frame(stream byte, text string) []byte {
	b := []byte{stream, 0, 0, 0, 0, 0, 0, 0}
	binary.BigEndian.PutUint32(b[4:], uint32(len(text)))
	return append(b, text...)
}

func stamp(second int) string {
	return time.Date(2026, 11, 1, 10, 0, second, 5, time.UTC).Format(time.RFC3339Nano)
}

func TestReadLog(t *testing.T) {
	var b bytes.Buffer
	b.Write(frame(1, stamp(1)+" starting\n"))
	b.Write(frame(2, stamp(3)+" \x1b[31mboom\x1b[0m\x07\r\n"))
	b.Write(frame(1, stamp(2)+" \tin two"))
	b.Write(frame(1, " frames\n"+stamp(4)+" and no end"))
	lines, err := readLog(bytes.NewReader(b.Bytes()), false)
	got := fmt.Sprint(err)
	for _, l := range lines {
		got += fmt.Sprintf("|%d %s %q", l.At.Second(), l.Stream, l.Text)
	}
	if want := `<nil>|1 stdout "starting"|2 stdout "\tin two frames"|3 stderr "boom"|4 stdout "and no end"`; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	tty, err := readLog(strings.NewReader(stamp(1)+" one\r\nno time\n"), true)
	if err != nil || len(tty) != 2 || tty[0].Text != "one" || tty[1].Text != "no time" || !tty[1].At.IsZero() || tty[0].Stream != "" {
		t.Errorf("terminal: %+v, %v", tty, err)
	}
}

func TestReadLogBounds(t *testing.T) {
	long := stamp(1) + " " + strings.Repeat("x", 1<<20)
	lines, err := readLog(bytes.NewReader(frame(1, long+"\n")), false)
	if err != nil || len(lines) != 1 || len(lines[0].Text) > logLineLimit+len("…") || !strings.HasSuffix(lines[0].Text, "x…") {
		t.Errorf("a long line: %d lines, %v", len(lines), err)
	}
	var b bytes.Buffer
	for i := range 100_000 {
		b.Write(frame(1, fmt.Sprintf("%s line %d\n", stamp(i%60), i)))
	}
	if lines, _ = readLog(&b, false); len(lines) > 2*logLines*logMargin {
		t.Errorf("%d lines kept", len(lines))
	}
	if _, err := readLog(bytes.NewReader(frame(9, "x")), false); err == nil {
		t.Error("a stream that does not exist is no error")
	}
}

func TestLastLines(t *testing.T) {
	lines := func(pattern string) (list []observe.LogLine) {
		for i, c := range pattern {
			list = append(list, observe.LogLine{Stream: map[rune]string{'o': "stdout", 'e': "stderr", 't': ""}[c], Text: fmt.Sprint(i)})
		}
		return list
	}
	for pattern, want := range map[string]string{
		"":             "",
		"oe":           "0 1",
		"oooooooooooo": "4 5 6 7 8 9 10 11",
		"tttttttttt":   "2 3 4 5 6 7 8 9",
		"eooooooooooo": "0 5 6 7 8 9 10 11",
		"eeeooooooooo": "1 2 6 7 8 9 10 11",
		"oooooooooeee": "4 5 6 7 8 9 10 11",
		"eeeeeeeeee":   "2 3 4 5 6 7 8 9",
	} {
		var got []string
		for _, l := range lastLines(lines(pattern), 8) {
			got = append(got, l.Text)
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: kept %v, want %s", pattern, got, want)
		}
	}
}

func FuzzReadLog(f *testing.F) {
	f.Add(frame(1, stamp(1)+" hello\n"), false)
	f.Add(frame(2, "\n\n\n"), false)
	f.Add(frame(1, "x")[:5], false)
	f.Add([]byte{1, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 'x'}, false)
	f.Add([]byte(stamp(1)+" tty\r\n\x1b[1"), true)
	f.Fuzz(func(t *testing.T, in []byte, tty bool) {
		lines, _ := readLog(bytes.NewReader(in), tty)
		for _, l := range lines {
			if len(l.Text) > logLineLimit+len("…") || strings.ContainsAny(l.Text, "\n\x1b\x00") {
				t.Errorf("%q gives the line %q", in, l.Text)
			}
		}
	})
}
