package kit_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The program that the documentation shows is the one that is tested here.
func TestTheDocumentedProgramIsThisOne(t *testing.T) {
	program, err := os.ReadFile("testdata/shop/main.go")
	if err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile("../../deploy/make-your-backend-observable.md")
	if os.IsNotExist(err) {
		t.Skip("NOT TESTED: the kit stands alone here, without the page that shows the program")
	}
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(page, append([]byte("```go\n"), append(program, "```\n"...)...)) {
		t.Error("deploy/make-your-backend-observable.md shows another program than testdata/shop/main.go: copy it there")
	}
}

func TestTheDocumentedProgramWorks(t *testing.T) {
	binary := filepath.Join(t.TempDir(), "shop")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "./testdata/shop").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary)
	cmd.Env = []string{"PORT=0"}
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stdout)
	lines.Scan()
	port := regexp.MustCompile(`listening on .*:(\d+)`).FindStringSubmatch(lines.Text())
	if port == nil {
		t.Fatalf("first line: %s", lines.Text())
	}
	url := "http://127.0.0.1:" + port[1]
	for path, want := range map[string]string{
		"/orders/7":    "order 7, request ",
		"/health/live": "healthy",
		"/nowhere":     "404",
	} {
		if got := fetch(t, url+path); !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q in it", path, got, want)
		}
	}
	metrics := fetch(t, url+"/metrics")
	for _, want := range []string{
		`http_requests_total{code="200",method="GET",route="/orders/{id}"} 1`,
		`http_requests_total{code="404",method="OTHER",route="unmatched"} 1`,
		`log_lines_total{level="info"}`, "process_start_time_seconds", "go_goroutines",
	} {
		if !strings.Contains(metrics, want) {
			t.Errorf("/metrics lacks %s", want)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	var access int
	for lines.Scan() {
		var line struct{ Msg, Route string }
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
			t.Errorf("no JSON: %s", lines.Text())
		}
		if line.Msg == "request" && line.Route == "/orders/{id}" {
			access++
		}
	}
	if err := cmd.Wait(); err != nil || access != 1 {
		t.Errorf("it ended with %v %s and wrote %d access lines for the order, want a clean end and one", err, complaints.String(), access)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}
