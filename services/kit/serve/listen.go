package serve

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// unixPrefix marks an address as the path of a Unix socket.
const unixPrefix = "unix:"

// Listen returns a listener for addr: ":8000", "127.0.0.1:0", "8000" or
// "unix:/path/to.sock". When a parent process handed over a socket
// (LISTEN_FDS) that fits addr, or exactly one socket, that one is used: each is
// given out once.
func Listen(addr string) (net.Listener, error) {
	if ln, err := handedOver.take(addr); ln != nil || err != nil {
		return ln, err
	}
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		return listenUnix(path)
	}
	if _, err := strconv.ParseUint(addr, 10, 16); err == nil {
		addr = ":" + addr
	}
	ln, err := net.Listen("tcp", addr)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("listen on %s: the address is in use: stop the process that holds it or choose another port: %w", addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return ln, nil
}

// Inherited returns the socket that a parent process handed over under that name
// (LISTEN_FDNAMES), or nil when there is none. It is given out once, and Listen no
// longer finds it.
func Inherited(name string) (net.Listener, error) { return handedOver.takeNamed(name) }

// listenUnix opens a Unix socket, after removing one that a killed process
// left behind. A socket that still answers is left alone.
func listenUnix(path string) (net.Listener, error) {
	if path == "" {
		return nil, errors.New("listen on unix socket: the path is empty: write unix:/path/to.sock")
	}
	if err := removeStale(path); err != nil {
		return nil, fmt.Errorf("listen on %s%s: %w", unixPrefix, path, err)
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, fmt.Errorf("listen on %s%s: %w", unixPrefix, path, err)
	}
	return ln, nil
}

func removeStale(path string) error {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if info.Mode()&fs.ModeSocket == 0 {
		return errors.New("the path exists and is no socket: remove it or choose another")
	}
	conn, err := net.DialTimeout("unix", path, time.Second)
	if err == nil {
		_ = conn.Close()
		return errors.New("another process answers on this socket: stop it or choose another path")
	}
	return os.Remove(path)
}
