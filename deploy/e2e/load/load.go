// Package load sends HTTP requests at a steady rate and counts what becomes of them.
package load

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"
	"syscall"
	"time"
)

// timeout is how long an answer may take.
const timeout = 20 * time.Second

// Load is what became of the requests so far. The zero value is ready to Run.
type Load struct {
	mu    sync.Mutex
	count Count
}

// Count counts requests.
type Count struct {
	Sent, Answered, InFlight int
	Failed                   int           // without an answer, or with a status other than 200
	Refused                  int           // of the failed ones, those whose connection was refused
	Slowest                  time.Duration // of all that have ended
	Errors                   []error       // of the failed ones
}

// Count returns what became of the requests so far.
func (l *Load) Count() Count {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := l.count
	c.Errors = slices.Clone(c.Errors)
	return c
}

// String is a line for people.
func (c Count) String() string {
	return fmt.Sprintf("%d requests: %d refused, %d failed, slowest answer %v", c.Sent, c.Refused, c.Failed, c.Slowest.Round(time.Millisecond))
}

// Run sends rate requests a second until ctx ends, whether or not the earlier ones have been answered, and returns when all
// have ended. Half of them go over new connections, half over kept ones, as those of clients and of proxies do.
func (l *Load) Run(ctx context.Context, rate int, url string) {
	fresh := &http.Client{Timeout: timeout, Transport: &http.Transport{DisableKeepAlives: true}}
	kept := &http.Client{Timeout: timeout, Transport: &http.Transport{MaxIdleConnsPerHost: 16}}
	defer kept.CloseIdleConnections()
	var wg sync.WaitGroup
	defer wg.Wait()
	began := time.Now()
	for i := 0; ; i++ {
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Until(began.Add(time.Duration(i) * time.Second / time.Duration(rate)))): // a late one is made up for
		}
		client := fresh
		if i%2 == 1 {
			client = kept
		}
		wg.Go(func() { l.request(client, url) })
	}
}

func (l *Load) request(client *http.Client, url string) {
	l.mu.Lock()
	l.count.Sent++
	l.count.InFlight++
	l.mu.Unlock()
	began := time.Now()
	err := ask(client, url)
	took := time.Since(began)
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &l.count
	c.InFlight--
	c.Slowest = max(c.Slowest, took)
	if err == nil {
		c.Answered++
		return
	}
	c.Failed++
	c.Errors = append(c.Errors, err)
	if errors.Is(err, syscall.ECONNREFUSED) {
		c.Refused++
	}
}

func ask(client *http.Client, url string) error {
	resp, err := client.Get(url)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return errors.New(resp.Status)
	}
	return nil
}
