// Package systemd tells the service manager how the watchdog is, as sd_notify does: that it is ready, that it lives, that it
// is stopping. Without a service manager it does nothing.
package systemd

import (
	"fmt"
	"net"
	"os"
	"strings"
	"time"
)

// Notifier talks to the service manager. A nil Notifier does nothing. It belongs to one goroutine, Ready and Stopping aside.
type Notifier struct {
	conn  *net.UnixConn
	every time.Duration // between signs of life, 0 = none are wanted
	last  time.Time
}

// New makes a Notifier for what systemd puts into the environment of a unit: NOTIFY_SOCKET, where an @ at the beginning
// stands for the abstract namespace, WATCHDOG_USEC, after which silence means death, and WATCHDOG_PID, whose silence that
// is (0 = this process's). Without a socket it returns nil.
func New(socket string, limit time.Duration, pid int) (*Notifier, error) {
	if socket == "" {
		return nil, nil
	}
	if !strings.HasPrefix(socket, "/") && !strings.HasPrefix(socket, "@") {
		return nil, fmt.Errorf("NOTIFY_SOCKET=%q: want an absolute path, or a name that begins with @", socket)
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		return nil, fmt.Errorf("reach NOTIFY_SOCKET=%s: %w", socket, err)
	}
	n := &Notifier{conn: conn}
	if pid == 0 || pid == os.Getpid() {
		n.every = limit / 3 // two of them may get lost
	}
	return n, nil
}

// Ready tells that the start is over.
func (n *Notifier) Ready() { n.send("READY=1") }

// Stopping tells that the watchdog is about to end.
func (n *Notifier) Stopping() { n.send("STOPPING=1") }

// Alive tells that the watchdog lives, when that is due.
func (n *Notifier) Alive(now time.Time) {
	if n == nil || n.every <= 0 || now.Sub(n.last) < n.every {
		return
	}
	n.last = now
	n.send("WATCHDOG=1")
}

func (n *Notifier) send(state string) {
	if n != nil {
		_, _ = n.conn.Write([]byte(state)) // systemd notices the silence, which is all that could be said
	}
}
