package process

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
)

// prepareRunDir makes the directory of the sockets and removes those that a killed watchdog has left in it.
func prepareRunDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of the admin sockets: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory needs x, and it is for its owner only
		return fmt.Errorf("make the directory of the admin sockets private: %w", err)
	}
	left, err := filepath.Glob(filepath.Join(dir, "*.sock"))
	for _, path := range left {
		err = errors.Join(err, os.Remove(path))
	}
	return err
}

// adminSocket binds the admin socket of one run.
func adminSocket(dir, worker string, number int) (path string, file *os.File, err error) {
	path = filepath.Join(dir, worker+"."+strconv.Itoa(number)+".sock")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return "", nil, fmt.Errorf("make the admin socket (%d characters of path; systems allow about 100): %w", len(path), err)
	}
	l.SetUnlinkOnClose(false) // it belongs to the process from here on
	file, err = handOver(l)
	return path, file, err
}
