package health

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// ProbeTimeout bounds a Probe whose context has no deadline.
const ProbeTimeout = 3 * time.Second

// Probe asks a URL once and is content with any 2xx. It is what a service's
// "healthcheck" command calls, so that an image needs neither curl nor a
// shell: no proxy, no redirect, no connection kept.
func Probe(ctx context.Context, url string) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, ProbeTimeout)
		defer cancel()
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	request.Header.Set("User-Agent", "upkeep-healthcheck")
	client := http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	response, err := client.Do(request)
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("probe %s: no answer in time", request.URL.Redacted())
		}
		return fmt.Errorf("probe: %w", err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(io.LimitReader(response.Body, 512))
	if response.StatusCode/100 == 2 {
		return nil
	}
	return fmt.Errorf("probe %s: %s %s", request.URL.Redacted(), response.Status, bytes.TrimSpace(body))
}

// LocalURL is the URL under which a server that listens on addr is reached
// from its own machine: ":8000" and "0.0.0.0:8000" become 127.0.0.1.
func LocalURL(addr, path string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		host, port = addr, "80"
	}
	if ip := net.ParseIP(strings.Trim(host, "[]")); host == "" || (ip != nil && ip.IsUnspecified()) {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port) + path
}
