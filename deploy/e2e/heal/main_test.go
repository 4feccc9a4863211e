package heal

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

const (
	prefix = "upkeep-heal-"      // of every container and Compose project made here
	image  = "upkeep-heal:tests" // the patient's
)

// dockerfile makes the patient's image. Its health check is that of the published comparisons: every second, two failures.
const dockerfile = `FROM scratch
COPY patient /patient
HEALTHCHECK --interval=1s --timeout=1s --retries=2 CMD ["/patient", "check"]
ENTRYPOINT ["/patient"]
`

// kills is how often the watchdog is killed in the scenario that kills it.
var kills = flag.Int("kills", 10, "how often the watchdog is killed at random moments")

// shop is what all scenarios share: the programs under test, and the guard in front of the engine.
var shop struct {
	dir    string // of the programs
	socket string // of the engine
	guard  string // its address
}

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() {
		os.Exit(m.Run())
	}
	code, err := open(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	printTable()
	os.Exit(code)
}

// open builds everything once, runs the tests, and leaves nothing behind.
func open(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if err := errors.Join(stack.Reachable(ctx), stack.Alone(ctx, prefix)); err != nil {
		return 1, err
	}
	socket, local := strings.CutPrefix(cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock"), "unix://")
	if !local {
		return 1, fmt.Errorf("DOCKER_HOST=%s: these tests kill processes of containers and need an engine of this very machine, unix:///PATH", os.Getenv("DOCKER_HOST"))
	}
	if shop.dir, err = os.MkdirTemp("", prefix); err != nil {
		return 1, err
	}
	shop.socket = socket
	defer os.RemoveAll(shop.dir)
	if err := build(ctx); err != nil {
		return 1, err
	}
	if err := sweep(ctx); err != nil { // what a killed run left
		return 1, err
	}
	defer func() {
		_, rm := stack.Docker(ctx, "image", "rm", "-f", image)
		if err = errors.Join(err, sweep(ctx), rm); err != nil {
			code = 1
		}
	}()
	g := guard{address: "127.0.0.1:" + freePort(), socket: socket}
	if err := g.start(ctx); err != nil {
		return 1, err
	}
	defer g.kill()
	shop.guard = g.address
	return m.Run(), nil
}

// build makes the watchdog, the guard, the patient and its image.
func build(ctx context.Context) error {
	root, err := stack.Root()
	if err != nil {
		return err
	}
	context := filepath.Join(shop.dir, "image")
	for _, b := range []struct{ dir, pkg, out string }{
		{"services/watchdog", ".", filepath.Join(shop.dir, "watchdog")},
		{"services/guard", ".", filepath.Join(shop.dir, "guard")},
		{"deploy/e2e/heal", "./testdata/patient", filepath.Join(context, "patient")},
	} {
		cmd := exec.CommandContext(ctx, "go", "build", "-o", b.out, b.pkg)
		cmd.Dir = filepath.Join(root, b.dir)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("build %s: %w\n%s", b.dir, err, out)
		}
	}
	if err := os.WriteFile(filepath.Join(context, "Dockerfile"), []byte(dockerfile), 0o600); err != nil {
		return err
	}
	_, err = stack.Docker(ctx, "build", "-q", "-t", image, context)
	return err
}

// sweep removes every container whose name is ours. Compose projects here have no networks or volumes of their own.
func sweep(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	ids, err := stack.Docker(ctx, "ps", "-aq", "--filter", "name=^/"+prefix)
	if err != nil || ids == "" {
		return err
	}
	_, err = stack.Docker(ctx, append([]string{"rm", "-f", "-v"}, strings.Fields(ids)...)...)
	return err
}
