package docker_test

import (
	"context"
	"fmt"

	"github.com/upkeephq/upkeep/services/watchdog/internal/docker"
	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

// A loop reads notices and hands their events to the core.
func Example() {
	d, err := docker.New(docker.Options{Host: "unix:///var/run/docker.sock", Self: docker.Self()})
	if err != nil {
		fmt.Println(err)
		return
	}
	notices := make(chan observe.Notice)
	go func() { _ = d.Run(context.Background(), notices) }()
	for n := range notices {
		switch {
		case n.Connection != nil:
			fmt.Println("connected:", n.Connection.Connected)
		case n.Event.Kind == supervise.EventSeen:
			fmt.Println(n.Event.Target, n.Event.Seen.Status)
		}
	}
}

func ExampleNew_badHost() {
	_, err := docker.New(docker.Options{Host: "guard:2375"})
	fmt.Println(err)
	// Output:
	// docker host "guard:2375": allowed are unix:///PATH and tcp://HOST:PORT
}
