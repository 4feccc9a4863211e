package healthmetrics_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/upkeephq/upkeep/services/kit/health"
	"github.com/upkeephq/upkeep/services/kit/health/healthmetrics"
)

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		checker := health.New(health.Options{})
		err := checker.Add(
			health.Check{Name: "db", Run: func(context.Context) error { time.Sleep(50 * time.Millisecond); return nil }},
			health.Check{Name: "mail", Soft: true, Run: func(context.Context) error { return errors.New("refused") }},
		)
		if err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewPedanticRegistry()
		if err := healthmetrics.Register(registry, checker); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		defer func() { cancel(); synctest.Wait() }()
		go checker.Run(ctx)
		time.Sleep(time.Second)
		synctest.Wait()

		want, err := os.Open("testdata/metrics.golden")
		if err != nil {
			t.Fatal(err)
		}
		defer want.Close()
		if err := testutil.GatherAndCompare(registry, want); err != nil {
			t.Error(err)
		}
		problems, err := testutil.GatherAndLint(registry)
		if err != nil || len(problems) > 0 {
			t.Errorf("lint: %v %v", problems, err)
		}
		if err := healthmetrics.Register(registry, checker); err == nil {
			t.Error("registered after Run without an error")
		}
	})
}

func Example() {
	checker := health.New(health.Options{})
	registry := prometheus.NewRegistry()
	if err := healthmetrics.Register(registry, checker); err != nil {
		fmt.Println(err)
		return
	}
	go checker.Run(context.Background())
	n, err := testutil.GatherAndCount(registry, "health_status")
	fmt.Println(n, err)
	// Output: 3 <nil>
}
