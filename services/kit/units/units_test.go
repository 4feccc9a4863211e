package units_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/services/kit/units"
)

func TestParseDuration(t *testing.T) {
	for in, want := range map[string]time.Duration{
		"0": 0, "30": 30 * time.Second, "0030": 30 * time.Second, "1m30s": 90 * time.Second,
		"250ms": 250 * time.Millisecond, "1.5h": 90 * time.Minute, "9223372036": 9223372036 * time.Second,
	} {
		if got, err := units.ParseDuration(in); err != nil || got != want {
			t.Errorf("ParseDuration(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", "-1", "-5s", "1.5", "5 s", "soon", "9223372037", "1e3", "+3", "30seconds"} {
		if got, err := units.ParseDuration(in); err == nil {
			t.Errorf("ParseDuration(%q) = %v, want a refusal", in, got)
		}
	}
}

func TestParseSize(t *testing.T) {
	for in, want := range map[string]int64{
		"0": 0, "17": 17, "17B": 17, "64KiB": 65536, "64kib": 65536, "64k": 65536, "64KB": 64000,
		"50MB": 50_000_000, "50 MiB": 50 << 20, "1.5GiB": 3 << 29, "1T": 1 << 40, "2tb": 2_000_000_000_000,
		"9223372036854775807": 1<<63 - 1,
	} {
		if got, err := units.ParseSize(in); err != nil || got != want {
			t.Errorf("ParseSize(%q) = %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", "B", "MB", "-1", "1.MB", ".5MB", "1..5MB", "1e3", "12XB", "12MBB", "1 2", "9223372036854775808", "9300000TB", "8388608TiB", "8388608.5TiB", "Kb1"} {
		if got, err := units.ParseSize(in); err == nil {
			t.Errorf("ParseSize(%q) = %v, want a refusal", in, got)
		}
	}
}

func TestTextUnmarshalling(t *testing.T) {
	var d units.Duration
	if err := d.UnmarshalText([]byte("90")); err != nil || d.Std() != 90*time.Second || d.String() != "1m30s" {
		t.Errorf("Duration: %v, %v", d, err)
	}
	var z units.Size
	if err := z.UnmarshalText([]byte("4K")); err != nil || z.Bytes() != 4096 {
		t.Errorf("Size: %v, %v", z, err)
	}
	if err := z.UnmarshalText([]byte("many")); err == nil {
		t.Error("Size took a word")
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"30", "1m30s", "-1", "9223372037", "1e9", "٣", "1h1h", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := units.ParseDuration(s)
		if err != nil {
			if d != 0 {
				t.Errorf("%q: refused, yet %v", s, d)
			}
			return
		}
		if again, err := units.ParseDuration(d.String()); err != nil || again != d || d < 0 {
			t.Errorf("%q is %v, which reads as %v, %v", s, d, again, err)
		}
	})
}

func FuzzParseSize(f *testing.F) {
	for _, s := range []string{"0", "64KiB", "1.5GiB", "9223372036854775807", "K", "İB", "1.999999999999999999TB"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := units.ParseSize(s)
		if err != nil {
			if n != 0 {
				t.Errorf("%q: refused, yet %v", s, n)
			}
			return
		}
		if again, err := units.ParseSize(fmt.Sprint(n)); err != nil || again != n || n < 0 {
			t.Errorf("%q is %v, which reads as %v, %v", s, n, again, err)
		}
	})
}

func Example() {
	d, _ := units.ParseDuration("90")
	z, _ := units.ParseSize("1.5KiB")
	_, err := units.ParseDuration("soon")
	fmt.Println(d, z)
	fmt.Println(err)
	// Output:
	// 1m30s 1536
	// "soon" is no duration: want seconds (30) or a Go duration (1m30s), not negative
}
