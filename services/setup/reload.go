package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.uber.org/zap"
)

// reload tells a running Alertmanager to read its files anew. One that does not run yet reads them when it starts.
func reload(ctx context.Context, address string, log *zap.Logger) error {
	if address == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimRight(address, "/")+"/-/reload", nil)
	if err != nil {
		return fmt.Errorf("tell Alertmanager to read the files anew: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		log.Info("Alertmanager does not run; it reads the files when it starts")
		return nil
	}
	defer resp.Body.Close()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 4096))
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("alertmanager goes on with its old settings (%s): %s", resp.Status, strings.TrimSpace(string(said)))
	}
	if err == nil {
		log.Info("Alertmanager has read the files anew")
	}
	return nil
}
