package supervise

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mutant is one deliberate fault in the core. In testdata/mutants it is a line that names rule, file and fault, and then
// lines of the file as a diff shows them: with a space, or - before those that go and + before those that come.
type mutant struct {
	rule     int
	file     string
	fault    string
	old, new string
}

func (m mutant) String() string { return fmt.Sprintf("rule %d, %s: %s", m.rule, m.file, m.fault) }

// readMutants reads all of them.
func readMutants(t *testing.T) (all []mutant) {
	files, err := filepath.Glob("testdata/mutants/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no mutants found", err)
	}
	heading := regexp.MustCompile(`^rule ([1-8]), (\w+\.go): (.+)$`)
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line == "\n" || line[0] == '#' {
				continue
			}
			if f := heading.FindStringSubmatch(strings.TrimSuffix(line, "\n")); f != nil {
				rule, _ := strconv.Atoi(f[1])
				all = append(all, mutant{rule: rule, file: f[2], fault: f[3]})
				continue
			}
			if len(all) == 0 || !strings.ContainsRune("-+ ", rune(line[0])) {
				t.Fatalf("%s: cannot read %q", file, line)
			}
			m := &all[len(all)-1]
			if line[0] != '+' {
				m.old += line[1:]
			}
			if line[0] != '-' {
				m.new += line[1:]
			}
		}
	}
	return all
}

// trial is what became of a mutant.
type trial struct {
	property  string   // that finds it
	histories int      // until then
	fault     string   // what the property says is broken
	others    []string // tests that fail too, scenarios above all
	err       error    // why it cannot be said that the property has found it
}

// try builds a mutant and runs the tests on it.
func (m mutant) try(dir, sound string) (v trial) {
	defer os.RemoveAll(dir)
	source, err := os.ReadFile(m.file)
	if err != nil {
		return trial{err: err}
	}
	text := "\n" + string(source)
	if n := strings.Count(text, "\n"+m.old); m.old == "" || n != 1 {
		return trial{err: fmt.Errorf("no longer applies: the lines that it changes stand there %d times", n)}
	}
	text = strings.Replace(text, "\n"+m.old, "\n"+m.new, 1)
	changed, binary := filepath.Join(dir, m.file), filepath.Join(dir, "mutant.test")
	if err := os.WriteFile(changed, []byte(text[1:]), 0o600); err != nil {
		return trial{err: err}
	}
	if err := compile(binary, map[string]string{m.file: changed}); err != nil {
		return trial{err: err}
	}
	if v.others, v.err = runOthers(binary); v.err == nil {
		v.err = v.runProperty(m.rule, binary, sound)
	}
	return v
}

// compile builds the tests of the package, with some of its files replaced. The tree stays as it is.
func compile(binary string, replace map[string]string) error {
	whole := map[string]string{}
	for file, by := range replace {
		abs, err := filepath.Abs(file)
		if err != nil {
			return err
		}
		whole[abs] = by
	}
	overlay, err := json.Marshal(map[string]any{"Replace": whole})
	if err != nil {
		return err
	}
	if err := os.WriteFile(binary+".json", overlay, 0o600); err != nil {
		return err
	}
	if out, err := exec.Command("go", "test", "-c", "-overlay", binary+".json", "-o", binary, ".").CombinedOutput(); err != nil {
		return fmt.Errorf("does not compile: %w\n%s", err, out)
	}
	return nil
}

// runTests runs tests and reports whether they pass. They get one core, as several mutants run at once.
func runTests(binary string, args ...string) (out string, passes bool, err error) {
	cmd := exec.Command(binary, append(args, "-test.timeout=10m", "-rapid.nofailfile", "-rapid.shrinktime=0")...)
	cmd.Env = append(os.Environ(), "GOMAXPROCS=1")
	b, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return string(b), false, nil
	}
	return string(b), err == nil, err
}

var failedTest = regexp.MustCompile(`(?m)^ *--- FAIL: (\S+)|^panic: `)

// runOthers runs all tests that are no property, and returns the names of those that fail.
func runOthers(binary string) (failed []string, err error) {
	out, passes, err := runTests(binary, "-test.skip=^TestRule|^TestMutants$")
	for _, f := range failedTest.FindAllStringSubmatch(out, -1) {
		failed = append(failed, cmp.Or(strings.TrimPrefix(f[1], "TestScenarios/"), "panic"))
	}
	failed = slices.DeleteFunc(failed, func(name string) bool { return name == "TestScenarios" && len(failed) > 1 })
	if err == nil && passes != (len(failed) == 0) {
		err = fmt.Errorf("cannot tell which tests fail:\n%s", out)
	}
	return failed, err
}

var brokenRule = regexp.MustCompile(`--- FAIL: (\w+)(?s:.*)\[rapid\] failed after (\d+) tests: rule (\d) is broken at (.+)`)

// runProperty runs the property of a rule, until it finds that the rule is broken. The sound core must pass the same histories.
func (v *trial) runProperty(rule int, binary, sound string) error {
	for seed := range mutantSeeds {
		args := []string{fmt.Sprintf("-test.run=^TestRule%d", rule), fmt.Sprintf("-rapid.seed=%d", seed+1)}
		out, passes, err := runTests(binary, append(args, fmt.Sprintf("-rapid.checks=%d", mutantChecks))...)
		if err != nil {
			return err
		}
		if passes {
			continue
		}
		f := brokenRule.FindStringSubmatch(out)
		if f == nil || f[3] != strconv.Itoa(rule) {
			return fmt.Errorf("fails, but not because rule %d is broken:\n%.2000s", rule, out)
		}
		n, _ := strconv.Atoi(f[2])
		v.property, v.histories, v.fault = f[1], seed*mutantChecks+n+1, f[4]
		args = append(args, fmt.Sprintf("-rapid.checks=%d", n+1))
		if _, passes, err = runTests(sound, args...); err == nil && !passes {
			err = fmt.Errorf("the sound core fails too: go test %s", strings.ReplaceAll(strings.Join(args, " "), "-test.", "-"))
		}
		return err
	}
	return fmt.Errorf("SURVIVES %d histories", mutantSeeds*mutantChecks)
}
