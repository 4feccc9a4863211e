package health_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/upkeephq/upkeep/services/kit/health"
)

func Example() {
	verdicts := make(chan health.Change, 8)
	checker := health.New(health.Options{
		Service: "shop", Version: "1.4.0",
		OnChange: func(c health.Change) {
			if c.Check != "" {
				verdicts <- c
			}
		},
	})
	err := checker.Add(health.Check{
		Name: "database",
		Run:  func(context.Context) error { return errors.New("connection refused") },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go checker.Run(ctx)

	change := <-verdicts
	fmt.Printf("%s: %v, because of: %v\n", change.Check, change.To, change.Err)

	router := http.NewServeMux()
	health.NewPages(checker, health.PageOptions{}).Mount(router.Handle)
	for _, path := range []string{"/health/ready", "/health/live"} {
		answer := httptest.NewRecorder()
		router.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		fmt.Printf("%s: %d %s", path, answer.Code, answer.Body)
	}
	// Output:
	// database: unhealthy, because of: connection refused
	// /health/ready: 503 {"status":"unhealthy","ready":false,"reason":"check_failed"}
	// /health/live: 200 {"status":"healthy","live":true}
}

// A worker loop tells that it is alive; when it stands still, /health/live
// fails and whoever watches restarts the service.
func ExampleHeartbeat() {
	beat := health.NewHeartbeat(health.DefaultInterval)
	checker := health.New(health.Options{})
	err := checker.Add(health.Check{Name: "mailer", Run: beat.Check, Groups: health.Liveness})
	fmt.Println(err)

	for range 3 { // the loop
		beat.Beat()
	}
	fmt.Println(beat.Check(context.Background()))
	// Output:
	// <nil>
	// <nil>
}
