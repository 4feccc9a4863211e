package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Environment is where the service runs.
type Environment string

// The environments.
const (
	Production  Environment = "production"
	Staging     Environment = "staging"
	Development Environment = "development"
	Test        Environment = "test"
)

// UnmarshalText reads an environment in any case.
func (e *Environment) UnmarshalText(text []byte) error {
	*e = Environment(strings.ToLower(string(text)))
	if !slices.Contains([]Environment{Production, Staging, Development, Test}, *e) {
		return errors.New("not an environment")
	}
	return nil
}

// LogLevel is the lowest level that is logged.
type LogLevel string

// UnmarshalText reads a level in any case.
func (l *LogLevel) UnmarshalText(text []byte) error {
	*l = LogLevel(strings.ToUpper(string(text)))
	if *l == "WARNING" {
		*l = "WARN"
	}
	if !slices.Contains([]LogLevel{"DEBUG", "INFO", "WARN", "ERROR"}, *l) {
		return errors.New("not a level")
	}
	return nil
}

// Duration is written as a whole number of seconds or as Go writes it.
type Duration time.Duration

// UnmarshalText reads "30" and "1m30s".
func (d *Duration) UnmarshalText(text []byte) error {
	value, err := parseDuration(string(text))
	*d = Duration(value)
	return err
}

// maxDuration keeps sums of durations from overflowing, and is longer than
// anything that can be meant.
const maxDuration = 365 * 24 * time.Hour

func parseDuration(text string) (time.Duration, error) {
	var value time.Duration
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		if seconds > int64(maxDuration/time.Second) || seconds < 0 {
			return 0, errors.New("out of range")
		}
		value = time.Duration(seconds) * time.Second
	} else if value, err = time.ParseDuration(text); err != nil {
		return 0, errors.New("not a duration")
	}
	if value < 0 || value > maxDuration {
		return 0, errors.New("out of range")
	}
	return value, nil
}

// Ratio is a share from 0 to 1.
type Ratio float64

// UnmarshalText reads a ratio.
func (r *Ratio) UnmarshalText(text []byte) error {
	value, err := strconv.ParseFloat(string(text), 64)
	if err != nil || !(value >= 0 && value <= 1) {
		return errors.New("not a ratio")
	}
	*r = Ratio(value)
	return nil
}

// Secret is a text that prints as stars.
type Secret string

// String hides the secret.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "***"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return fmt.Sprintf("Secret(%q)", s.String()) }

// MarshalText hides the secret from JSON and logs.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
