package fault

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newTestInjector() (*Injector, *int) {
	code := -1
	return New(func(c int) { code = c }, func() float64 { return 0.5 }), &code
}

func post(i *Injector, target string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, target, nil)
	i.ServeHTTP(w, r, strings.TrimPrefix(r.URL.Path, "/"))
	return w
}

var ok = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })

func ask(h http.Handler) int {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	return w.Code
}

func TestCrash(t *testing.T) {
	injector, code := newTestInjector()
	post(injector, "/crash")
	if *code != 1 {
		t.Errorf("exit code %d, want 1", *code)
	}
}

func TestErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		injector, _ := newTestInjector()
		route := injector.Middleware(ok)
		if w := post(injector, "/errors?for=10s&ratio=0.6"); w.Code != 202 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		if got := ask(route); got != 500 {
			t.Errorf("%d, want 500: the ratio is above the number drawn", got)
		}
		post(injector, "/errors?for=10&ratio=0.4")
		if got := ask(route); got != 200 {
			t.Errorf("%d, want 200: the ratio is below the number drawn", got)
		}
		post(injector, "/errors")
		if got := ask(route); got != 500 {
			t.Errorf("%d, want 500 without parameters", got)
		}
		time.Sleep(30 * time.Second)
		if got := ask(route); got != 200 {
			t.Errorf("%d after its time, want 200", got)
		}
	})
}

func TestSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		injector, _ := newTestInjector()
		route := injector.Middleware(ok)
		post(injector, "/slow?for=1m&delay=3s")
		began := time.Now()
		if got := ask(route); got != 200 || time.Since(began) != 3*time.Second {
			t.Errorf("%d after %v, want 200 after 3s", got, time.Since(began))
		}
		time.Sleep(time.Minute)
		began = time.Now()
		if ask(route); time.Since(began) != 0 {
			t.Errorf("still slow after its time: %v", time.Since(began))
		}
	})
}

func TestHangBlocksEveryRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		injector, _ := newTestInjector()
		service := injector.Gate(ok)
		if got := ask(service); got != 200 {
			t.Fatalf("%d before the hang", got)
		}
		post(injector, "/hang")
		answered := make(chan int, 1)
		go func() { answered <- ask(service) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case code := <-answered:
			t.Errorf("answered %d, want no answer", code)
		default:
		}
		close(injector.block) // so that the test ends; the service has no such way out
		<-answered
	})
}

func TestLeakTakesMemoryUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		injector, _ := newTestInjector()
		injector.blockSize = 1 << 12
		post(injector, "/leak")
		time.Sleep(10*leakPause + leakPause/2)
		synctest.Wait()
		injector.mu.Lock()
		held := len(injector.leaked)
		injector.mu.Unlock()
		if held != 10 {
			t.Errorf("%d blocks held, want 10", held)
		}
		close(injector.block)
		time.Sleep(leakPause)
	})
}

func TestRefusals(t *testing.T) {
	injector, code := newTestInjector()
	for target, want := range map[string]int{
		"/nothing": 404, "/errors?ratio=2": 400, "/errors?ratio=x": 400, "/errors?for=-1": 400, "/errors?for=2h": 400,
		"/slow?delay=x": 400, "/crash?for=x": 400,
	} {
		if w := post(injector, target); w.Code != want {
			t.Errorf("%s: %d, want %d", target, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	injector.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/crash", nil), "crash")
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
	if *code != -1 {
		t.Error("a refused request crashed the service")
	}
}
