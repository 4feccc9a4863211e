package mutants

import (
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

const rules = `# the head
groups:
  - name: disk
    rules:
      - record: disk:used:ratio
        expr: used / size > 0
      - alert: DiskFull
        expr: |
          disk:used:ratio >= 0.9 and up == 1
        for: 1m
        keep_firing_for: 90s
        labels: {severity: warning}
      - alert: Always
        expr: vector(1)
`

func changes(t *testing.T, recordings bool) []Mutant {
	t.Helper()
	made, err := Make([]byte(rules), recordings)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestChanges(t *testing.T) {
	want := []string{
		": nothing",
		"DiskFull: >= → > in disk:used:ratio >= 0.9",
		"DiskFull: 0.9 → 1.35",
		"DiskFull: 0.9 → 0.6",
		"DiskFull: == → != in up == 1",
		"DiskFull: 1 → 2",
		"DiskFull: 1 → 0",
		"DiskFull: for: 1m → 2m",
		"DiskFull: for: 1m → 30s",
		"DiskFull: for: 1m → 0s",
		"DiskFull: keep_firing_for: 90s → 3m",
		"DiskFull: keep_firing_for: 90s → 45s",
		"DiskFull: keep_firing_for: 90s → 0s",
	}
	var got []string
	for _, m := range changes(t, false) {
		got = append(got, m.Alert+": "+m.Change)
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if more := changes(t, true); len(more) != len(want)+3 || more[1].Record != "disk:used:ratio" { // >=, 1, -1
		t.Errorf("with recordings: %d changes, %+v", len(more), more[1])
	}
}

type parsed struct {
	Groups []struct {
		Rules []map[string]any
	}
}

// Each mutant differs from the file by one field of one rule, and no two are alike.
func TestOneThingAtATime(t *testing.T) {
	read := func(text []byte) []map[string]any {
		var p parsed
		if err := yaml.Unmarshal(text, &p); err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
		return p.Groups[0].Rules
	}
	was := read([]byte(rules))
	seen := map[string]string{}
	for _, m := range changes(t, true) {
		if before, twice := seen[string(m.Text)]; twice {
			t.Errorf("%q and %q are the same", before, m.Change)
		}
		seen[string(m.Text)] = m.Change
		var differ []string
		for i, rule := range read(m.Text) {
			for field, value := range rule {
				if text, ok := value.(string); ok && strings.TrimSpace(text) != strings.TrimSpace(was[i][field].(string)) {
					differ = append(differ, field)
				}
			}
			if len(rule) != len(was[i]) {
				t.Errorf("%s: a field is gone or new", m.Change)
			}
		}
		want := 1
		if m.Change == "nothing" {
			want = 0
		}
		if len(differ) != want {
			t.Errorf("%s: differs in %q", m.Change, differ)
		}
	}
}

func TestFaultsOfRuleFiles(t *testing.T) {
	for text, want := range map[string]string{
		"groups: [{rules: [{alert: A}]}]":                      "line 1: a rule without expr",
		"groups: [{rules: [{alert: A, expr: 'up =='}]}]":       "line 1: 1:6: parse error",
		"groups: [{rules: [{alert: A, expr: up, for: soon}]}]": "line 1: for: not a valid duration",
		"a: [": "yaml",
	} {
		if _, err := Make([]byte(text), false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
	}
	for _, text := range []string{"", "groups:", "groups: [{name: empty}]"} {
		if made, err := Make([]byte(text), false); err != nil || len(made) != 1 {
			t.Errorf("%q: %d, %v", text, len(made), err)
		}
	}
}
