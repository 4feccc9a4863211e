package hostinfo

import (
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestReadLimits(t *testing.T) {
	for _, test := range []struct {
		tree   string
		limits Limits
		usage  Usage
	}{
		{"v2-container", Limits{2, 0.5, 128 << 20}, Usage{7.5, 70_000_000}},
		{"v2-nested", Limits{2, 1.5, 512 << 20}, Usage{1, 0}},
		{"v1-container", Limits{1, 2, 64 << 20}, Usage{12.5, 40_000_000}},
		{"v1-unlimited", Limits{1, 0, 0}, Usage{99e-9, 49_999_999}},
		{"none", Limits{}, Usage{}},
	} {
		t.Run(test.tree, func(t *testing.T) {
			root := os.DirFS("testdata/" + test.tree)
			limits, err := ReadLimits(root)
			if err != nil || limits != test.limits {
				t.Errorf("limits %+v, %v, want %+v", limits, err, test.limits)
			}
			groups, err := findGroups(root)
			if err != nil {
				t.Fatal(err)
			}
			usage, err := groups.usage(root)
			if err != nil || usage != test.usage {
				t.Errorf("usage %+v, %v, want %+v", usage, err, test.usage)
			}
		})
	}
}

func TestReadLimitsOfABrokenTree(t *testing.T) {
	limits, err := ReadLimits(os.DirFS("testdata/broken"))
	if limits != (Limits{Version: 2}) {
		t.Errorf("limits %+v, want none of version 2", limits)
	}
	for _, want := range []string{`/sys/fs/cgroup/cpu.max: "plenty" is no quota`, `/sys/fs/cgroup/memory.max: "-5" is no number`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
	half := fstest.MapFS{"proc/self/cgroup": {Data: []byte("0::/\n")}}
	if _, err := ReadLimits(half); err == nil {
		t.Error("no mountinfo: no error")
	}
}

func TestChain(t *testing.T) {
	for _, test := range []struct {
		mount mount
		group string
		want  string
	}{
		{mount{"/", "/cg"}, "/", "/cg"},
		{mount{"/", "/cg"}, "/a/b", "/cg/a/b /cg/a /cg"},
		{mount{"/docker/x", "/cg"}, "/docker/x", "/cg"},
		{mount{"/docker/x", "/cg"}, "/docker/x/sub", "/cg/sub /cg"},
		{mount{"/docker/x", "/cg"}, "/docker/xy", "/cg"},
		{mount{"/docker/x", "/cg"}, "/", "/cg"},
		{mount{"/", "/cg"}, "/../../etc", "/cg/etc /cg"},
	} {
		if got := strings.Join(test.mount.chain(test.group), " "); got != test.want {
			t.Errorf("%+v %s: %s, want %s", test.mount, test.group, got, test.want)
		}
	}
}

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		`/sys/fs/cgroup`: "/sys/fs/cgroup", `/a\040b`: "/a b", `\134`: `\`, `\9`: `\9`, `\999`: `\999`, `\04`: `\04`,
	} {
		if got := unescape(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestThisMachine(t *testing.T) {
	if _, err := ReadLimits(os.DirFS("/")); err != nil {
		t.Errorf("the control groups of this machine: %v", err)
	}
}
