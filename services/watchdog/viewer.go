package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/upkeephq/upkeep/services/watchdog/internal/journal"
)

// viewer is where the commands that read look: at a running watchdog, else at what it left in its log directory.
type viewer struct {
	url    string // of the watchdog's HTTP side, e.g. http://127.0.0.1:9095
	dir    journal.Dir
	now    func() time.Time
	client *http.Client
}

func newViewer(url, logDir string) viewer {
	return viewer{
		url: strings.TrimSuffix(url, "/"), dir: journal.Dir(logDir), now: time.Now, client: &http.Client{Timeout: 5 * time.Second},
	}
}

// get asks the running watchdog.
func (v viewer) get(ctx context.Context, path string) (code int, body []byte, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, v.url+path, nil)
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := v.client.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer resp.Body.Close()
	body, err = io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	return resp.StatusCode, body, err
}

// status is what the running watchdog says, else what it wrote last; then note says so.
func (v viewer) status(ctx context.Context) (st journal.Status, note string, err error) {
	code, body, err := v.get(ctx, "/status")
	if err == nil && code != http.StatusOK {
		err = fmt.Errorf("it answers %d", code)
	}
	if err == nil {
		err = json.Unmarshal(body, &st)
	}
	if err == nil {
		return st, "", nil
	}
	silent := fmt.Errorf("the watchdog does not answer at %s: %w", v.url, err)
	st, err = v.dir.Status()
	if err != nil {
		return st, "", errors.Join(silent, err)
	}
	age := journal.HumanDuration(v.now().Sub(st.UpdatedAt))
	return st, fmt.Sprintf("%v\nThis is what it wrote to %s %s ago.", silent, v.dir, age), nil
}

func writeIndented(out io.Writer, v any) error {
	enc := json.NewEncoder(out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
