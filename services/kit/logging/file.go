package logging

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"

	"github.com/DeRuina/timberjack"
)

// Rotation says when a log file is rotated and what is kept. Zero values mean the
// defaults; negative ones are refused.
type Rotation struct {
	// MaxSize rotates a file that would grow beyond so many bytes, rounded up to whole MiB (50 MiB).
	MaxSize int64
	// Every rotates a file that has been open for so long, when the next line comes (never).
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
	for _, f := range []struct {
		name  string
		value int64
	}{{"MaxSize", r.MaxSize}, {"MaxBackups", int64(r.MaxBackups)}, {"MaxAgeDays", int64(r.MaxAgeDays)}} {
		if f.value < 0 {
			errs = append(errs, fmt.Errorf("rotation: %s is %d: want a positive number, or 0 for the default", f.name, f.value))
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
		MaxSize:          or(int((f.rotate.MaxSize+1<<20-1)>>20), 50),
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

// close waits no longer than patience for a write that hangs or a compression that runs.
func (f *file) close(patience time.Duration) error {
	done := make(chan error, 1)
	go func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		done <- f.out.Close()
	}()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("close %s: it took longer than %v; a rotated file may be left uncompressed", f.path, patience)
	}
}

// ensureDir makes dir and proves that files can be written in it. A full disk is no fault of
// the directory: it may have room again later.
func ensureDir(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if errors.Is(err, syscall.ENOSPC) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}
