package health

import (
	"strings"
	"testing"
)

func TestWantsDraft(t *testing.T) {
	for header, want := range map[string]bool{
		"":                              false,
		"*/*":                           false,
		"application/json":              false,
		"application/health+json":       true,
		"Application/Health+JSON":       true,
		" application/health+json ;q=1": true,
		"application/json, application/health+json":                 true,
		"application/json;q=0.9, application/health+json;q=0.8":     false,
		"application/json;q=0.5, application/health+json;q=0.8":     true,
		"application/health+json;q=0":                               false,
		"application/health+json;q=2":                               false,
		"application/health+json;q=NaN":                             false,
		"application/health+json;charset=utf-8":                     true,
		"text/html,application/health+json;q=0.1,*/*;q=0.8":         true,
		"application/health+jsonx, application/xhealth+json, ;;,,=": false,
	} {
		if got := wantsDraft([]string{header}); got != want {
			t.Errorf("%q: %v, want %v", header, got, want)
		}
	}
	if !wantsDraft([]string{"text/plain", "application/health+json"}) {
		t.Error("the second of two headers was not read")
	}
}

// FuzzWantsDraft: whatever comes, an answer; and the draft only where it was named.
func FuzzWantsDraft(f *testing.F) {
	for _, seed := range []string{"*/*", "application/health+json;q=0.5, application/json", "application/health+json;q=1e309", ";;,,==", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		if wantsDraft([]string{header}) && !strings.Contains(strings.ToLower(header), "application/health+json") {
			t.Errorf("%q does not name the draft", header)
		}
	})
}

// FuzzBearer: a token comes out only of a header that holds it behind the word.
func FuzzBearer(f *testing.F) {
	for _, seed := range []string{"Bearer abc", "bearer  abc ", "Basic abc", "Bearer", "Bearer\tabc", ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, header string) {
		token := bearer(header)
		if token == "" {
			return
		}
		if !strings.EqualFold(header[:7], "Bearer ") || !strings.Contains(header[7:], token) {
			t.Errorf("%q gave %q", header, token)
		}
	})
}
