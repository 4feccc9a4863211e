// Package units reads durations and sizes as people write them in an environment.
//
// Duration and Size implement encoding.TextUnmarshaler, so that a configuration struct can have
// fields of these types:
//
//	type Config struct {
//		Interval units.Duration `env:"INTERVAL" envDefault:"30"`
//		LogSize  units.Size     `env:"LOG_MAX_SIZE" envDefault:"50MB"`
//	}
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Duration is a time.Duration that reads both "30" (seconds) and "1m30s".
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// String writes the duration as Go does.
func (d Duration) String() string { return time.Duration(d).String() }

// Std returns the duration as a time.Duration.
func (d Duration) Std() time.Duration { return time.Duration(d) }

// ParseDuration reads a whole number of seconds ("30") or a Go duration ("1m30s"). Negative ones and
// whatever does not fit are refused.
func ParseDuration(s string) (time.Duration, error) {
	refuse := func() (time.Duration, error) {
		return 0, fmt.Errorf("%q is no duration: want seconds (30) or a Go duration (1m30s), not negative", s)
	}
	if allDigits(s) {
		seconds, err := strconv.ParseInt(s, 10, 64)
		if err != nil || seconds > math.MaxInt64/int64(time.Second) {
			return refuse()
		}
		return time.Duration(seconds) * time.Second, nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return refuse()
	}
	return d, nil
}

// Size is a number of bytes that reads "1048576", "64KiB", "50MB" and "1.5GiB".
type Size int64

// UnmarshalText implements encoding.TextUnmarshaler.
func (z *Size) UnmarshalText(text []byte) error {
	v, err := ParseSize(string(text))
	*z = Size(v)
	return err
}

// Bytes returns the size as a plain number.
func (z Size) Bytes() int64 { return int64(z) }

// sizeUnits are looked up by the lower-case suffix.
var sizeUnits = map[string]float64{
	"": 1, "b": 1,
	"k": 1 << 10, "kib": 1 << 10, "kb": 1e3,
	"m": 1 << 20, "mib": 1 << 20, "mb": 1e6,
	"g": 1 << 30, "gib": 1 << 30, "gb": 1e9,
	"t": 1 << 40, "tib": 1 << 40, "tb": 1e12,
}

// ParseSize reads a number of bytes with an optional unit in any case: B, KB, MB, GB, TB are powers of 1000;
// KiB, MiB, GiB, TiB, and K, M, G, T as Docker has them, powers of 1024. Fractions are rounded down to whole bytes.
func ParseSize(s string) (int64, error) {
	refuse := func() (int64, error) {
		return 0, fmt.Errorf("%q is no size: want bytes with or without a unit, such as 1048576, 64KiB, 50MB or 1.5GiB", s)
	}
	folded := strings.ToLower(s)
	number := strings.TrimRight(folded, "bikmgt")
	unit, known := sizeUnits[folded[len(number):]]
	number = strings.TrimRight(number, " ")
	whole, fraction, dotted := strings.Cut(number, ".")
	if !known || !allDigits(whole) || (dotted && !allDigits(fraction)) {
		return refuse()
	}
	if !dotted {
		n, err := strconv.ParseInt(whole, 10, 64)
		if err != nil || n > math.MaxInt64/int64(unit) {
			return refuse()
		}
		return n * int64(unit), nil
	}
	n, err := strconv.ParseFloat(number, 64)
	if err != nil || n*unit >= math.MaxInt64 {
		return refuse()
	}
	return int64(n * unit), nil
}

func allDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
