package process

import (
	"fmt"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes give a worker a process group of its own, and have the kernel end it when the watchdog is killed.
func attributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// adoptOrphans makes the watchdog the parent of processes whose own parent has ended, as PID 1 is in a container, so
// that they leave no zombies anywhere.
func adoptOrphans() error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("become the parent of orphans: %w", err)
	}
	return nil
}
