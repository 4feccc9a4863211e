//go:build unix

package journal

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"

	"github.com/google/renameio/v2"
)

// locked locks a file, and reports whether somebody else has done so before.
func locked(f *os.File) bool {
	return errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}

// writeWhole replaces a file so that a reader, or a crash, finds either the old content or the new.
func writeWhole(path string, data []byte) error {
	return renameio.WriteFile(path, data, 0o640, renameio.WithTempDir(filepath.Dir(path)))
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
