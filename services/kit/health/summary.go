package health

import (
	"encoding/json"
	"strconv"
	"time"
)

// The summary is what load balancers and uptime services ask for all day long,
// so it is written by hand: a tenth of what encoding/json takes.

// summaryBody writes
//
//	{"status":…,"service":…,"version":…,"uptime_seconds":…,"timestamp":…,
//	 "checks":{"total":…,"healthy":…,"degraded":…,"unhealthy":…,"unknown":…}}
func (p *Pages) summaryBody(status Status, now time.Time) []byte {
	workers := p.checker.workers()
	var tally [len(Statuses)]int
	for _, w := range workers {
		one, _ := w.effective(w.state.Load(), now)
		tally[one]++
	}
	out := make([]byte, 0, 256)
	out = append(out, `{"status":"`...)
	out = append(out, status.String()...)
	out = append(out, '"')
	out = append(out, p.who...)
	out = append(out, `,"uptime_seconds":`...)
	out = strconv.AppendFloat(out, seconds(now.Sub(p.checker.began)), 'f', -1, 64)
	out = append(out, `,"timestamp":"`...)
	out = now.UTC().AppendFormat(out, stampLayout)
	out = append(out, `","checks":{"total":`...)
	out = strconv.AppendInt(out, int64(len(workers)), 10)
	for _, one := range [...]Status{Healthy, Degraded, Unhealthy, Unknown} {
		out = append(out, `,"`...)
		out = append(out, one.String()...)
		out = append(out, `":`...)
		out = strconv.AppendInt(out, int64(tally[one]), 10)
	}
	return append(out, "}}\n"...)
}

// whoJSON writes service and version, each where there is one.
func whoJSON(options Options) []byte {
	var out []byte
	for _, member := range [][2]string{{"service", options.Service}, {"version", options.Version}} {
		if member[1] != "" {
			quoted, _ := json.Marshal(member[1]) // a string cannot fail
			out = append(out, `,"`+member[0]+`":`...)
			out = append(out, quoted...)
		}
	}
	return out
}
