package process

import "testing"

func FuzzStat(f *testing.F) {
	f.Add([]byte("12 (a) b) S 1 11 1 0 -1 4194560 1 0 0 0 7 8 1 2 20 0 1 0 5 4096 33 18446744073709551615"))
	f.Add([]byte("12 (x S"))
	f.Fuzz(func(t *testing.T, stat []byte) {
		if _, _, _, ok := parseStat(stat); ok && len(stat) < 40 {
			t.Errorf("understood %q", stat)
		}
	})
}

func TestStat(t *testing.T) {
	pgrp, ticks, pages, ok := parseStat([]byte("12 (a) b) S 1 11 1 0 -1 4194560 1 0 0 0 7 8 1 2 20 0 1 0 5 4096 33 18446744073709551615 1"))
	if pgrp != 11 || ticks != 18 || pages != 33 || !ok {
		t.Errorf("got %d %d %d %v", pgrp, ticks, pages, ok)
	}
}

// What one look at every process of the machine costs.
func BenchmarkProcessGroups(b *testing.B) {
	for b.Loop() {
		if _, err := processGroups(); err != nil {
			b.Fatal(err)
		}
	}
}
