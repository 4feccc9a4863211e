package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/gorilla/mux"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"

	"github.com/upkeephq/upkeep/services/kit/httpmetrics"
)

func TestPanics(t *testing.T) {
	core, lines := observer.New(zap.InfoLevel)
	metrics := httpmetrics.New(prometheus.NewRegistry())
	serve := func(handler http.HandlerFunc) (w *httptest.ResponseRecorder, panicked any) {
		router := mux.NewRouter()
		router.Use(metrics.Label, contain(zap.New(core)))
		router.Handle("/", handler)
		w = httptest.NewRecorder()
		defer func() { panicked = recover() }()
		metrics.Wrap(router).ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		return w, nil
	}
	w, panicked := serve(func(http.ResponseWriter, *http.Request) { panic("no such customer") })
	if panicked != nil || w.Code != 500 || !strings.Contains(w.Body.String(), `"error":"internal"`) {
		t.Errorf("before the answer began: %v, %d %s, want a 500", panicked, w.Code, w.Body)
	}
	_, panicked = serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "half"); panic("no such customer") })
	if panicked != http.ErrAbortHandler {
		t.Errorf("after the answer began: %v, want the connection cut", panicked)
	}
	if got := lines.FilterMessage("a handler panicked").FilterField(zap.Any("panic", "no such customer")).Len(); got != 2 {
		t.Errorf("%d lines in the log, want 2: %v", got, lines.All())
	}
	_, panicked = serve(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	if panicked != http.ErrAbortHandler || lines.Len() != 2 {
		t.Errorf("a wanted abort: %v, %d lines, want it passed on in silence", panicked, lines.Len())
	}
	if got := metrics.Stats().Errors; got < 1 {
		t.Errorf("%d errors counted", got)
	}
}
