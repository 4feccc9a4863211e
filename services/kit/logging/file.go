package logging

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/DeRuina/timberjack"
)

// Rotation says when a log file is rotated and what is kept. Zero values mean the
// defaults; negative ones are refused.
type Rotation struct {
	// MaxSizeMB rotates a file that would grow beyond it (50).
	MaxSizeMB int
	// Every rotates a file that is older, when the next line comes (never).
	Every time.Duration
	// MaxBackups is how many rotated files of each log are kept (5).
	MaxBackups int
	// MaxAgeDays deletes rotated files that are older (30).
	MaxAgeDays int
	// Uncompressed leaves rotated files as they are; else they are gzipped.
	Uncompressed bool
}

func (r Rotation) validate() error {
	var errs []error
	for name, n := range map[string]int{"MaxSizeMB": r.MaxSizeMB, "MaxBackups": r.MaxBackups, "MaxAgeDays": r.MaxAgeDays} {
		if n < 0 {
			errs = append(errs, fmt.Errorf("rotation: %s is %d: want a positive number, or 0 for the default", name, n))
		}
	}
	if r.Every < 0 || (r.Every > 0 && r.Every < time.Minute) {
		errs = append(errs, fmt.Errorf("rotation: Every is %v: want a minute or more, or 0 for never", r.Every))
	}
	return errors.Join(errs...)
}

// file is one rotated log file.
type file struct {
	mu     sync.Mutex
	path   string
	rotate Rotation
	out    *timberjack.Logger
}

func openFile(path string, r Rotation) *file {
	f := &file{path: path, rotate: r}
	f.out = f.fresh()
	return f
}

func (f *file) fresh() *timberjack.Logger {
	or := func(n, standard int) int {
		if n == 0 {
			return standard
		}
		return n
	}
	compression := "gzip"
	if f.rotate.Uncompressed {
		compression = "none"
	}
	return &timberjack.Logger{
		Filename:         f.path,
		MaxSize:          or(f.rotate.MaxSizeMB, 50),
		MaxBackups:       or(f.rotate.MaxBackups, 5),
		MaxAge:           or(f.rotate.MaxAgeDays, 30),
		RotationInterval: f.rotate.Every,
		Compression:      compression,
		FileMode:         0o640,
	}
}

// Write implements io.Writer.
func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Write(p)
}

// reopen lets go of the open file; the next line opens the name anew.
func (f *file) reopen() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	err := f.out.Close()
	f.out = f.fresh()
	return err
}

func (f *file) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.out.Close()
}

// ensureDir makes dir and proves that files can be written in it.
func ensureDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
