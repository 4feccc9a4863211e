//go:build unix

package process

import (
	"errors"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// handOver turns a listener into a file that children can inherit, and closes the listener. Whether calls on a socket block
// is a property that all its users share. It is set once, here, to what programs expect that know nothing else; File
// of the listener would set it at every start, under the workers that run and have chosen otherwise.
func handOver(l net.Listener) (*os.File, error) {
	raw, ok := l.(syscall.Conn)
	if !ok {
		return nil, errors.New("it is no socket")
	}
	conn, err := raw.SyscallConn()
	if err != nil {
		return nil, err
	}
	fd, dupErr := -1, error(nil)
	err = conn.Control(func(own uintptr) {
		fd, dupErr = unix.FcntlInt(own, unix.F_DUPFD_CLOEXEC, 0)
	})
	if err := errors.Join(err, dupErr); err != nil {
		return nil, err
	}
	err = errors.Join(unix.SetNonblock(fd, false), l.Close())
	file := os.NewFile(uintptr(fd), l.Addr().String())
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file, nil
}
