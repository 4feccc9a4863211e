package inbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// What the services know their callers by.
const (
	slackPath    = "/services/T00000000/B00000000/slack-secret"
	discordPath  = "/api/webhooks/1000/discord-secret"
	teamsPath    = "/workflows/teams-secret/triggers/manual/paths/invoke"
	webhookPath  = "/alerts"
	pagerPath    = "/v2/enqueue"
	heartbeat    = "/ping/heartbeat-secret"
	ntfyPath     = "/{$}" // messages as JSON name their topic themselves
	telegramPath = "/bot" + TelegramToken + "/sendMessage"
)

// What a person would have been given by the services, to put into the settings.
const (
	TelegramToken = "1000:telegram-secret"
	TelegramChat  = "-1001234567890"
	PagerDutyKey  = "0123456789abcdef0123456789abcdef"
	NtfyTopic     = "upkeep-alerts"
	NtfyToken     = "tk_AgQdq7mVBoFD37zQVN29RhuMzNIz2"
)

// URL is what goes into the settings for a service: the whole address, or for Telegram and PagerDuty, which have one address
// for everybody, where their API is.
func (in *Inboxes) URL(via Via) string {
	paths := map[Via]string{Slack: slackPath, Discord: discordPath, Teams: teamsPath, Ntfy: "/" + NtfyTopic, Webhook: webhookPath,
		PagerDuty: pagerPath, Heartbeat: heartbeat, Telegram: ""}
	return "http://" + in.web + paths[via]
}

// A dialect is how one service is spoken to.
type dialect struct {
	via   Via
	token string // that the caller must show, if any
	read  func(body []byte, m *Message) error
	// accept and refuse write the service's own answers.
	accept func(w http.ResponseWriter, m Message)
	refuse func(w http.ResponseWriter, err error)
}

func (in *Inboxes) routes() http.Handler {
	mux := http.NewServeMux()
	for path, d := range map[string]dialect{
		slackPath:    {Slack, "", readSlack, plain(http.StatusOK, "ok"), refusePlain},
		discordPath:  {Discord, "", readDiscord, plain(http.StatusNoContent, ""), refuseJSON},
		teamsPath:    {Teams, "", readTeams, plain(http.StatusAccepted, ""), refuseJSON},
		webhookPath:  {Webhook, "", readWebhook, plain(http.StatusOK, ""), refusePlain},
		pagerPath:    {PagerDuty, "", readPagerDuty, acceptPagerDuty, refusePagerDuty},
		telegramPath: {Telegram, "", readTelegram, acceptTelegram, refuseTelegram},
		ntfyPath:     {Ntfy, NtfyToken, readNtfy, plain(http.StatusOK, `{"event":"message"}`), refuseJSON},
		heartbeat:    {Heartbeat, "", func([]byte, *Message) error { return nil }, plain(http.StatusOK, "OK"), refusePlain},
	} {
		mux.HandleFunc("POST "+path, func(w http.ResponseWriter, r *http.Request) { in.serve(w, r, d) })
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { // a wrong key, most likely
		in.take(Message{Via: "nobody", Raw: r.Method + " " + r.URL.Path}, errors.New("no such address"))
		http.NotFound(w, r)
	})
	return mux
}

func (in *Inboxes) serve(w http.ResponseWriter, r *http.Request, d dialect) {
	if code := in.status(d.via); code != 0 {
		http.Error(w, "broken on purpose", code)
		return
	}
	m := Message{Via: d.via, At: time.Now(), Fields: map[string]string{}}
	body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
	m.Raw = string(body)
	if err == nil && d.token != "" && r.Header.Get("Authorization") != "Bearer "+d.token {
		err = errors.New("unauthorized")
	}
	if err == nil {
		err = d.read(body, &m)
	}
	in.take(m, err)
	if err != nil {
		d.refuse(w, err)
		return
	}
	d.accept(w, m)
}

func plain(code int, body string) func(http.ResponseWriter, Message) {
	return func(w http.ResponseWriter, _ Message) {
		w.WriteHeader(code)
		_, _ = io.WriteString(w, body)
	}
}

func refusePlain(w http.ResponseWriter, err error) { http.Error(w, err.Error(), http.StatusBadRequest) }

func refuseJSON(w http.ResponseWriter, err error) {
	answer(w, http.StatusBadRequest, map[string]any{"message": err.Error()})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

// decode reads one JSON value and nothing behind it.
func decode(body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("invalid JSON: %w", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("invalid JSON: more than one value")
	}
	return nil
}

// within refuses a text that is longer than a service takes, in characters.
func within(what, s string, most int) error {
	if n := len([]rune(s)); n > most {
		return fmt.Errorf("%s has %d characters, allowed are %d", what, n, most)
	}
	return nil
}

func readWebhook(body []byte, m *Message) error {
	var b struct {
		Version, Status, Receiver, GroupKey, ExternalURL string
		CommonAnnotations                                map[string]string
		Alerts                                           []Alert
	}
	if err := decode(body, &b); err != nil {
		return err
	}
	if b.Version != "4" || len(b.Alerts) == 0 || b.GroupKey == "" {
		return fmt.Errorf("not Alertmanager's webhook format 4: version %q, %d alerts", b.Version, len(b.Alerts))
	}
	m.Title, m.Resolved, m.Alerts = b.CommonAnnotations["summary"], b.Status == "resolved", b.Alerts
	m.Fields = map[string]string{"receiver": b.Receiver, "groupKey": b.GroupKey}
	for _, a := range b.Alerts {
		m.Text += a.Annotations["summary"] + "\n" + a.Annotations["description"] + "\n"
		for name, value := range a.Annotations {
			if len(name) > 4 && name[len(name)-4:] == "_url" {
				m.Links = append(m.Links, Link{name, value})
			}
		}
	}
	return nil
}
