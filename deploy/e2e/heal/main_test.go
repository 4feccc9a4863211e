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
	code := m.Run()
	printTable()
	os.Exit(code)
}

// open builds everything once, and leaves nothing behind when the tests end.
func open(t *testing.T) {
	t.Helper()
	ctx := context.Background() // that of the test is over when it is cleaned up
	must(t, errors.Join(stack.Reachable(ctx), stack.Alone(ctx, prefix)))
	host := cmp.Or(os.Getenv("DOCKER_HOST"), "unix:///var/run/docker.sock")
	socket, local := strings.CutPrefix(host, "unix://")
	if !local {
		t.Fatalf("DOCKER_HOST=%s: these tests kill processes of containers and need an engine of this very machine, unix:///PATH", host)
	}
	dir, err := os.MkdirTemp("", prefix)
	must(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	shop.dir, shop.socket = dir, socket
	must(t, build(ctx))
	must(t, sweep(ctx)) // what a killed run left
	t.Cleanup(func() {
		_, err := stack.Docker(ctx, "image", "rm", "-f", image)
		if err = errors.Join(sweep(ctx), err); err != nil {
			t.Error(err)
		}
	})
	g := guard{address: "127.0.0.1:" + freePort(), socket: socket}
	must(t, g.start(ctx))
	t.Cleanup(g.kill)
	shop.guard = g.address
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
