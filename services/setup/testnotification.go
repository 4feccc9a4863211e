package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/upkeephq/upkeep/services/setup/internal/delivery"
	"github.com/upkeephq/upkeep/services/setup/internal/render"
	"github.com/upkeephq/upkeep/services/setup/internal/settings"
)

// testTimeout is longer than the minute between two calls of the dead man's switch.
const testTimeout = 90 * time.Second

// testNotification sends a test through the running Alertmanager and fails when one receiver did not take it.
func testNotification(ctx context.Context, conf settings.Settings, stdout io.Writer) error {
	if conf.AlertmanagerAddr == "" {
		return errors.New("ALERTMANAGER_ADDRESS is not set: run it as docker compose run --rm setup test-notification")
	}
	var receivers []string
	for _, way := range render.Ways(conf) {
		receivers = append(receivers, way.Name)
	}
	heartbeat := ""
	if render.Watch(conf) != "" {
		heartbeat = render.DeadMansSwitch
	}
	if len(receivers) == 0 && heartbeat == "" {
		return errors.New("there is nobody to tell: set one of the ALERT_... receivers in .env, then docker compose up -d")
	}
	ctx, cancel := context.WithTimeout(ctx, testTimeout)
	defer cancel()
	fmt.Fprintf(stdout, "sending a test to %d receivers; this takes up to %.0f s\n", len(receivers), testTimeout.Seconds())
	am := delivery.Alertmanager{Address: conf.AlertmanagerAddr, Client: &http.Client{Timeout: 10 * time.Second}}
	failed := 0
	err := am.Test(ctx, rand.Text()[:8], receivers, heartbeat, func(r delivery.Result) {
		outcome := fmt.Sprintf("delivered after %.1f s", r.After.Seconds())
		if r.Fault != "" {
			failed++
			outcome = "FAILED: " + r.Fault
		}
		fmt.Fprintf(stdout, "%-15s %s\n", r.Receiver, outcome)
	})
	if err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of the receivers did not take it; docker compose logs alertmanager says more", failed)
	}
	fmt.Fprintln(stdout, "all good; a second message says that the test is over")
	return nil
}
