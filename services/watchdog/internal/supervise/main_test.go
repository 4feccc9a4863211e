package supervise

import (
	"flag"
	"fmt"
	"os"
	"testing"
)

// TestMain gives the properties one seed, so that a commit that passed passes again. Search with others:
//
//	go test -run Rule -rapid.seed=$RANDOM -rapid.checks=100000 -timeout 0
func TestMain(m *testing.M) {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "rapid.seed" })
	if !given {
		if err := flag.Set("rapid.seed", "20261123"); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}
