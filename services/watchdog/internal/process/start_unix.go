//go:build unix && !linux

package process

import "syscall"

// attributes give a worker a process group of its own. Nothing here ends it when the watchdog is killed.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func adoptOrphans() error { return nil }
