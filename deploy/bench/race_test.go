package main

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestReport(t *testing.T) {
	var out bytes.Buffer
	fast, slow := []time.Duration{400 * time.Millisecond, 600 * time.Millisecond}, []time.Duration{time.Second, 3 * time.Second, 2 * time.Second}
	report(&out, series{fast, slow}, series{fast, slow})
	for _, want := range []string{"| Upkeep, after a calm run | 0.50 | 0.60 | 0.40 0.60 |", "| restart: always, back to back | 2.00 | 3.00 |", "0.25 times"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
}

func TestRunRefusesWrongArguments(t *testing.T) {
	for _, args := range [][]string{{"-runs", "0"}, {"-runs", "many"}, {"-nonsense"}} {
		if err := run(t.Context(), args, new(bytes.Buffer), new(bytes.Buffer)); err == nil {
			t.Errorf("bench %v: no error", args)
		}
	}
}
