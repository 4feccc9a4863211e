package platform

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// server is docker-compose.yml as it ships, under a name of its own and on free ports, with Prometheus and Alertmanager running.
type server struct {
	t   *testing.T
	env []string
}

const rehearsal = "upkeep-backup-rehearsal"

func newServer(t *testing.T) server {
	t.Helper()
	engine(t)
	s := server{t, append(os.Environ(), "COMPOSE_PROJECT_NAME="+rehearsal, "PROMETHEUS_PORT=0", "ALERTMANAGER_PORT=0", "COMPOSE_PROFILES=")}
	s.do("docker", "compose", "down", "-v") // what a test that was cut off left
	t.Cleanup(func() {
		s.do("docker", "compose", "down", "-v", "--remove-orphans")
		if left, _ := s.try("docker", "volume", "ls", "-q", "--filter", "label=com.docker.compose.project="+rehearsal); left != "" {
			s.do("docker", append([]string{"volume", "rm"}, strings.Fields(left)...)...)
		}
	})
	s.up()
	return s
}

func (s server) up() {
	s.t.Helper()
	s.do("docker", "compose", "up", "-d", "--build", "--wait", "prometheus", "alertmanager")
}

func (s server) try(name string, args ...string) (string, error) {
	command := exec.Command(name, args...)
	command.Dir, command.Env = "../..", s.env
	out, err := command.CombinedOutput()
	return string(out), err
}

func (s server) do(name string, args ...string) string {
	s.t.Helper()
	out, err := s.try(name, args...)
	if err != nil {
		s.t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return out
}

func (s server) get(service, port, path string, post []byte) string {
	s.t.Helper()
	address := strings.TrimSpace(s.do("docker", "compose", "port", service, port))
	method, body := http.MethodGet, io.Reader(nil)
	if post != nil {
		method, body = http.MethodPost, bytes.NewReader(post)
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+address+path, body)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		s.t.Fatalf("%s: %s %s %v", path, answer.Status, text, err)
	}
	return string(text)
}

// samples is how many samples of a series Prometheus has of the minutes before a moment.
func (s server) samples(at time.Time) string {
	s.t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	query := url.Values{"query": {`count_over_time(prometheus_build_info[10m])`}, "time": {fmt.Sprint(at.Unix())}}
	text := s.get("prometheus", "9090", "/api/v1/query?"+query.Encode(), nil)
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		s.t.Fatal(err)
	}
	if len(answer.Data.Result) == 0 {
		return "none"
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// marker runs a command as root with a volume of a service that does not run in this test.
func (s server) marker(volume, command string) string {
	s.t.Helper()
	return s.do("docker", "run", "--rm", "--network", "none", "-v", rehearsal+"_"+volume+":/v", "busybox:1.37.0", "sh", "-c", command)
}

// times are those in what ls prints.
var times = regexp.MustCompile(` +[A-Z][a-z]{2} +\d+ +[\d:]+ `)

func TestARestoreBringsEverythingBack(t *testing.T) {
	s := newServer(t)
	silence, err := json.Marshal(map[string]any{
		"matchers": []map[string]any{{"name": "alertname", "value": "TargetDown", "isRegex": false, "isEqual": true}},
		"startsAt": time.Now().UTC(), "endsAt": time.Now().UTC().Add(24 * time.Hour), "createdBy": "test", "comment": "the new disk",
	})
	if err != nil {
		t.Fatal(err)
	}
	s.get("alertmanager", "9093", "/api/v2/silences", silence)
	// Files as Grafana and the watchdog leave them: of other users, closed to the rest, with a link and an empty folder.
	s.marker("grafana-data", "mkdir -p /v/plugins && echo users >/v/grafana.db && chown -R 472:0 /v && chmod 640 /v/grafana.db && ln -s grafana.db /v/link")
	s.marker("watchdog-logs", "echo history >/v/ledger && chown -R 65532:65532 /v && chmod 600 /v/ledger")
	look := func() string {
		files := s.marker("grafana-data", "cd /v && ls -lAn . plugins | grep -v total && cat link") + s.marker("watchdog-logs", "cd /v && ls -lAn | grep -v total; cat ledger")
		return times.ReplaceAllString(files, " ") // busybox gives a link the time of its unpacking
	}
	before := look()

	deadline := time.Now().Add(time.Minute)
	for s.samples(time.Now()) == "none" {
		if time.Now().After(deadline) {
			t.Fatal("Prometheus has read nothing in a minute")
		}
		time.Sleep(time.Second) // until its first scrape, of which it tells nobody
	}
	at := time.Now()
	had := s.samples(at)

	folder := t.TempDir()
	t.Log(s.do("deploy/vps/backup.sh", folder))
	made, err := filepath.Glob(filepath.Join(folder, "*Z"))
	if err != nil || len(made) != 1 {
		t.Fatalf("%v %v", made, err)
	}
	backup := made[0]
	if running := s.do("docker", "compose", "ps", "--services", "--status", "running"); !strings.Contains(running, "prometheus") || !strings.Contains(running, "alertmanager") {
		t.Errorf("after the backup, running: %q", running)
	}
	for _, name := range []string{backup, filepath.Join(backup, "config.tar.gz")} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is open to others: %v %v", name, info.Mode(), err)
		}
	}

	// The machine is gone, and a new one has begun to collect.
	s.do("docker", "compose", "down", "-v")
	s.do("docker", "volume", "rm", "-f", rehearsal+"_grafana-data", rehearsal+"_watchdog-logs")
	s.up()
	if got := s.samples(at); got != "none" {
		t.Errorf("the new machine has samples of the old one: %s", got)
	}
	if got := s.get("alertmanager", "9093", "/api/v2/silences", nil); strings.Contains(got, "the new disk") {
		t.Error("the new machine has the silence of the old one")
	}

	t.Log(s.do("deploy/vps/restore.sh", "--yes", backup))
	if got := s.samples(at); got != had {
		t.Errorf("%s samples, there were %s", got, had)
	}
	if got := s.get("alertmanager", "9093", "/api/v2/silences", nil); !strings.Contains(got, "the new disk") {
		t.Errorf("the silence is lost: %s", got)
	}
	if after := look(); after != before {
		t.Errorf("owners, modes or contents differ:\n%s\nthere were\n%s", after, before)
	}

	// A damaged backup touches nothing.
	archive := filepath.Join(backup, "grafana-data.tar.gz")
	content, err := os.ReadFile(archive)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(archive, content, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := s.try("deploy/vps/restore.sh", "--yes", backup); err == nil || !strings.Contains(out, "nothing was touched") {
		t.Errorf("a damaged backup: %v: %s", err, out)
	}
	if after := look(); after != before {
		t.Error("a damaged backup has changed something")
	}
}
