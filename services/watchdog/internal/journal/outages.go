package journal

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"
)

const (
	outagesName = "watchdog_outages.jsonl"
	outagesKept = 7 * 24 * time.Hour
	outagesMany = 20000 // lines after which the file is rewritten
)

// outages knows when each target was down during the last days. Incidents cannot tell that alone: a flapping target has
// more of them than are kept.
type outages struct {
	file  *lineFile
	lines int
	first map[string]time.Time // when it was first watched
	spans map[string][]span
}

type span struct{ From, To time.Time }

// outageLine is a line of the file: an outage, or since when a target is watched.
type outageLine struct {
	Target string    `json:"target"`
	Since  time.Time `json:"watched_since,omitzero"`
	From   time.Time `json:"from,omitzero"`
	To     time.Time `json:"to,omitzero"`
}

// openOutages reads the file; lines that cannot be read are dropped, since ratios are no matter of life and death.
func openOutages(path string, now time.Time) (*outages, error) {
	o := &outages{first: map[string]time.Time{}, spans: map[string][]span{}}
	lines, err := readLines(path)
	if err != nil && lines == nil {
		return nil, fmt.Errorf("read %s: %w", outagesName, err)
	}
	for _, raw := range lines {
		var l outageLine
		if json.Unmarshal(raw, &l) != nil || l.Target == "" {
			continue
		}
		if !l.Since.IsZero() {
			o.first[l.Target] = l.Since
		}
		if l.From.Before(l.To) && now.Sub(l.To) < outagesKept {
			o.spans[l.Target] = append(o.spans[l.Target], span{l.From, l.To})
		}
	}
	if o.file, err = openLines(path); err != nil {
		return nil, fmt.Errorf("open %s: %w", outagesName, err)
	}
	o.lines = len(lines)
	if o.lines > outagesMany/2 {
		o.rewrite(now)
	}
	return o, nil
}

// watch notes that a target exists.
func (o *outages) watch(target string, at time.Time) {
	if _, known := o.first[target]; known {
		return
	}
	o.first[target] = at
	_ = o.write(outageLine{Target: target, Since: at}) // costs a few minutes of a ratio at worst
}

func (o *outages) add(target string, from, to time.Time) error {
	if !from.Before(to) {
		return nil
	}
	kept := o.spans[target]
	for len(kept) > 0 && to.Sub(kept[0].To) >= outagesKept {
		kept = kept[1:]
	}
	o.spans[target] = append(kept, span{from, to})
	if o.lines > outagesMany {
		o.rewrite(to)
		return nil
	}
	return named("write "+outagesName, o.write(outageLine{Target: target, From: from, To: to}))
}

func (o *outages) write(l outageLine) error {
	l.Since, l.From, l.To = utc(l.Since), utc(l.From), utc(l.To)
	line, err := marshalLine(l)
	if err != nil {
		return err
	}
	o.lines++
	return o.file.append(line, false)
}

// rewrite drops what is too old to matter.
func (o *outages) rewrite(now time.Time) {
	var content []byte
	o.lines = 0
	put := func(l outageLine) {
		if line, err := marshalLine(l); err == nil {
			content, o.lines = append(content, line...), o.lines+1
		}
	}
	for _, target := range slices.Sorted(maps.Keys(o.first)) {
		put(outageLine{Target: target, Since: utc(o.first[target])})
		for _, s := range o.spans[target] {
			if now.Sub(s.To) < outagesKept {
				put(outageLine{Target: target, From: utc(s.From), To: utc(s.To)})
			}
		}
	}
	_ = o.file.replace(content) // else the old file goes on growing until it works
}

// ratio is the part of the window before now in which the target was not down; since is when a running outage began.
func (o *outages) ratio(target string, now time.Time, window time.Duration, since time.Time) float64 {
	from := now.Add(-window)
	if first := o.first[target]; first.After(from) {
		from = first
	}
	all := now.Sub(from)
	if all <= 0 {
		return 1
	}
	spans := o.spans[target]
	if !since.IsZero() {
		spans = append(spans[:len(spans):len(spans)], span{since, now})
	}
	down := time.Duration(0)
	end := from // up to where time is counted, so that nothing counts twice
	for _, s := range spans {
		if s.From.After(end) {
			end = s.From
		}
		if to := minTime(s.To, now); to.After(end) {
			down += to.Sub(end)
			end = to
		}
	}
	return max(0, 1-float64(down)/float64(all))
}

func minTime(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func (o *outages) close() error {
	if o == nil || o.file == nil {
		return nil
	}
	return o.file.close()
}
