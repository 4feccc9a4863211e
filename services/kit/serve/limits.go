package serve

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
)

// limitBody refuses bodies longer than limit: at once with 413 when the length is
// declared, else when the handler reads too far (see BodyStatus).
func limitBody(next http.Handler, limit int64) http.Handler {
	if limit < 0 {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength > limit {
			w.Header().Set("Connection", "close")
			http.Error(w, fmt.Sprintf("the body is longer than %d bytes", limit), http.StatusRequestEntityTooLarge)
			return
		}
		if r.Body != nil && r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		next.ServeHTTP(w, r)
	})
}

// BodyStatus says which status an error from reading a request body deserves: 413
// when the body was too long, else 400.
func BodyStatus(err error) int {
	if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
		return http.StatusRequestEntityTooLarge
	}
	return http.StatusBadRequest
}

// Limits are what the container may use; zero means no limit.
type Limits struct {
	CPUs        float64
	MemoryBytes uint64
}

// Applied says what ApplyLimits set; zero means left alone.
type Applied struct {
	GOMAXPROCS int
	GOMEMLIMIT int64
}

// memoryShare is what the Go heap may take of the container's memory: the rest is for
// stacks of other runtimes, mapped files and the kernel's share.
const memoryShare = 0.9

// ApplyLimits fits the Go runtime to the container: GOMAXPROCS to the CPU quota, rounded up and at least 2
// as the runtime has it where it sees the quota itself, and GOMEMLIMIT to 90 % of the memory. What the environment
// sets by hand (GOMAXPROCS, GOMEMLIMIT) is left alone.
func ApplyLimits(l Limits) Applied {
	var did Applied
	if n := max(2, int(math.Ceil(l.CPUs))); l.CPUs > 0 && n < runtime.GOMAXPROCS(0) && os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(n)
		did.GOMAXPROCS = n
	}
	if l.MemoryBytes > 0 && l.MemoryBytes < math.MaxInt64 && os.Getenv("GOMEMLIMIT") == "" {
		did.GOMEMLIMIT = int64(float64(l.MemoryBytes) * memoryShare)
		debug.SetMemoryLimit(did.GOMEMLIMIT)
	}
	return did
}
