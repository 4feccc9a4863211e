package mutants

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Promtool is a shell that runs promtool on one folder after the other: starting a container for each would take longer
// than the tests do. It is not for use by several goroutines at once.
type Promtool struct {
	work   string // every folder is made in here
	stdin  io.WriteCloser
	stdout *bufio.Reader
	wait   func() error
}

// loop answers each line "FOLDER TEST..." with 0, or with promtool's exit code and what it says about the first test that fails.
const loop = `while read -r folder tests; do
	answer=0
	for test in $tests; do
		said=$(cd "$WORK/$folder/tests" && promtool test rules "$test" 2>&1)
		code=$?
		[ "$code" = 0 ] && continue
		case $said in *FAILED*) answer="1 FAILED $test";; *) answer="$code $said";; esac
		break
	done
	echo $answer
done`

// Start starts the shell. With an image, it runs in a container of it, which sees the folder work and nothing else; without
// one, promtool must be in PATH. It ends with the context, or by Close.
func Start(ctx context.Context, image, work string) (*Promtool, error) {
	args := []string{"sh", "-c", loop}
	inside := work
	if image != "" {
		inside = "/work"
		args = []string{"docker", "run", "--rm", "-i", "--network", "none", "-v", work + ":" + inside + ":ro",
			"-e", "WORK=" + inside, "--entrypoint", "sh", image, "-c", loop}
	}
	command := exec.CommandContext(ctx, args[0], args[1:]...)
	command.Env = append(os.Environ(), "WORK="+inside)
	command.Stderr = os.Stderr
	stdin, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("start promtool: %w", err)
	}
	return &Promtool{work, stdin, bufio.NewReader(stdout), command.Wait}, nil
}

// Close ends the shell.
func (p *Promtool) Close() error { return errors.Join(p.stdin.Close(), p.wait()) }

// Notices returns the first of the tests that fails with a changed rule file, or "". dir is the folder of rules/ and tests/,
// changed the path of the file below it, tests the names of the files in tests/.
func (p *Promtool) Notices(dir, changed string, text []byte, tests []string) (string, error) {
	folder, err := os.MkdirTemp(p.work, "mutant")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(folder)
	if err := populate(folder, dir, changed, text, tests); err != nil {
		return "", fmt.Errorf("copy rules and tests: %w", err)
	}
	if _, err := fmt.Fprintln(p.stdin, filepath.Base(folder), strings.Join(tests, " ")); err != nil {
		return "", fmt.Errorf("ask promtool: %w", err)
	}
	answer, err := p.stdout.ReadString('\n')
	if err != nil {
		return "", fmt.Errorf("promtool has ended: %w", err)
	}
	answer = strings.TrimSpace(answer)
	if answer == "0" {
		return "", nil
	}
	if test, failed := strings.CutPrefix(answer, "1 FAILED "); failed {
		return test, nil
	}
	return "", fmt.Errorf("promtool could not test: %s", answer)
}

// populate makes folder/rules and folder/tests, readable for the user of the container.
func populate(folder, dir, changed string, text []byte, tests []string) error {
	rules, err := filepath.Glob(filepath.Join(dir, "rules", "*.yml"))
	if err != nil {
		return err
	}
	files := map[string]string{}
	for _, path := range rules {
		files[filepath.Join("rules", filepath.Base(path))] = path
	}
	for _, name := range tests {
		files[filepath.Join("tests", name)] = filepath.Join(dir, "tests", name)
	}
	for _, sub := range []string{"", "rules", "tests"} {
		if err := os.MkdirAll(filepath.Join(folder, sub), 0o755); err != nil { //nolint:gosec // see above
			return err
		}
	}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // see above
		return err
	}
	for to, from := range files {
		content, err := os.ReadFile(from)
		if err != nil {
			return err
		}
		if to == changed {
			content = text
		}
		if err := os.WriteFile(filepath.Join(folder, to), content, 0o644); err != nil { //nolint:gosec // see above
			return err
		}
	}
	return nil
}
