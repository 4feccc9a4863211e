//go:build unix

package serve

import "syscall"

// closeOnExec keeps a descriptor from children.
func closeOnExec(fd int) { syscall.CloseOnExec(fd) }
