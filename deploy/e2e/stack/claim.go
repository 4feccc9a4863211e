package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"syscall"
)

// claim makes this process the only one that tests on the engine: two runs would take each other's stack down, since they
// have the same names. The kernel gives the claim up when the process ends, however it ends.
var claim = sync.OnceValue(func() error {
	_, err := lock(filepath.Join(os.TempDir(), fmt.Sprintf("upkeep-engine-%d.lock", os.Getuid())))
	return err
})

// lock takes a lock on a file, which holds until the file is closed.
func lock(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("claim the engine: %w", err)
	}
	held = append(held, f)
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("another end-to-end run or measurement uses this engine (it holds %s): wait until it is done", path)
	}
	if err != nil {
		return nil, fmt.Errorf("claim the engine by %s: %w", path, err)
	}
	return f, nil
}

// held keeps the files from being closed by the garbage collector.
var held []*os.File
