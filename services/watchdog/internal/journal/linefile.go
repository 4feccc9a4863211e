package journal

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// lineFile is a file of lines that only grows, until it is replaced as a whole. A line that was written in part is cut
// off again, or at least ended before the next one.
type lineFile struct {
	path string
	f    *os.File
	size int64 // of the whole lines
	torn bool  // something stands behind them
}

// openLines opens the file for appending behind what is there.
func openLines(path string) (*lineFile, error) {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_RDWR, 0o640) //nolint:gosec // the group may read, for log shippers
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		err = syncDir(filepath.Dir(path)) // it may be new
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &lineFile{path: path, f: f, size: info.Size(), torn: endsTorn(path)}, nil
}

// append adds one line, which ends in a newline, and makes it last when sync is set.
func (l *lineFile) append(line []byte, sync bool) error {
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := l.f.Write(line)
	switch {
	case err == nil:
		l.size, l.torn = l.size+int64(n), false
	case n > 0 && l.f.Truncate(l.size) != nil:
		l.size, l.torn = l.size+int64(n), true
	}
	if err == nil && sync {
		err = l.f.Sync()
	}
	return err
}

// moved reports whether the path no longer leads to the open file, as when somebody cleaned up the directory.
func (l *lineFile) moved() bool {
	open, err := l.f.Stat()
	if err != nil {
		return true
	}
	named, err := os.Stat(l.path)
	return err != nil || !os.SameFile(open, named)
}

// replace puts other content in the place of the file, at once and to last.
func (l *lineFile) replace(content []byte) error {
	if err := writeWhole(l.path, content); err != nil {
		return err
	}
	next, err := openLines(l.path)
	if err != nil {
		return err
	}
	l.f.Close() // its content is superseded
	*l = *next
	return nil
}

func (l *lineFile) close() error { return errors.Join(l.f.Sync(), l.f.Close()) }

// readLines returns the lines of a file, none where there is no file. What was read before an error is returned with it.
func readLines(path string) ([][]byte, error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if len(data) == 0 {
		return nil, err
	}
	return bytes.Split(bytes.TrimSuffix(data, []byte{'\n'}), []byte{'\n'}), err
}

// keepCorrupt is how many damaged versions of one file are kept for a person to look at.
const keepCorrupt = 3

// setAside keeps a copy of a damaged file under another name, and returns that name.
func setAside(path string, now time.Time) (string, error) {
	aside := fmt.Sprintf("%s.corrupt-%s", path, now.UTC().Format("20060102T150405.000000Z"))
	if err := os.Link(path, aside); err != nil {
		data, err := os.ReadFile(path)
		if err == nil {
			err = os.WriteFile(aside, data, 0o640) //nolint:gosec // the group may read, for log shippers
		}
		if err != nil {
			return "", err
		}
	}
	older, _ := filepath.Glob(path + ".corrupt-*") // sorted by name, which is by time
	for len(older) > keepCorrupt {
		_ = os.Remove(older[0]) // tried again next time
		older = older[1:]
	}
	return aside, nil
}
