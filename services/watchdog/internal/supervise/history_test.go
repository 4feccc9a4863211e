package supervise

import (
	"fmt"
	"strings"
	"time"

	"pgregory.net/rapid"
)

// A random history is a scenario: a line for the options, one for each container, and then steps. Steps that are not
// possible when their time comes, such as stopping what does not run, are left out. What is left can be put into testdata
// as it is, which is also how a history that breaks a rule is shown.

// taste says how often a history has each kind of step, by index into steps.
type taste [len(steps)]int

// steps are all kinds of steps. The first does nothing, so that a history shrinks by having more of it. X stands for a
// container; a value is drawn from the list in braces.
var steps = [...]string{
	"",
	"exit X code={0,1,137,143}",
	"exit X code=137 oom=true",
	"stop X takes={0s,0s,2s,30s}",
	"signal X",
	"start X",
	"bounce X",
	"remove X",
	"recreate X takes={0s,1s,90s}",
	"recreate X takes=1s hash={one,two,three}",
	"freeze X",
	"unfreeze X",
	"unhealthy X",
	"healthy X",
	"doubtful X",
	"set X probes={ok,fail,refuse,hang,unsure,flaky}",
	"set X probes={fail,refuse,hang,flaky}",
	"set X probes=ok",
	"set X engine={ok,refuse,timeout,deaf,late,crash}",
	"set X engine={crash,crash,ok}",
	"set X engine=ok",
	"set X takes={1ms,500ms,12s} lag={0s,300ms} slow={0s,200ms,2s}",
	"set X donor={missing,present}",
	"set X fault={,bad_label}",
	"pause X for={0s,10s,20m}",
	"resume X",
	"restart X",
	"reset X",
	"look X",
	"tick X",
	"lose X",
	"resync recall={yes,yes,no}",
	"storm code=1 gap={0s,10ms,700ms,5s}",
	"kill-watchdog",
	"start-watchdog recall={yes,yes,no}",
	"crash-watchdog",
	"doom when={before,after}",
	"engine-lost",
	"engine-down shutdown={true,false}",
	"engine-up",
}

// ordinary is a bit of everything.
func ordinary() taste {
	var ts taste
	for i := range ts {
		ts[i] = 2
	}
	return ts.more(20, "exit X code").more(6, "stop", "start X", "set X engine=ok", "set X probes", "resync", "start-w", "engine-up").more(8, "look")
}

// more returns a taste with more of the steps that begin with one of those words.
func (ts taste) more(n int, words ...string) taste {
	for i, s := range steps {
		for _, word := range words {
			if strings.HasPrefix(s, word) {
				ts[i] += n
			}
		}
	}
	return ts
}

// span is how many targets, and whether they depend on each other.
type span struct {
	fewest, most int
	depend       bool
}

func historyOf(ts taste, sp span) *rapid.Generator[[]string] {
	total := 0
	for _, n := range ts {
		total += n
	}
	return rapid.Custom(func(t *rapid.T) []string {
		n := rapid.IntRange(sp.fewest, sp.most).Draw(t, "targets")
		lines := []string{fill(t, "options concurrent={1,2,4,4} hold={3,3,2} jitter={0,0,10}", n)}
		for i := range n {
			lines = append(lines, declare(t, i, n, sp))
		}
		for i := range n {
			lines = append(lines, "at 0s start "+name(i))
		}
		step := rapid.Custom(func(t *rapid.T) moment {
			k, kind := rapid.IntRange(0, total-1).Draw(t, "kind"), 0
			for k >= ts[kind] {
				k -= ts[kind]
				kind++
			}
			return moment{after: after(t), line: fill(t, steps[kind], n)}
		})
		at := time.Duration(0)
		for _, m := range rapid.SliceOfN(step, 20, 60).Draw(t, "steps") {
			if at += m.after; m.line != "" {
				lines = append(lines, fmt.Sprintf("at %s %s", at, m.line))
			}
		}
		return append(lines, fmt.Sprintf("at %s calm", at+time.Second))
	})
}

type moment struct {
	after time.Duration
	line  string
}

func name(i int) string { return string(rune('a' + i)) }

// after draws how long nothing happens.
func after(t *rapid.T) time.Duration {
	n := time.Duration(rapid.IntRange(0, 60).Draw(t, "after"))
	switch scale := rapid.IntRange(0, 31).Draw(t, "scale"); {
	case scale < 6:
		return 0
	case scale < 14:
		return n * 17 * time.Millisecond
	case scale < 24:
		return n * time.Second
	case scale < 31:
		return n * 15 * time.Second
	}
	return n * 3 * time.Minute
}

// declare draws a container.
func declare(t *rapid.T, i, n int, sp span) string {
	line := "target " + name(i) + fill(t, " hash=one delay={5s,0s,1s,60s} max={3,1,2,10} window={1h,1m,10m,36h}", n)
	if rapid.Bool().Draw(t, "probed") {
		line += fill(t, " probes=ok interval={30s,5s,60s} timeout={5s,1s} failures={3,2,4,8} successes={1,1,2} flap={6/10,0/0,3/5} grace={60s,0s,10s}", n)
	}
	if rapid.IntRange(0, 2).Draw(t, "checked") == 0 {
		line += " health=auto"
	}
	line += fill(t, " policy={no,no,no,no,always,on-failure}", n)
	if sp.depend && rapid.Bool().Draw(t, "depends") {
		var on []string
		for _, k := range rapid.SliceOfN(rapid.IntRange(0, n-1), 1, 3).Draw(t, "on") {
			on = append(on, name(k))
		}
		line += " after=" + strings.Join(on, ",")
	}
	return line
}

// fill draws what stands for X and the braces.
func fill(t *rapid.T, pattern string, n int) string {
	if !strings.ContainsAny(pattern, "X{") {
		return pattern
	}
	var out strings.Builder
	for pattern != "" {
		switch i := strings.IndexAny(pattern, "X{"); {
		case i < 0:
			out.WriteString(pattern)
			pattern = ""
		case pattern[i] == 'X':
			out.WriteString(pattern[:i] + name(rapid.IntRange(0, n-1).Draw(t, "X")))
			pattern = pattern[i+1:]
		default:
			end := strings.IndexByte(pattern, '}')
			choices := strings.Split(pattern[i+1:end], ",")
			out.WriteString(pattern[:i] + choices[rapid.IntRange(0, len(choices)-1).Draw(t, pattern[:i])])
			pattern = pattern[end+1:]
		}
	}
	return out.String()
}
