package control

import (
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// Listen makes the control socket at path, for its owner only. A socket that a dead watchdog left behind is replaced; one
// that answers is not.
func Listen(path string) (net.Listener, error) {
	if err := clearStale(path); err != nil {
		return nil, err
	}
	// It is made where nobody else can reach it and moved when its permissions are right.
	private, err := os.MkdirTemp(filepath.Dir(path), ".sock")
	if err != nil {
		return nil, fmt.Errorf("make the control socket: %w", err)
	}
	defer os.Remove(private)
	temporary := filepath.Join(private, "s")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: temporary, Net: "unix"})
	if errors.Is(err, syscall.EINVAL) {
		return nil, fmt.Errorf("make the control socket: %s is too long for one; set a shorter LOG_DIR: %w", path, err)
	}
	if err != nil {
		return nil, fmt.Errorf("make the control socket: %w", err)
	}
	l.SetUnlinkOnClose(false)
	if err := errors.Join(os.Chmod(temporary, 0o600), os.Rename(temporary, path)); err != nil {
		return nil, errors.Join(fmt.Errorf("make the control socket: %w", err), l.Close(), os.Remove(temporary))
	}
	info, err := os.Lstat(path)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the control socket: %w", err), l.Close())
	}
	return &socket{UnixListener: l, path: path, info: info}, nil
}

// clearStale removes a socket on which nobody listens.
func clearStale(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("make the control socket: %w", err)
	case info.Mode().Type() != os.ModeSocket:
		return fmt.Errorf("make the control socket: %s is in the way and no socket; remove it", path)
	}
	if c, err := net.DialTimeout("unix", path, time.Second); err == nil {
		c.Close()
		return fmt.Errorf("make the control socket: another watchdog answers at %s; stop it or set another LOG_DIR", path)
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("make the control socket: %w", err)
	}
	return nil
}

// socket removes its file when it is closed, unless another one has taken its place.
type socket struct {
	*net.UnixListener
	path string
	info os.FileInfo
	once sync.Once
	err  error
}

// Close implements net.Listener.
func (s *socket) Close() error {
	s.once.Do(func() {
		s.err = s.UnixListener.Close()
		if now, err := os.Lstat(s.path); err == nil && os.SameFile(now, s.info) {
			s.err = errors.Join(s.err, os.Remove(s.path))
		}
	})
	return s.err
}
