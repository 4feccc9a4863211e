package journal_test

import (
	"fmt"
	"os"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// The history of a target is saved before it is restarted, and is there again after a crash.
func Example() {
	dir, err := os.MkdirTemp("", "logs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)

	j, err := journal.Open(dir, time.Now)
	if err != nil {
		panic(err)
	}
	err = j.Save("shop-api-1", supervise.History{Restarts: []time.Time{time.Now()}, Running: true}, true)
	if err != nil {
		panic(err)
	}
	j.Close()

	j, err = journal.Open(dir, time.Now)
	if err != nil {
		panic(err)
	}
	defer j.Close()
	h := j.Histories()["shop-api-1"]
	fmt.Println(len(h.Restarts), "restart, less than a minute ago:", time.Since(h.Restarts[0]) < time.Minute)
	// Output: 1 restart, less than a minute ago: true
}

// A recorder makes one incident of the changes of one outage.
func ExampleRecorder() {
	dir, err := os.MkdirTemp("", "logs")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	j, err := journal.Open(dir, time.Now)
	if err != nil {
		panic(err)
	}
	defer j.Close()
	r, err := journal.NewRecorder(j, "1.0.0")
	if err != nil {
		panic(err)
	}
	defer r.Close()

	at := time.Date(2026, 11, 23, 3, 0, 0, 0, time.UTC)
	code := 137
	id, _ := r.Observe("shop-api-1", supervise.Change{From: "up", To: "down", Reason: "exited", Cause: "exited", At: at})
	_ = r.Attach(id, journal.Evidence{ExitCode: &code, LogTail: []string{"connecting to postgres://app:hunter2@db/shop"}})
	_, _ = r.Observe("shop-api-1", supervise.Change{From: "down", To: "restarting", Reason: "exited", Cause: "exited", At: at})
	_, _ = r.Observe("shop-api-1", supervise.Change{From: "restarting", To: "up", Reason: "healthy", Cause: "exited", At: at.Add(800 * time.Millisecond)})
	if err := r.Flush(); err != nil {
		panic(err)
	}

	in, err := j.Incident(id)
	if err != nil {
		panic(err)
	}
	fmt.Println(in.Headline())
	fmt.Println(in.Why())
	fmt.Println(in.LogTail[0])
	// Output:
	// shop-api-1 was down for 800 ms
	// the process ended by itself with exit code 137 (SIGKILL)
	// connecting to postgres://app:***@db/shop
}

// Mask keeps secrets out of everything that is stored or shown.
func ExampleMask() {
	fmt.Println(journal.Mask("dial amqp://app:hunter2@mq: STRIPE_API_KEY=sk_live_1 refused"))
	// Output: dial amqp://app:***@mq: STRIPE_API_KEY=*** refused
}
