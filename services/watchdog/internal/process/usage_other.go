//go:build !linux

package process

import "errors"

// MeasuresMemory tells whether the memory of workers can be limited here.
const MeasuresMemory = false

func processGroups() (map[int]group, error) {
	return nil, errors.New("the memory of processes is measured on Linux only")
}
