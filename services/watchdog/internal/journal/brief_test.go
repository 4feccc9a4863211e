package journal

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"
)

func TestBriefFollowsTheLatestIncident(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	s := tell(t, j)
	brief := func() Brief { b, _ := s.r.Brief("upkeep-api-1"); return b }
	s.change(0, "", up, healthyR)
	if b, ok := s.r.Brief("upkeep-api-1"); ok {
		t.Errorf("a target without an outage: %+v", b)
	}
	s.change(10, up, down, exited, because(exited))
	first, code := s.id, 137
	if b := brief(); b.ID != first || b.Cause != exited || b.ExitCode != nil || b.LastLog != "" || !b.StartedAt.Equal(sec(10)) || !b.ClosedAt.IsZero() {
		t.Errorf("at its beginning: %+v", b)
	}
	s.attach(first, Evidence{ExitCode: &code, LogTail: []string{"listening", "2026-11-23T22:00:09.500Z panic: PASSWORD=hunter2", " \n"}})
	if b := brief(); *b.ExitCode != 137 || b.LastLog != "panic: PASSWORD=***" {
		t.Errorf("with evidence: exit code %v, last log line %q", b.ExitCode, b.LastLog)
	}
	s.change(12, down, up, healthyR, because(exited), downFor(2))
	s.change(20, up, down, exited, because(exited))
	s.attach(first, Evidence{LogTail: []string{"late"}})
	if b := brief(); b.ID == first || b.ID != s.id || b.LastLog != "" {
		t.Errorf("after a later outage began: %+v", b)
	}
	h.pass(2 * time.Hour)
	if b := brief(); b.ID != s.id {
		t.Errorf("an outage that goes on is no news any more: %+v", b)
	}
}

func TestBriefIsDroppedAnHourAfterTheEnd(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	s := tell(t, j)
	s.change(0, up, down, exited, because(exited))
	s.attach(s.id, Evidence{LogTail: []string{"bye"}})
	s.change(30, down, up, healthyR, because(exited), downFor(30))
	h.pass(30*time.Second + time.Hour - time.Nanosecond)
	for _, when := range []string{"before", "after"} { // the watchdog's restart
		if b, ok := s.r.Brief("upkeep-api-1"); !ok || b.LastLog != "bye" || !b.ClosedAt.Equal(sec(30)) {
			t.Errorf("almost an hour after its end, %s a restart of the watchdog: %v, %+v", when, ok, b)
		}
		must(t, s.r.Close())
		j = reopen(t, j, h.clock())
		s = tell(t, j)
	}
	h.pass(time.Nanosecond)
	if b, ok := s.r.Brief("upkeep-api-1"); ok {
		t.Errorf("an hour after its end: %+v", b)
	}
	must(t, s.r.Close())
	s = tell(t, reopen(t, j, h.clock()))
	if b, ok := s.r.Brief("upkeep-api-1"); ok {
		t.Errorf("an hour after its end, read from its file: %+v", b)
	}
}

func TestBriefOfAnOpenIncidentOutlivesTheWatchdog(t *testing.T) {
	h := newHost()
	j := openOn(t, t.TempDir(), h.clock())
	s := tell(t, j)
	s.change(0, up, down, exited, because(exited))
	s.attach(s.id, Evidence{LogTail: []string{"bye"}})
	must(t, s.r.Close())
	h.pass(5 * time.Hour)
	s = tell(t, reopen(t, j, h.clock()))
	if b, ok := s.r.Brief("upkeep-api-1"); !ok || b.LastLog != "bye" {
		t.Errorf("%v, %+v", ok, b)
	}
}

func TestLastWords(t *testing.T) {
	for _, c := range []struct {
		tail []string
		want string
	}{
		{nil, ""},
		{[]string{"", " \t"}, ""},
		{[]string{"one", "two"}, "two"},
		{[]string{"one", ""}, "one"},
		{[]string{"2026-11-23T22:00:09.500Z fatal: no route"}, "fatal: no route"},
		{[]string{"2026-11-23T22:00:09.500Z"}, ""},
		{[]string{"\x1b[31merror\x1b[0m\ta\r\nb\x00\u202fc"}, "error a b c"},
		{[]string{"token=abc"}, "token=***"},
		{[]string{`2026-11-23T22:00:09.500Z {"level":"fatal","msg":"cannot start","error":"no\nroute, token=abc"}`}, "cannot start: no route, token=***"},
		{[]string{`{"message":"bye"}`}, "bye"},
		{[]string{`{"err":"no route"}`}, "no route"},
		{[]string{`{"status":200}`}, `{"status":200}`},
		{[]string{`{"msg":"half`}, `{"msg":"half`},
		{[]string{strings.Repeat("x", 200)}, strings.Repeat("x", 200)},
		{[]string{strings.Repeat("x", 201)}, strings.Repeat("x", 199) + "…"},
		{[]string{strings.Repeat("𝄞", 200)}, strings.Repeat("𝄞", 118) + omissionMark},
	} {
		if got := lastWords(c.tail); got != c.want {
			t.Errorf("%q: got %q, want %q", c.tail, got, c.want)
		}
	}
}

// Prometheus drops a whole scrape for one value of a label that is too long.
func TestBriefFitsIntoALabel(t *testing.T) {
	data, err := os.ReadFile("../../../../prometheus/prometheus.yml")
	must(t, err)
	m := regexp.MustCompile(`(?m)^\s*label_value_length_limit: (\d+)$`).FindAllSubmatch(data, -1)
	if len(m) == 0 {
		t.Fatal("prometheus.yml sets no label_value_length_limit")
	}
	for _, limit := range m {
		if n, _ := strconv.Atoi(string(limit[1])); n < maxBriefBytes {
			t.Errorf("prometheus.yml takes %d bytes, the last log line may have %d", n, maxBriefBytes)
		}
	}
}

func FuzzLastWords(f *testing.F) {
	f.Add("2026-11-23T22:00:09.500Z panic: boom")
	f.Add(strings.Repeat("𝄞", 300))
	f.Add(`{"msg":"\u001b[31m","error":"\ud834"}`)
	f.Add("\x1b]0;title\x07\xff API_KEY=abc\u2028")
	f.Fuzz(func(t *testing.T, line string) {
		got := lastWords([]string{line})
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > maxBriefRunes || len(got) > maxBriefBytes || strings.ContainsFunc(got, unicode.IsControl) {
			t.Errorf("%q has become %q", line, got)
		}
	})
}
