//go:build linux || darwin || freebsd

package health

import (
	"fmt"
	"syscall"
)

func diskUse(path string) (float64, error) {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(path, &stat); err != nil {
		return 0, fmt.Errorf("look at the disk of %s: %w", path, err)
	}
	used := float64(stat.Blocks) - float64(stat.Bfree)
	size := used + float64(stat.Bavail)
	if size <= 0 {
		return 0, fmt.Errorf("the file system of %s has no size", path)
	}
	return used / size, nil
}
