package e2e

import (
	"context"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/upkeephq/upkeep/deploy/e2e/inbox"
	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// alertBudget is what the watchdog may spend on the API here: enough for the alert that a target is restarted again and again.
const alertBudget = 5

// TestStackAlerts has a stack of its own, which tells every kind of receiver. How often and how fast the watchdog restarts is
// set, so that a budget is spent within seconds; all that decides what people are told is as it ships: scrapes, rules, grouping,
// routes, messages. What takes minutes goes on while other scenarios run: the API stays down while others are asked.
func TestStackAlerts(t *testing.T) {
	a := startAlerting(t, "upkeep-e2e-alerts", map[string]string{"WATCHDOG_MAX_RESTARTS": fmt.Sprint(alertBudget)})
	var o outage
	var s storm
	t.Run("the API is killed until its budget is spent", func(t *testing.T) { o.kill(t, a) })
	t.Run("20 outages of a container are healed", func(t *testing.T) { s.rage(t, a) })
	t.Run("a receiver that takes no test notification is named", func(t *testing.T) { testNotificationRefused(t, a) })
	t.Run("a person is told that the API is down", func(t *testing.T) { o.isTold(t, a) })
	t.Run("nothing is told beside it", func(t *testing.T) { o.isAlone(t, a) })
	t.Run("a person repairs it", func(t *testing.T) { o.repair(t, a) })
	t.Run("a test notification is delivered to everybody", func(t *testing.T) { testNotification(t, a) })
	t.Run("its end is told", func(t *testing.T) { o.endIsTold(t, a) })
	t.Run("20 outages are no storm", func(t *testing.T) { s.isCalm(t, a) })
	t.Run("the outside observer is called all the time", func(t *testing.T) { heartbeats(t, a) })
	t.Run("the real services would have taken every message", func(t *testing.T) {
		for _, refused := range a.in.Refused() {
			t.Error(refused)
		}
	})
}

// alerting is a stack whose notifications arrive here, by every way that there is.
type alerting struct {
	*world
	in    *inbox.Inboxes
	atEnd []func() // done before the stack goes down
}

// startAlerting brings up a stack that tells all of the inboxes. Scrapes, rules, grouping and routes are those that ship; env may
// change what the watchdog does.
func startAlerting(t *testing.T, project string, env map[string]string) *alerting {
	t.Helper()
	if testing.Short() {
		t.Skip("the scenarios on a real engine are left out by -short: run make e2e")
	}
	ctx := context.Background() // that of the test is over when it is cleaned up
	must(t, stack.Reachable(ctx))
	must(t, stack.Alone(ctx, project))
	address, remove, err := stack.Gateway(ctx, project+"-inbox")
	must(t, err)
	t.Cleanup(func() { must(t, remove(ctx)) })
	in, err := inbox.Open(ctx, address)
	must(t, err)
	t.Cleanup(func() { must(t, in.Close()) })

	all := map[string]string{
		"ALERT_WEBHOOK_URL":           in.URL(inbox.Webhook),
		"ALERT_SLACK_WEBHOOK_URL":     in.URL(inbox.Slack),
		"ALERT_DISCORD_WEBHOOK_URL":   in.URL(inbox.Discord),
		"ALERT_MSTEAMS_WEBHOOK_URL":   in.URL(inbox.Teams),
		"ALERT_TELEGRAM_API_URL":      in.URL(inbox.Telegram),
		"ALERT_TELEGRAM_BOT_TOKEN":    inbox.TelegramToken,
		"ALERT_TELEGRAM_CHAT_ID":      inbox.TelegramChat,
		"ALERT_PAGERDUTY_URL":         in.URL(inbox.PagerDuty),
		"ALERT_PAGERDUTY_ROUTING_KEY": inbox.PagerDutyKey,
		"ALERT_NTFY_URL":              in.URL(inbox.Ntfy),
		"ALERT_NTFY_TOKEN":            inbox.NtfyToken,
		"ALERT_EMAIL_SMARTHOST":       in.Smarthost(),
		"ALERT_EMAIL_USERNAME":        inbox.MailUser,
		"ALERT_EMAIL_PASSWORD":        inbox.MailPassword,
		"ALERT_EMAIL_FROM":            "upkeep@example.org",
		"ALERT_EMAIL_TO":              inbox.MailTo,
		"ALERT_EMAIL_TLS_SKIP_VERIFY": "true", // the mail server here made its certificate itself
		"ALERT_DEADMANSSWITCH_URL":    in.URL(inbox.Heartbeat),
	}
	maps.Copy(all, env)
	a := &alerting{world: start(t, project, all), in: in}
	t.Cleanup(func() {
		for _, end := range a.atEnd {
			end()
		}
	})
	// what comes later is new to Prometheus, and there is somebody whom it can tell
	for _, job := range []string{"api", "watchdog"} {
		a.eventually(t, time.Minute, func() error { return a.hasSample(t, fmt.Sprintf(`count_over_time(up{job=%q}[5m]) >= 2`, job)) })
	}
	a.eventually(t, time.Minute, func() error { return a.hasSample(t, `prometheus_notifications_alertmanagers_discovered >= 1`) })
	return a
}

// aboutAPI tells whether an alert is about the API, whatever found it.
func (a *alerting) aboutAPI(alert inbox.Alert) bool {
	return alert.Labels["target"] == a.api() || alert.Labels["job"] == "api"
}
