package hostinfo_test

import (
	"context"
	"fmt"

	"github.com/upkeephq/upkeep/services/kit/hostinfo"
)

func Example() {
	sampler := hostinfo.New(hostinfo.Options{})
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	go sampler.Run(ctx)

	now := sampler.Latest()
	fmt.Println(now.Memory.Usage < now.Memory.Limit)
	_ = now.Memory.Scope             // whose limit that is: "host" or "container"
	_ = sampler.Limits().MemoryBytes // what the container may use, for GOMEMLIMIT
	// Output: true
}
