package supervise

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// A mutant gets a tenth of the histories of a night before it counts as a survivor, from several seeds.
const (
	mutantSeeds  = 10
	mutantChecks = 1000 // of each seed
)

// TestMutants tests the properties: it breaks the core in every way that testdata/mutants tells, one at a time, and expects
// that the property of the rule that is broken finds it, in a history that the sound core passes. It takes minutes, so that
// it must be asked for, with an expression that says which mutants are wanted:
//
//	MUTANTS=. go test -count=1 -run TestMutants -v -timeout 30m ./internal/supervise
//	MUTANTS='rule 3|budget' go test …
func TestMutants(t *testing.T) {
	if os.Getenv("MUTANTS") == "" {
		t.Skip("takes minutes: MUTANTS=. runs all, MUTANTS='rule 3' some")
	}
	wanted, err := regexp.Compile(os.Getenv("MUTANTS"))
	if err != nil {
		t.Fatal(err)
	}
	mutants := readMutants(t)
	for rule := 1; rule <= 8; rule++ {
		n := 0
		for _, m := range mutants {
			if m.rule == rule {
				n++
			}
		}
		if n < 3 {
			t.Errorf("rule %d is broken in %d ways only, it takes three", rule, n)
		}
	}
	mutants = slices.DeleteFunc(mutants, func(m mutant) bool { return !wanted.MatchString(m.String()) })
	if len(mutants) == 0 {
		t.Fatalf("no mutant is called %s", wanted)
	}
	sound := filepath.Join(t.TempDir(), "sound.test")
	if err := compile(sound, nil); err != nil {
		t.Fatal(err)
	}
	if failed, err := runOthers(sound); err != nil || len(failed) > 0 {
		t.Fatalf("the sound core fails already: %s %v", strings.Join(failed, ", "), err)
	}

	done := make([]chan trial, len(mutants))
	free := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, m := range mutants {
		done[i] = make(chan trial, 1)
		dir := t.TempDir()
		go func() {
			free <- struct{}{}
			done[i] <- m.try(dir, sound)
			<-free
		}()
	}
	found, others := 0, 0
	for i, m := range mutants {
		v := <-done[i]
		if len(v.others) > 0 {
			others++
		}
		also := cmp.Or(strings.Join(v.others, " "), "nothing else")
		if v.err != nil {
			t.Errorf("%s: %v | %s", m, v.err, also)
			continue
		}
		found++
		fmt.Printf("%s | %s, history %d: %s | %s\n", m, v.property, v.histories, v.fault, also)
	}
	fmt.Printf("%d mutants: the property of the rule finds %d, scenarios find %d\n", len(mutants), found, others)
}
