//go:build !unix

package main

import (
	"os"
	"syscall"
)

// watched are the signals that onSignals acts on.
var watched = []os.Signal{syscall.SIGHUP}
