package serve_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/upkeephq/upkeep/services/kit/serve"
)

var requests = flag.Int("requests", 5_000, "requests of the test that stops under load; 50000 is the acceptance run")

func TestMain(m *testing.M) {
	if maybeChild() {
		return
	}
	flag.Parse()
	goleak.VerifyTestMain(m)
}

func listen(t *testing.T, addr string) net.Listener {
	t.Helper()
	ln, err := serve.Listen(addr)
	if err != nil {
		t.Fatal(err)
	}
	return ln
}

// start runs a server and returns its URL and a function that ends it and gives Run's error.
func start(t *testing.T, o serve.Options) (url string, stop func() error) {
	t.Helper()
	if o.Listeners == nil {
		o.Listeners = []net.Listener{listen(t, "127.0.0.1:0")}
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- serve.Run(ctx, o) }()
	stop = sync.OnceValue(func() error {
		cancel()
		return <-done
	})
	t.Cleanup(func() { _ = stop() })
	return "http://" + o.Listeners[0].Addr().String(), stop
}

// client has connections of its own, which the test closes.
func client(t *testing.T) *http.Client {
	t.Helper()
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func get(c *http.Client, url string) (int, string, error) {
	res, err := c.Get(url)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res.StatusCode, string(body), err
}

var hello = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "hello") })

func TestOrderOfTheEnd(t *testing.T) {
	var mu sync.Mutex
	var events []string
	note := func(s string) {
		mu.Lock()
		defer mu.Unlock()
		events = append(events, s)
	}
	inside, finish := make(chan struct{}), make(chan struct{})
	url, stop := start(t, serve.Options{
		Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
			close(inside)
			<-finish
			note("request done")
		}),
		BeforeDrain: func() {
			note("not ready")
			close(finish)
		},
		Teardown: []serve.Step{
			{Name: "workers", Func: func(context.Context) error { note("workers"); return errors.New("one is stuck") }},
			{Name: "metrics", Func: func(context.Context) error { panic("oh no") }},
			{Name: "store", Func: func(ctx context.Context) error {
				if _, ok := ctx.Deadline(); !ok {
					return errors.New("no deadline")
				}
				note("store")
				return nil
			}},
		},
	})
	c := client(t)
	answered := make(chan error, 1)
	go func() { _, _, err := get(c, url); answered <- err }()
	<-inside
	err := stop()
	if e := <-answered; e != nil {
		t.Errorf("the request in flight: %v", e)
	}
	if got, want := strings.Join(events, ", "), "not ready, request done, workers, store"; got != want {
		t.Errorf("order: %s\nwant   %s", got, want)
	}
	if want := "workers: one is stuck\nmetrics: panic: oh no"; err == nil || err.Error() != want {
		t.Errorf("error: %v\nwant   %s", err, want)
	}
}

func TestACleanEndIsNoError(t *testing.T) {
	url, stop := start(t, serve.Options{Handler: hello})
	if code, body, err := get(client(t), url); code != 200 || body != "hello" {
		t.Errorf("%d %q %v", code, body, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
	if _, _, err := get(client(t), url); err == nil {
		t.Error("the listener is still open")
	}
}

func TestWhatDoesNotEndIsCutAndNamed(t *testing.T) {
	inside := make(chan struct{})
	never := make(chan struct{})
	defer close(never)
	url, stop := start(t, serve.Options{
		ShutdownTimeout: 100 * time.Millisecond,
		Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			close(inside)
			<-r.Context().Done()
		}),
		Teardown: []serve.Step{
			{Name: "stuck", Func: func(context.Context) error { <-never; return nil }},
			{Name: "flush", Func: func(context.Context) error { return nil }},
		},
	})
	c := client(t)
	answered := make(chan error, 1)
	go func() { _, _, err := get(c, url); answered <- err }()
	<-inside
	err := stop()
	if e := <-answered; e == nil {
		t.Error("the request was answered, want it cut")
	}
	want := []string{"drain: requests still running after 75ms were cut", "stuck: gave up waiting"}
	for _, w := range want {
		if err == nil || !strings.Contains(err.Error(), w) {
			t.Errorf("error: %v\nwant   %s in it", err, w)
		}
	}
}

func TestAListenerThatFailsEndsTheServer(t *testing.T) {
	good, bad := listen(t, "127.0.0.1:0"), listen(t, "127.0.0.1:0")
	torn := false
	_, stop := start(t, serve.Options{
		Listeners: []net.Listener{good, broken{bad}}, Handler: hello, DrainDelay: time.Hour,
		Teardown: []serve.Step{{Name: "x", Func: func(context.Context) error { torn = true; return nil }}},
	})
	_ = bad.Close()
	if err := stop(); err == nil || !strings.Contains(err.Error(), "serve on") || !torn {
		t.Errorf("error %v, teardown ran: %v", err, torn)
	}
}

type broken struct{ net.Listener }

func (broken) Accept() (net.Conn, error) { return nil, errors.New("out of order") }

func TestOptionsThatAreNeeded(t *testing.T) {
	if err := serve.Run(t.Context(), serve.Options{Handler: hello}); err == nil {
		t.Error("ran without a listener")
	}
}

// Nothing is lost when a service stops under load, as long as its clients heed readiness:
//
//	go test ./serve -run UnderLoad -v -requests 50000
func TestStopUnderLoad(t *testing.T) {
	var ready, listenerOpen, readyWhenClosed atomic.Bool
	ready.Store(true)
	listenerOpen.Store(true)
	inner := listen(t, "127.0.0.1:0")
	ln := &watched{Listener: inner, closed: func() {
		listenerOpen.Store(false)
		readyWhenClosed.Store(ready.Load())
	}}
	url, stop := start(t, serve.Options{
		Listeners: []net.Listener{ln},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/health/ready" && !ready.Load() {
				w.WriteHeader(http.StatusServiceUnavailable)
				return
			}
			fmt.Fprint(w, "hello")
		}),
		BeforeDrain: func() { ready.Store(false) },
		DrainDelay:  500 * time.Millisecond,
	})
	c := client(t)

	var sent, failed atomic.Int64
	var leave atomic.Bool
	enough := make(chan struct{})
	var load sync.WaitGroup
	for range 16 {
		load.Go(func() {
			for !leave.Load() {
				code, _, err := get(c, url+"/work")
				if err != nil || code != http.StatusOK {
					failed.Add(1)
					t.Errorf("lost: %d %v (ready %v, listener open %v)", code, err, ready.Load(), listenerOpen.Load())
					return
				}
				if sent.Add(1) == int64(*requests) {
					close(enough)
				}
			}
		})
	}
	balancer := client(t)
	load.Go(func() { // a balancer: it sends nothing more once readiness fell
		for tick := time.NewTicker(20 * time.Millisecond); ; <-tick.C {
			if code, _, err := get(balancer, url+"/health/ready"); code != http.StatusOK || err != nil {
				tick.Stop()
				leave.Store(true)
				return
			}
		}
	})
	<-enough
	if err := stop(); err != nil {
		t.Error(err)
	}
	load.Wait()
	if readyWhenClosed.Load() {
		t.Error("the listener closed while readiness was still true")
	}
	t.Logf("%d requests, %d failed", sent.Load(), failed.Load())
}

type watched struct {
	net.Listener
	once   sync.Once
	closed func()
}

func (w *watched) Close() error {
	w.once.Do(w.closed)
	return w.Listener.Close()
}
