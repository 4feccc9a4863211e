package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"testing"

	"github.com/upkeephq/upkeep/deploy/e2e/stack"
)

// TestAsk tests the panel test itself: what counts as data, and that a panel without any is noticed.
func TestAsk(t *testing.T) {
	answers := map[string]string{
		"none":      `[]`,
		"nan":       `[{"metric":{},"values":[[1,"NaN"]]}]`,
		"zero":      `[{"metric":{},"values":[[1,"NaN"],[2,"0"]]}]`,
		"histogram": `[{"metric":{},"histograms":[[1,{"count":"1"}]]}]`,
		"now":       `[{"metric":{},"value":[1,"1"]}]`,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		instant := r.URL.Path == "/api/v1/query" && r.FormValue("time") != "" && r.FormValue("step") == ""
		if instant != (r.FormValue("query") == "now") {
			t.Errorf("GET %s", r.URL)
		}
		_, _ = io.WriteString(w, `{"data":{"result":`+answers[r.FormValue("query")]+`}}`)
	}))
	defer server.Close()
	address, err := url.Parse(server.URL)
	must(t, err)
	w := &world{Stack: &stack.Stack{Ports: map[string]string{"prometheus": address.Port()}}}

	var d dashboard
	must(t, json.Unmarshal([]byte(`{"uid":"upkeep-alerts","panels":[{"title":"Some","targets":[
			{"refId":"A","expr":"none"},{"refId":"B","expr":"nan"},{"refId":"C","expr":"zero"},{"refId":"D","expr":"histogram"},{"refId":"E","expr":"now","instant":true}]},
		{"title":"Pending","targets":[{"refId":"A","expr":"none"}]}]}`), &d))
	got, missing := w.ask(t, d, false)
	if got.panels != 2 || got.queries != 6 || got.data != 3 || got.allowed != 1 || !got.empty["upkeep-alerts/Pending/A"] {
		t.Errorf("counted %+v", got)
	}
	if !slices.Equal(missing, []string{"upkeep-alerts/Some/A", "upkeep-alerts/Some/B"}) {
		t.Errorf("missing %v", missing)
	}
	server.Config.Handler = http.NotFoundHandler()
	if _, err := points(t.Context(), server.URL, "none", false, quarter); err == nil {
		t.Error("an answer that is not 200 is no error")
	}
}
