package platform

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// machine is a folder with what systemd looks for when it checks our units: the programs that they start, and the units that
// they name.
func machine(t *testing.T) string {
	t.Helper()
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("NOT CHECKED: the systemd units, as systemd-analyze is missing here")
	}
	root := t.TempDir()
	write := func(path, text string, mode os.FileMode) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"/opt/upkeep/bin/watchdog", "/opt/upkeep/bin/api", "/usr/bin/docker", "/bin/kill", "/bin/true"} {
		write(program, "#!/bin/sh\n", 0o755)
	}
	for _, unit := range []string{"sysinit.target", "basic.target", "shutdown.target", "multi-user.target", "network-online.target", "network.target"} {
		write("/etc/systemd/system/"+unit, "[Unit]\nDescription=a unit that every machine has\n", 0o644)
	}
	write("/etc/systemd/system/docker.service", "[Service]\nExecStart=/bin/true\n", 0o644)
	return root
}

func verify(t *testing.T, root, name, text string) string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, "etc/systemd/system", name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("systemd-analyze", "verify", "--man=no", "--root="+root, name).CombinedOutput()
	if err != nil {
		return err.Error() + ": " + string(out)
	}
	return string(out)
}

func unit(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../vps", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestUnitsAreWhole(t *testing.T) {
	root := machine(t)
	for _, name := range []string{"upkeep.service", "upkeep-api.service"} {
		// Whatever it says, be it only a warning about a key that it does not know, is a fault.
		if said := verify(t, root, name, unit(t, name)); said != "" {
			t.Errorf("%s: %s", name, said)
		}
	}
	for _, change := range [][2]string{{"WatchdogSec=30", "WatchdogSecc=30"}, {"Type=notify", "Type=notified"}, {"/opt/upkeep/bin/watchdog", "/opt/upkeep/bin/wachhund"}} {
		if said := verify(t, root, "broken.service", strings.ReplaceAll(unit(t, "upkeep-api.service"), change[0], change[1])); said == "" {
			t.Errorf("%s was not noticed", change[1])
		}
	}
}

// systemd's own account of how much a unit may: 10 is everything. What is left for the API is the network, which it needs.
func TestTheApisUnitMayDoLittle(t *testing.T) {
	machine(t)
	out, err := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", "../vps/upkeep-api.service").CombinedOutput()
	if err != nil {
		t.Errorf("more than 2.0: %v\n%s", err, out)
	}
	t.Log(regexp.MustCompile(`Overall exposure level.*`).FindString(string(out)))
	loose := regexp.MustCompile(`(?m)^(ProtectSystem|NoNewPrivileges|CapabilityBoundingSet|SystemCallFilter)=.*\n`)
	path := filepath.Join(t.TempDir(), "loose.service")
	if err := os.WriteFile(path, []byte(loose.ReplaceAllString(unit(t, "upkeep-api.service"), "")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := exec.Command("systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=20", path).Run(); err == nil {
		t.Error("a unit without its protection passes too")
	}
}
