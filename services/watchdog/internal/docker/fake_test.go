package docker

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/moby/moby/api/types/events"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// fake is an HTTP server that answers as an engine would. It is for what a real engine does not do on demand: speak another
// version, hang, be restarted.
type fake struct {
	version string
	server  *httptest.Server
	drop    chan struct{} // closed to end the streams of events

	mu       sync.Mutex
	boxes    map[string]string // ID → the answer to inspect, empty = none ever
	recalled []events.Message
	live     []events.Message // told once to the next stream of events
	asked    []string
	onAsk    func(r *http.Request)
}

func newFake(t *testing.T, version string) *fake {
	f := &fake{version: version, boxes: map[string]string{}, drop: make(chan struct{})}
	f.server = httptest.NewServer(f)
	t.Cleanup(func() { f.server.CloseClientConnections(); f.server.Close() })
	return f
}

func (f *fake) host() string { return "tcp://" + f.server.Listener.Addr().String() }

// runs adds a container that runs since a time.
func (f *fake) runs(id string, since time.Time) {
	f.put(id, fmt.Sprintf(`{"Id":%q,"Name":"/%s","State":{"Status":"running","Running":true,"StartedAt":%q}}`, id, id, since.Format(time.RFC3339Nano)))
}

func (f *fake) put(id, answer string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.boxes[id] = answer
}

func (f *fake) count(part string) (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, a := range f.asked {
		if strings.Contains(a, part) {
			n++
		}
	}
	return n
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.asked = append(f.asked, r.URL.Path)
	onAsk, recalled, drop := f.onAsk, f.recalled, f.drop
	f.mu.Unlock()
	if onAsk != nil {
		onAsk(r)
	}
	w.Header().Set("Api-Version", f.version)
	w.Header().Set("Content-Type", "application/json")
	path := r.URL.Path
	if i := strings.Index(path[1:], "/"); i > 0 {
		path = path[1+i:]
	}
	switch {
	case path == "/_ping":
	case path == "/version":
		fmt.Fprint(w, `{"Version":"fake"}`)
	case path == "/events" && r.URL.Query().Has("until"):
		for _, m := range recalled {
			_ = json.NewEncoder(w).Encode(m)
		}
	case path == "/events":
		f.mu.Lock()
		live := f.live
		f.live = nil
		f.mu.Unlock()
		for _, m := range live {
			_ = json.NewEncoder(w).Encode(m)
		}
		_ = http.NewResponseController(w).Flush()
		select {
		case <-r.Context().Done():
		case <-drop:
		}
	case path == "/containers/json":
		f.mu.Lock()
		list := []map[string]any{}
		for id := range f.boxes {
			list = append(list, map[string]any{"Id": id, "Names": []string{"/" + id}, "State": "running", "Labels": map[string]string{"watchdog.enable": "true"}})
		}
		f.mu.Unlock()
		_ = json.NewEncoder(w).Encode(list)
	case strings.HasSuffix(path, "/restart"):
		<-r.Context().Done() // an engine that never answers
	default:
		id := strings.Split(path, "/")[2]
		f.mu.Lock()
		answer, ok := f.boxes[id]
		f.mu.Unlock()
		switch {
		case !ok:
			w.WriteHeader(http.StatusNotFound)
			fmt.Fprint(w, `{"message":"no such container"}`)
		case answer == "":
			<-r.Context().Done()
		default:
			fmt.Fprint(w, answer)
		}
	}
}

func TestFakeEngineVersions(t *testing.T) {
	for engine, want := range map[string]string{"1.40": "1.40", "1.41": "1.41", "1.44": "1.44", "1.52": "1.52", "1.56": "1.56", "1.99": "1.56"} {
		t.Run(engine, func(t *testing.T) {
			f := newFake(t, engine)
			f.runs("api", time.Now())
			w := watch(t, Options{Host: f.host()})
			if c := w.connection(true); c.APIVersion != want || c.ServerVersion != "fake" {
				t.Errorf("connection = %+v, want API %s", c, want)
			}
			w.running("api")
			if f.count("/v"+want+"/containers/api/json") == 0 {
				t.Errorf("asked %q", f.asked)
			}
		})
	}
	f := newFake(t, "1.39")
	w := watch(t, Options{Host: f.host()})
	if c := w.connection(false); !strings.Contains(c.Error, "1.39") || !strings.Contains(c.Error, "1.40") {
		t.Errorf("an engine that is too old: %q, want both versions in the error", c.Error)
	}
}

