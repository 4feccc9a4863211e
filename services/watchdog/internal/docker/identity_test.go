package docker

import (
	"slices"
	"testing"

	"github.com/upkeephq/upkeep/services/watchdog/internal/observe"
	"github.com/upkeephq/upkeep/services/watchdog/internal/supervise"
)

func TestIdentify(t *testing.T) {
	compose := func(more ...string) map[string]string {
		m := map[string]string{"watchdog.enable": "true", composeProject: "shop", composeService: "api", composeNumber: "2"}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	for _, c := range []struct {
		what, name string
		labels     map[string]string
		key        string
		target     bool
		temporary  bool
	}{
		{"plain", "/db", map[string]string{"watchdog.enable": "true"}, "db", true, false},
		{"not selected", "/db", nil, "db", false, false},
		{"Compose", "/whatever", compose(), "shop-api-2", true, false},
		{"run once", "/shop-api-run-1", compose(composeOneoff, "True"), "shop-api-2", false, false},
		{"not run once", "/shop-api-2", compose(composeOneoff, "False"), "shop-api-2", true, false},
		{"a hook", "/shop-api-2", compose(composeHook, "pre_start"), "shop-api-2", false, false},
		{"being replaced", "/0123456789ab_shop-api-2", compose(composeReplace, "api-2"), "shop-api-2", true, true},
		{"replaced before", "/shop-api-2", compose(composeReplace, "api-2"), "shop-api-2", true, false},
		{"looks temporary", "/0123456789ab_shop-api-2", compose(), "shop-api-2", true, false},
		{"half of Compose", "/x", map[string]string{"watchdog.enable": "true", composeProject: "shop"}, "x", true, false},
	} {
		got := identify("id", c.name, c.labels, supervise.DefaultPolicy(), selected)
		if got.key != c.key || got.target != c.target || got.temporary != c.temporary {
			t.Errorf("%s: key %q, target %v, temporary %v", c.what, got.key, got.target, got.temporary)
		}
	}
}

// TestRenamed goes there and back, as when a look that began before Compose renamed a replacement ends after it.
func TestRenamed(t *testing.T) {
	labels := map[string]string{"watchdog.enable": "true", composeProject: "p", composeService: "s", composeNumber: "1", composeReplace: "s-1"}
	for _, c := range []struct {
		labels map[string]string
		keys   []string
	}{
		{labels, []string{"p-s-1", "p-s-1", "p-s-1"}},
		{map[string]string{"watchdog.enable": "true"}, []string{"0123456789ab_p-s-1", "p-s-1", "0123456789ab_p-s-1"}},
	} {
		got := identify("id", "/0123456789ab_p-s-1", c.labels, supervise.DefaultPolicy(), selected)
		keys := []string{got.key}
		for _, name := range []string{"p-s-1", "0123456789ab_p-s-1"} {
			got = got.renamed(name)
			keys = append(keys, got.key)
		}
		if !slices.Equal(keys, c.keys) {
			t.Errorf("keys %q, want %q", keys, c.keys)
		}
	}
}

func TestParseDependsOn(t *testing.T) {
	for in, want := range map[string][]string{
		"":                          nil,
		"db":                        nil,
		"db:service_started":        nil,
		"db:service_healthy:false":  nil,
		"db:service_healthy:true":   {"db"},
		"a:b:true,c:d:true, e:f:ok": {"a", "c"},
		"db:service_healthy:true:x": nil,
		":x:true,,::true":           nil,
	} {
		if got := parseDependsOn(in); !slices.Equal(got, want) {
			t.Errorf("parseDependsOn(%q) = %q, want %q", in, got, want)
		}
	}
}

func TestProperName(t *testing.T) {
	for want, names := range map[string][]string{"db": {"/web/database", "/db"}, "": {"/web/database"}} {
		if got := properName(names); got != want {
			t.Errorf("properName(%q) = %q", names, got)
		}
	}
}

// registryOf makes a registry that keeps what it tells.
func registryOf(list ...known) (*registry, *[]observe.Notice) {
	var told []observe.Notice
	r := newRegistry(supervise.DefaultPolicy(), "", func(n observe.Notice) { told = append(told, n) })
	r.add(list...)
	return r, &told
}

func TestRegistryPicksTheNewest(t *testing.T) {
	labels := map[string]string{"watchdog.enable": "true", composeProject: "p", composeService: "s", composeNumber: "1"}
	replacing := map[string]string{"watchdog.enable": "true", composeProject: "p", composeService: "s", composeNumber: "1", composeReplace: "s-1"}
	r, told := registryOf(known{id: "old", name: "p-s-1", labels: labels, created: 1})
	owner := func() string { return r.owners["p-s-1"].id }
	r.told["p-s-1"] = true
	if got := r.add(known{id: "new", name: "0123456789ab_p-s-1", labels: replacing, created: 2}); owner() != "old" || len(got) > 0 {
		t.Errorf("a replacement that is not named yet: owner %s, look at %q", owner(), got)
	}
	if got := r.drop("old"); owner() != "new" || !slices.Equal(got, []string{"new"}) {
		t.Errorf("the old one is gone: owner %s, look at %q", owner(), got)
	}
	r.add(known{id: "new", name: "p-s-1"})
	if len(*told) > 0 || r.owners["p-s-1"].temporary {
		t.Errorf("after the renaming: %+v, told %+v", r.owners["p-s-1"], *told)
	}
	r.drop("new")
	r.drop("new")
	if len(*told) != 1 || (*told)[0].Event.Kind != supervise.EventGone || (*told)[0].Event.Target != "p-s-1" {
		t.Errorf("told %+v, want that it is gone, once", *told)
	}
}

func TestRegistryNeverTellsOfTheUnseen(t *testing.T) {
	r, told := registryOf(known{id: "a", name: "a", labels: map[string]string{"watchdog.enable": "true"}})
	r.drop("a")
	if len(*told) > 0 {
		t.Errorf("told %+v of a container that nobody has seen", *told)
	}
}

func TestFollowsItself(t *testing.T) {
	c := identify("id", "/a", map[string]string{"watchdog.enable": "true", "watchdog.restart-with": "a"}, supervise.DefaultPolicy(), selected)
	if c.follows(&c) {
		t.Error("a target is restarted after itself")
	}
}
