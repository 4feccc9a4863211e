package stack

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"sync"
	"time"
)

// Event is one event of the engine.
type Event struct {
	Action   string
	Actor    struct{ ID string }
	TimeNano int64 `json:"timeNano"`
}

// Events follows what the engine itself says about one container, independently of the watchdog.
type Events struct {
	cmd  *exec.Cmd
	mu   sync.Mutex
	seen []Event
	done chan struct{}
}

// Follow starts to listen; Stop ends it.
func Follow(ctx context.Context, container string) (*Events, error) {
	e := &Events{done: make(chan struct{})}
	c, err := Inspect(ctx, container)
	if err != nil {
		return nil, err
	}
	// since the container's birth, so that nothing is lost between this call and the moment when the stream is open
	e.cmd = exec.CommandContext(ctx, "docker", "events", "--since", c.Created.Format("2006-01-02T15:04:05Z"),
		"--filter", "container="+c.ID, "--filter", "type=container",
		"--filter", "event=start", "--filter", "event=die", "--filter", "event=kill", "--filter", "event=stop", "--filter", "event=restart",
		"--format", "{{json .}}")
	e.cmd.Env = cleanEnv()
	out, err := e.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := e.cmd.Start(); err != nil {
		return nil, fmt.Errorf("docker events: %w", err)
	}
	go e.read(out)
	return e, nil
}

func (e *Events) read(out io.Reader) {
	defer close(e.done)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		var ev Event
		if json.Unmarshal(lines.Bytes(), &ev) != nil {
			continue
		}
		e.mu.Lock()
		e.seen = append(e.seen, ev)
		e.mu.Unlock()
	}
}

// Count tells how often an action was seen since the container was made.
func (e *Events) Count(action string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	n := 0
	for _, ev := range e.seen {
		if ev.Action == action {
			n++
		}
	}
	return n
}

// Times tells when an action was seen since the container was made, by the engine's clock.
func (e *Events) Times(action string) []time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	var times []time.Time
	for _, ev := range e.seen {
		if ev.Action == action {
			times = append(times, time.Unix(0, ev.TimeNano))
		}
	}
	return times
}

// Stop ends the stream.
func (e *Events) Stop() {
	_ = e.cmd.Process.Kill()
	<-e.done
	_ = e.cmd.Wait()
}
