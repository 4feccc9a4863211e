// Package e2e tests the whole stack: docker-compose.yml as it ships, the real engine, the real Compose.
package e2e

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// unchecked collects what a run could not check; it is said once more, at the very end, where nobody overlooks it.
var unchecked []string

func TestMain(m *testing.M) {
	code := m.Run()
	if built && os.Getenv("E2E_KEEP") != "1" {
		if err := stack.RemoveImages(context.Background()); err != nil {
			fmt.Println(err)
			code = max(code, 1)
		}
	}
	for _, what := range unchecked {
		fmt.Printf("\n*** NOT CHECKED: %s ***\n", what)
	}
	os.Exit(code)
}
