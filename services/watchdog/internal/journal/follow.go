package journal

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// followEvery is how often a followed log is looked at. No notification is needed for a few lines a minute, and none would
// work on every file system.
const followEvery = 200 * time.Millisecond

// Line is one line of watchdog.log, as it stands there and as it is understood.
type Line struct {
	Entry
	Raw []byte
}

// Events emits the last n entries of watchdog.log, all that are kept in it and in the newest rotated log when n is 0. With
// follow it goes on with what is written, through rotation, until the context ends. Lines that make no sense are left out.
func (d Dir) Events(ctx context.Context, n int, follow bool, emit func(Line) error) error {
	t := &tail{path: d.Log()}
	defer t.close()
	if err := t.open(); err != nil && !follow {
		return err
	}
	now, err := t.read()
	if err != nil {
		return err
	}
	if n == 0 || len(now) < n {
		now = append(d.rotated(), now...)
	}
	if n > 0 {
		now = last(now, n)
	}
	for _, l := range now {
		if err := emit(l); err != nil {
			return err
		}
	}
	if !follow {
		return nil
	}
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		lines, err := t.next()
		if err != nil {
			return err
		}
		for _, l := range lines {
			if err := emit(l); err != nil {
				return err
			}
		}
	}
}

// rotated reads the newest rotated log, as far as it can be read.
func (d Dir) rotated() []Line {
	base := strings.TrimSuffix(d.Log(), ".log")
	plain, _ := filepath.Glob(base + "-*.log")
	packed, _ := filepath.Glob(base + "-*.log.gz")
	newest := ""
	for _, name := range append(packed, plain...) { // while one is being compressed, the plain one is whole
		if strings.TrimSuffix(name, ".gz") >= strings.TrimSuffix(newest, ".gz") {
			newest = name
		}
	}
	if newest == "" {
		return nil
	}
	f, err := os.Open(newest)
	if err != nil {
		return nil
	}
	defer f.Close()
	var in io.Reader = f
	if strings.HasSuffix(newest, ".gz") {
		z, err := gzip.NewReader(f)
		if err != nil {
			return nil
		}
		in = z
	}
	data, _ := io.ReadAll(in) // a damaged end is left out
	lines, _ := parseLines(data)
	return lines
}

// tail reads a file as it grows and is replaced.
type tail struct {
	path string
	f    *os.File
	part []byte // the beginning of a line whose end is not written yet
	seen int64
}

func (t *tail) open() error {
	f, err := os.Open(t.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("no %s in %s: has the watchdog run with this LOG_DIR? %w", logName, filepath.Dir(t.path), err)
	}
	if err != nil {
		return fmt.Errorf("read %s: %w", logName, err)
	}
	t.close()
	t.f, t.part, t.seen = f, nil, 0
	return nil
}

func (t *tail) close() {
	if t.f != nil {
		t.f.Close()
	}
}

// read returns the lines that were completed since the last call.
func (t *tail) read() ([]Line, error) {
	if t.f == nil {
		return nil, nil
	}
	data, err := io.ReadAll(t.f)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", logName, err)
	}
	t.seen += int64(len(data))
	lines, part := parseLines(append(t.part, data...))
	t.part = part
	return lines, nil
}

// next is read, and goes over to the file that has taken the place of the one that was open.
func (t *tail) next() ([]Line, error) {
	if t.f == nil && t.open() != nil {
		return nil, nil // not there yet
	}
	lines, err := t.read()
	if err != nil {
		return nil, err
	}
	named, err := os.Stat(t.path)
	if err != nil {
		return lines, nil // between two files
	}
	open, err := t.f.Stat()
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", logName, err)
	}
	if os.SameFile(named, open) && open.Size() >= t.seen {
		return lines, nil
	}
	rest, err := t.read() // written between the last look and the rotation
	if err == nil {
		err = t.open()
	}
	if err != nil {
		return nil, err
	}
	fresh, err := t.read()
	return append(append(lines, rest...), fresh...), err
}

// parseLines splits data into entries, and the beginning of a line without an end.
func parseLines(data []byte) (lines []Line, part []byte) {
	for {
		raw, rest, whole := bytes.Cut(data, []byte{'\n'})
		if !whole {
			return lines, data
		}
		data = rest
		l := Line{Raw: raw}
		if json.Unmarshal(raw, &l.Entry) == nil && l.Type != "" {
			lines = append(lines, l)
		}
	}
}
