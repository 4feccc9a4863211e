package journal

import "path/filepath"

// Dir reads the files of a journal.
type Dir string

func (d Dir) path(name string) string { return filepath.Join(string(d), name) }

// Log is the path of watchdog.log.
func (d Dir) Log() string { return d.path(logName) }

// Socket is the path of the control socket.
func (d Dir) Socket() string { return d.path("watchdog.sock") }

// Run is the directory of the sockets that workers and the watchdog talk through.
func (d Dir) Run() string { return d.path("run") }
