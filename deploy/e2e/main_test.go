// Package e2e tests the whole stack: docker-compose.yml as it ships, the real engine, the real Compose.
package e2e

import (
	"fmt"
	"os"
	"testing"
)

// unchecked collects what a run could not check; it is said once more, at the very end, where nobody overlooks it.
var unchecked []string

func TestMain(m *testing.M) {
	code := m.Run()
	for _, what := range unchecked {
		fmt.Printf("\n*** NOT CHECKED: %s ***\n", what)
	}
	os.Exit(code)
}
