package health_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"sync"
	"testing"
	"time"
)

// BenchmarkLoad has a second process ask over kept connections, as fast as it
// can, first a bare net/http handler and then a page, in rounds, so that
// whatever else the machine does meets both.
//
//	go test -run '^$' -bench Load -benchtime 10x ./health
func BenchmarkLoad(b *testing.B) {
	pages := hangingPages(b)
	for _, c := range []struct {
		name, path, body string
	}{
		{"live", "/health/live", `{"status":"healthy","live":true}` + "\n"},
		{"summary", "/health", summaryBody},
	} {
		b.Run(c.name, func(b *testing.B) {
			plain, page := listen(b, bare(c.body)), listen(b, pages)
			var ratios, rates, bareP99, pageP99 []float64
			for b.Loop() {
				without := generate(b, plain+c.path)
				with := generate(b, page+c.path)
				ratios = append(ratios, with.Rate/without.Rate)
				rates = append(rates, with.Rate)
				bareP99, pageP99 = append(bareP99, without.P99), append(pageP99, with.P99)
			}
			b.ReportMetric(median(rates), "req/s")
			b.ReportMetric(100*median(ratios), "%-of-bare")
			b.ReportMetric(median(bareP99), "bare-p99-ms")
			b.ReportMetric(median(pageP99), "p99-ms")
		})
	}
}

func listen(b *testing.B, handler http.Handler) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { server.Close() })
	return "http://" + listener.Addr().String()
}

func median(all []float64) float64 {
	slices.Sort(all)
	return all[len(all)/2]
}

// load is what a load generator found out.
type load struct {
	Rate float64 // requests a second
	P99  float64 // milliseconds
}

// loadVariable holds the URL in the process that generates the load, which is
// this test program once more.
const loadVariable = "HEALTH_LOAD_URL"

func generate(b *testing.B, url string) load {
	command := exec.Command(os.Args[0], "-test.run", "^TestLoadGenerator$")
	command.Env = append(os.Environ(), loadVariable+"="+url)
	out, err := command.Output()
	if err != nil {
		b.Fatalf("load generator: %v: %s", err, out)
	}
	var found load
	if err := json.NewDecoder(bytes.NewReader(out)).Decode(&found); err != nil {
		b.Fatalf("load generator: %v: %s", err, out)
	}
	return found
}

// TestLoadGenerator is no test but the second process of BenchmarkLoad.
func TestLoadGenerator(t *testing.T) {
	url := os.Getenv(loadVariable)
	if url == "" {
		return
	}
	const clients, span = 16, 500 * time.Millisecond
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: clients}}
	var (
		all  [clients][]time.Duration
		wait sync.WaitGroup
	)
	began := time.Now()
	for i := range clients {
		wait.Go(func() {
			for time.Since(began) < span {
				sent := time.Now()
				response, err := client.Get(url)
				if err != nil {
					t.Error(err)
					return
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				all[i] = append(all[i], time.Since(sent))
			}
		})
	}
	wait.Wait()
	took := time.Since(began)
	latencies := slices.Concat(all[:]...)
	slices.Sort(latencies)
	if len(latencies) == 0 {
		t.Fatal("no request was answered")
	}
	_ = json.NewEncoder(os.Stdout).Encode(load{
		Rate: float64(len(latencies)) / took.Seconds(),
		P99:  float64(latencies[len(latencies)*99/100].Microseconds()) / 1000,
	})
}
