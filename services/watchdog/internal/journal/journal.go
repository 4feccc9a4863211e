package journal

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Options say how much is kept. The zero value of a field means its default.
type Options struct {
	Clock         Clock
	LogMaxSize    int   // MiB of watchdog.log before it is rotated (10)
	LogMaxBackups int   // rotated logs that are kept (5)
	LogMaxAge     int   // days that they are kept (30)
	MaxIncidents  int   // incidents that are kept (200)
	IncidentBytes int64 // and their size in all (50 MiB)
}

func (o Options) withDefaults() Options {
	if o.Clock.Now == nil {
		o.Clock = SystemClock(time.Now)
	}
	o.LogMaxSize = or(o.LogMaxSize, 10)
	o.LogMaxBackups = or(o.LogMaxBackups, 5)
	o.LogMaxAge = or(o.LogMaxAge, 30)
	o.MaxIncidents = or(o.MaxIncidents, 200)
	o.IncidentBytes = or(o.IncidentBytes, 50<<20)
	return o
}

func or[T int | int64](v, def T) T {
	if v <= 0 {
		return def
	}
	return v
}

// Journal writes the files of one watchdog. Its methods may be called from several goroutines.
type Journal struct {
	dir   Dir
	opts  Options
	lock  *os.File
	log   *eventLog
	books *ledger
	tales *incidentStore

	mu       sync.Mutex
	warnings []string
	closing  sync.Once
	closed   error
}

// Open opens the journal in dir, which is made if need be, with default options; now is usually time.Now.
func Open(dir string, now func() time.Time) (*Journal, error) {
	return OpenWith(dir, Options{Clock: SystemClock(now)})
}

// OpenWith opens the journal in dir. What it had to repair is in Warnings.
func OpenWith(dir string, opts Options) (_ *Journal, err error) {
	j := &Journal{dir: Dir(dir), opts: opts.withDefaults()}
	defer func() {
		if err != nil {
			err = errors.Join(err, j.Close())
		}
	}()
	if err := os.MkdirAll(j.dir.path("incidents"), 0o750); err != nil {
		return nil, fmt.Errorf("prepare %s (it must be writable for uid %d): %w", dir, os.Getuid(), err)
	}
	if j.lock, err = lockDir(j.dir.path("watchdog.lock")); err != nil {
		return nil, err
	}
	j.sweep()
	if j.books, err = openLedger(j.dir.path(ledgerName), j.opts.Clock, j.warn); err != nil {
		return nil, err
	}
	if j.tales, err = openIncidents(j.dir, j.opts, j.warn); err != nil {
		return nil, err
	}
	j.log = openEventLog(j.dir.path(logName), j.opts)
	return j, nil
}

// Close flushes and closes everything. Closing again returns the same.
func (j *Journal) Close() error {
	j.closing.Do(func() { j.closed = j.close() })
	return j.closed
}

func (j *Journal) close() error {
	var errs []error
	if j.log != nil {
		errs = append(errs, named("close "+logName, j.log.close()))
	}
	if j.books != nil {
		errs = append(errs, named("close "+ledgerName, j.books.close()))
	}
	if j.lock != nil {
		errs = append(errs, j.lock.Close())
	}
	return errors.Join(errs...)
}

// Dir reads what this journal has written.
func (j *Journal) Dir() Dir { return j.dir }

// Warnings tells what Open found damaged and what it did about it.
func (j *Journal) Warnings() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]string(nil), j.warnings...)
}

func (j *Journal) warn(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.warnings = append(j.warnings, fmt.Sprintf(format, args...))
}

// sweep removes temporary files that a killed watchdog left behind.
func (j *Journal) sweep() {
	for _, dir := range []string{string(j.dir), j.dir.path("incidents")} {
		entries, _ := os.ReadDir(dir) // nothing to sweep where nothing can be read
		for _, e := range entries {
			if name := e.Name(); e.Type().IsRegular() && strings.HasPrefix(name, ".") && strings.Contains(name, ".json") {
				_ = os.Remove(filepath.Join(dir, name))
			}
		}
	}
}

// lockDir makes sure that one watchdog at a time writes here. The kernel drops the lock with the process.
func lockDir(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o640) //nolint:gosec // the group may read, for log shippers
	if err != nil {
		return nil, fmt.Errorf("lock the log directory (it must be writable for uid %d): %w", os.Getuid(), err)
	}
	if locked(f) {
		f.Close()
		return nil, fmt.Errorf("another watchdog uses %s; stop it or set another LOG_DIR", filepath.Dir(path))
	}
	return f, nil // a file system without locks is no reason not to heal
}

func named(what string, err error) error {
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}
