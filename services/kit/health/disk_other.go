//go:build !(linux || darwin || freebsd)

package health

import "errors"

func diskUse(string) (float64, error) {
	return 0, errors.New("the fill of a disk cannot be read on this system")
}
