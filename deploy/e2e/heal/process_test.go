package heal

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// patience bounds every wait for something that takes a moment on a quiet machine.
const patience = time.Minute

// process is a program that runs beside the tests.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error // how it ended
}

// launch starts a program whose output goes to a file. It gets nothing of our environment.
func launch(output string, env []string, program string, args ...string) (*process, error) {
	out, err := os.OpenFile(output, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	p := &process{cmd: exec.Command(program, args...), ended: make(chan struct{})}
	p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = append([]string{"PATH=" + os.Getenv("PATH")}, env...), out, out
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", program, err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.ended) }()
	return p, nil
}

// end sends a signal and waits for the end of the process. Of one that has ended already it does nothing.
func (p *process) end(sig syscall.Signal) error {
	if p == nil {
		return nil
	}
	_ = p.cmd.Process.Signal(sig)
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		_ = p.cmd.Process.Kill()
		<-p.ended
		return fmt.Errorf("%s did not end within %v of %v", filepath.Base(p.cmd.Path), patience, sig)
	}
}

// guard is the socket guard, the only way to the engine that the watchdog has.
type guard struct {
	address string
	socket  string
	process *process
}

func (g *guard) start(ctx context.Context) (err error) {
	g.process, err = launch(filepath.Join(shop.dir, "guard.log"), []string{"GUARD_ADDRESS=" + g.address, "DOCKER_SOCKET=" + g.socket},
		filepath.Join(shop.dir, "guard"))
	if err != nil {
		return err
	}
	return stack.Poll(ctx, patience, func() error {
		code, body, err := stack.Do(ctx, "GET", "http://"+g.address+"/_ping")
		if err == nil && code != 200 {
			err = fmt.Errorf("the guard answers %d %s", code, body)
		}
		return err
	})
}

func (g *guard) kill() { _ = g.process.end(syscall.SIGKILL) }

// freePort is one that nobody listens on.
func freePort() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}
