package journal

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

const (
	ledgerName = "watchdog_ledger.jsonl"

	// The ledger is rewritten when it is larger than this and than so many times what is alive in it.
	ledgerSlack  = 256 << 10
	ledgerGrowth = 4

	// maxLedgerTargets bounds the file where container names are made up anew for every run; the longest unseen go first.
	maxLedgerTargets = 10000
)

// ledger is the file of restart histories. Its last good line of a target wins.
type ledger struct {
	mu     sync.Mutex
	clock  Clock
	file   *lineFile
	latest map[string]record
	dirty  bool  // the file could not be rewritten although it should have been
	floor  int64 // its size after the last rewrite
}

// openLedger reads what can be read, sets a damaged file aside and leaves a compact one.
func openLedger(path string, clock Clock, warn func(string, ...any)) (*ledger, error) {
	lines, readErr := readLines(path)
	if readErr != nil && lines == nil {
		return nil, fmt.Errorf("read %s: %w", ledgerName, readErr)
	}
	l := &ledger{clock: clock, latest: map[string]record{}}
	bad := 0
	for _, line := range lines {
		rec, err := decodeRecord(line)
		switch {
		case len(bytes.TrimSpace(line)) == 0:
		case err != nil:
			bad++
		case rec.Gone:
			delete(l.latest, rec.Target)
		default:
			l.latest[rec.Target] = rec
		}
	}
	if bad > 0 || readErr != nil {
		aside, err := setAside(path, clock.Now())
		if err != nil {
			aside = "nowhere: " + err.Error()
		} else {
			aside = filepath.Base(aside)
		}
		warn("%s is damaged: %d of %d lines cannot be read; the histories of %d targets were recovered, the damaged file is kept as %s",
			ledgerName, bad, len(lines), len(l.latest), aside)
	}
	var err error
	if l.file, err = openLines(path); err != nil {
		return nil, fmt.Errorf("open %s (it must be writable for uid %d): %w", ledgerName, os.Getuid(), err)
	}
	l.floor = l.file.size
	if bad > 0 || readErr != nil || len(lines) > len(l.latest) {
		if err := l.compact(); err != nil {
			warn("%s cannot be rewritten (%v); it goes on growing", ledgerName, err)
		}
	}
	return l, nil
}

// Histories returns what was known of every target when the journal was opened, and what was saved since. Times count
// from now, so that neither a restart of the watchdog nor a change of the wall clock makes a restart look older.
func (j *Journal) Histories() map[string]supervise.History {
	l := j.books
	l.mu.Lock()
	defer l.mu.Unlock()
	all := make(map[string]supervise.History, len(l.latest))
	for target, rec := range l.latest {
		all[target] = rec.history(l.clock)
	}
	return all
}

// Save appends the history of a target to the ledger; with sync it is on disk when Save returns. After an error the file
// is as good as before, and the history goes into it with the next write that succeeds.
func (j *Journal) Save(target string, h supervise.History, sync bool) error {
	return named("save the history of "+target, j.books.save(newRecord(target, h, j.books.clock), sync))
}

// Forget drops the history of a target.
func (j *Journal) Forget(target string) error {
	rec := record{Target: target, Gone: true, stamp: j.books.clock.stamp()}
	return named("forget the history of "+target, j.books.save(rec, false))
}

func (l *ledger) save(rec record, sync bool) error {
	line, err := rec.encode()
	if err != nil {
		return err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if rec.Gone {
		delete(l.latest, rec.Target)
	} else {
		l.latest[rec.Target] = rec
	}
	moved := sync && l.file.moved()
	if moved || l.dirty || l.file.size > max(ledgerSlack, ledgerGrowth*l.floor) {
		err := l.compact()
		if err == nil || moved {
			return err // a line in a file that nobody finds is not saved
		}
	}
	if err := l.file.append(line, sync); err != nil {
		l.dirty = true
		return err
	}
	return nil
}

// compact rewrites the file with one line for each target.
func (l *ledger) compact() error {
	l.bound()
	var content []byte
	for _, target := range slices.Sorted(maps.Keys(l.latest)) {
		line, err := l.latest[target].encode()
		if err != nil {
			return err
		}
		content = append(content, line...)
	}
	if err := l.file.replace(content); err != nil {
		l.floor = l.file.size // try again when it has grown once more
		return err
	}
	l.dirty, l.floor = false, int64(len(content))
	return nil
}

// bound drops the targets that were saved longest ago when there are too many.
func (l *ledger) bound() {
	if len(l.latest) <= maxLedgerTargets {
		return
	}
	oldest := slices.SortedFunc(maps.Values(l.latest), func(a, b record) int { return a.Wall.Compare(b.Wall) })
	for _, rec := range oldest[:len(oldest)-maxLedgerTargets] {
		delete(l.latest, rec.Target)
	}
}

func (l *ledger) close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.dirty {
		err = l.compact()
	}
	return errors.Join(err, l.file.close())
}