// TestFakeEngineStuckInspect has more containers that hang than looks may be made at once.
func TestFakeEngineStuckInspect(t *testing.T) {
	f := newFake(t, "1.41")
	for i := range 3 * lookers {
		f.put(fmt.Sprintf("stuck%d", i), "")
	}
	f.runs("well", time.Now())
	w := watch(t, Options{Host: f.host()})
	w.connection(true)
	began := time.Now()
	w.running("well")
	if took := time.Since(began); took > 4*patience+time.Second {
		t.Errorf("seen after %v, though only others hang", took)
	}
}

func TestFakeEngineRestartTimesOut(t *testing.T) {
	started := time.Now().Add(-time.Hour).UTC()
	for _, finished := range []bool{false, true} {
		t.Run(fmt.Sprintf("finished=%v", finished), func(t *testing.T) {
			f := newFake(t, "1.41")
			f.runs("api", started)
			w := watch(t, Options{Host: f.host()})
			w.slack = 100 * time.Millisecond
			run := w.running("api").Event.Seen.Instance
			if finished {
				f.mu.Lock()
				f.onAsk = func(r *http.Request) {
					if strings.HasSuffix(r.URL.Path, "/restart") {
						f.runs("api", time.Now())
					}
				}
				f.mu.Unlock()
			}
			began := time.Now()
			out := w.Restart(t.Context(), "api", run, supervise.Restart{StopTimeout: 0})
			if out.TimedOut == finished || out.Err != "" {
				t.Errorf("outcome = %+v", out)
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %v", took)
			}
			if n := f.count("/restart"); n != 1 {
				t.Errorf("sent %d times", n)
			}
		})
	}
}

func TestFakeEngineOneCallPerContainer(t *testing.T) {
	f := newFake(t, "1.41")
	f.runs("api", time.Now().UTC())
	w := watch(t, Options{Host: f.host()})
	run := w.running("api").Event.Seen.Instance
	sent := make(chan struct{}, 1)
	f.mu.Lock()
	f.onAsk = func(r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/restart") {
			sent <- struct{}{}
		}
	}
	f.mu.Unlock()
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan supervise.Outcome)
	go func() { first <- w.Restart(ctx, "api", run, supervise.Restart{}) }()
	<-sent
	if out := w.Restart(t.Context(), "api", run, supervise.Restart{}); !strings.Contains(out.Err, "earlier call") {
		t.Errorf("a second call: %+v", out)
	}
	cancel()
	if out := <-first; !out.TimedOut {
		t.Errorf("the watchdog ended while the engine was at work: %+v", out)
	}
}

// TestFakeEngineLost tells a lost engine from a lost connection.
func TestFakeEngineLost(t *testing.T) {
	for what, c := range map[string]struct {
		recalls bool // the engine recalls what was before the loss
		outlive bool // a container runs since then
		want    bool
	}{
		"restarted":                                 {false, false, true},
		"only the connection, it recalls":           {true, false, false},
		"only the connection, containers run since": {false, true, false},
	} {
		t.Run(what, func(t *testing.T) {
			f := newFake(t, "1.41")
			before := time.Now().Add(-time.Minute)
			f.runs("api", before)
			f.live = []events.Message{{
				Type: events.ContainerEventType, Action: events.ActionKill, TimeNano: time.Now().UnixNano(),
				Actor: events.Actor{ID: "api", Attributes: map[string]string{"name": "api", "signal": "15"}},
			}}
			w := watch(t, Options{Host: f.host()})
			w.running("api")
			w.rewind()
			w.kind(supervise.EventSignal, "api")
			f.mu.Lock()
			if c.recalls {
				f.recalled = []events.Message{{Type: "image", Action: "pull", TimeNano: before.UnixNano()}}
			}
			drop := f.drop
			f.drop = make(chan struct{})
			f.mu.Unlock()
			if !c.outlive {
				f.runs("api", time.Now().Add(time.Minute))
			}
			close(drop)
			w.connection(false)
			w.connection(true)
			lost := false
			w.wait("running, after perhaps a lost engine", func(n observe.Notice) bool {
				lost = lost || n.Event.Kind == supervise.EventEngineLost
				return n.Event.Kind == supervise.EventSeen
			})
			if lost != c.want {
				t.Errorf("told that the engine was lost: %v", lost)
			}
		})
	}
}
