package serve

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
)

// firstFD is where handed-over sockets start, by convention.
const firstFD = 3

// inheritance holds the sockets that the parent process handed over.
type inheritance struct {
	once  sync.Once
	mu    sync.Mutex
	socks []named
	err   error
}

// named is a socket under the name that LISTEN_FDNAMES gives it, empty without one.
type named struct {
	net.Listener
	name string
}

// handedOver belongs to the process, as its environment and its descriptors do.
var handedOver inheritance

// take returns the socket that fits addr, or nil when there is none.
func (in *inheritance) take(addr string) (net.Listener, error) {
	in.once.Do(in.load)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		return nil, in.err
	}
	chosen := -1
	for i, ln := range in.socks {
		if fits(ln.Addr(), addr) {
			chosen = i
			break
		}
	}
	if chosen < 0 && len(in.socks) == 1 {
		chosen = 0
	}
	if chosen < 0 {
		return nil, nil
	}
	return in.give(chosen), nil
}

// takeNamed returns the socket of that name, or nil when there is none.
func (in *inheritance) takeNamed(name string) (net.Listener, error) {
	in.once.Do(in.load)
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.err != nil {
		return nil, in.err
	}
	for i, ln := range in.socks {
		if ln.name == name {
			return in.give(i), nil
		}
	}
	return nil, nil
}

// give hands a socket out, once.
func (in *inheritance) give(i int) net.Listener {
	ln := in.socks[i]
	in.socks = append(in.socks[:i], in.socks[i+1:]...)
	return ln.Listener
}

// load turns the descriptors named by LISTEN_FDS into listeners. LISTEN_PID, when
// set, must be this process; a parent that cannot know it leaves it out. Both are
// then removed, so that no child takes the sockets for its own.
func (in *inheritance) load() {
	count, pid, names := os.Getenv("LISTEN_FDS"), os.Getenv("LISTEN_PID"), strings.Split(os.Getenv("LISTEN_FDNAMES"), ":")
	if count == "" || (pid != "" && pid != strconv.Itoa(os.Getpid())) {
		return
	}
	for _, name := range []string{"LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES"} {
		in.err = errors.Join(in.err, os.Unsetenv(name))
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > 256 {
		in.err = fmt.Errorf("LISTEN_FDS=%q: want a number from 0 to 256", count)
		return
	}
	for fd := firstFD; fd < firstFD+n; fd++ {
		closeOnExec(fd)
		file := os.NewFile(uintptr(fd), "LISTEN_FD_"+strconv.Itoa(fd))
		ln, err := net.FileListener(file)
		if err != nil {
			in.err = fmt.Errorf("LISTEN_FDS=%s: descriptor %d is no listening socket: %w", count, fd, err)
			return
		}
		in.err = errors.Join(in.err, file.Close()) // the listener has its own copy
		name := ""
		if i := fd - firstFD; i < len(names) {
			name = names[i]
		}
		in.socks = append(in.socks, named{ln, name})
	}
}

// fits reports whether a socket bound to have serves what addr asks for: the same
// path, or the same port.
func fits(have net.Addr, addr string) bool {
	if path, ok := strings.CutPrefix(addr, unixPrefix); ok {
		return have.Network() == "unix" && have.String() == path
	}
	if have.Network() != "tcp" {
		return false
	}
	_, want, err := net.SplitHostPort(addr)
	if err != nil {
		want = addr
	}
	_, got, err := net.SplitHostPort(have.String())
	return err == nil && got == want
}
