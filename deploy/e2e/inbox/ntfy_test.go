package inbox

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// publish sends a message as JSON to the server that a topic is on.
func publish(t *testing.T, in *Inboxes, token, body string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(in.URL(Ntfy), NtfyTopic), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

func TestNtfy(t *testing.T) {
	const actions = `"actions":[{"action":"view","label":"What to do","url":"http://r"}]`
	in := open(t)
	if code := publish(t, in, NtfyToken, `{"topic":"`+NtfyTopic+`","title":"[CRITICAL] A","message":"5 > 3\nhttp://b","priority":5,"click":"http://c",`+actions+`}`); code != http.StatusOK {
		t.Fatalf("answered %d, noted %q", code, in.Refused())
	}
	m := in.Messages(Ntfy, nil)[0]
	if m.Title != "[CRITICAL] A" || !strings.HasPrefix(m.Text, "5 > 3\n") || m.Fields["priority"] != "5" || m.Resolved {
		t.Errorf("read as %+v", m)
	}
	for _, want := range []Link{{"What to do", "http://r"}, {"[CRITICAL] A", "http://c"}, {"http://b", "http://b"}} {
		if !slices.Contains(m.Links, want) {
			t.Errorf("links %q, want %q", m.Links, want)
		}
	}
	for _, c := range []struct{ token, body, want string }{
		{"other", `{"topic":"` + NtfyTopic + `","message":"a"}`, "unauthorized"},
		{NtfyToken, `{"topic":"other","message":"a"}`, `topic "other"`},
		{NtfyToken, `{"topic":"` + NtfyTopic + `","message":"` + strings.Repeat("ü", 2049) + `"}`, "4098 bytes"},
		{NtfyToken, `{"topic":"` + NtfyTopic + `","priority":6}`, "priority"},
		{NtfyToken, `{"topic":"` + NtfyTopic + `","actions":[{},{},{},{}]}`, "only 3"},
	} {
		if code := publish(t, in, c.token, c.body); code < 400 {
			t.Errorf("%.60s: answered %d", c.body, code)
		}
		if all := in.Refused(); !strings.Contains(all[len(all)-1], c.want) {
			t.Errorf("%.60s: noted %q, want %q", c.body, all, c.want)
		}
	}
	if n := len(in.Messages(Ntfy, nil)); n != 1 {
		t.Errorf("%d messages are kept, want the first alone", n)
	}
}
