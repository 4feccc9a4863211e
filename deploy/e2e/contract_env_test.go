package e2e

import (
	"bufio"
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What others than our configuration read from the environment of our services.
var readElsewhere = map[string]string{
	"GOMEMLIMIT": "the Go runtime",
}

// What a service can be told, but not by .env: it follows from how Compose runs it, or is for other ways of running it. A
// docker-compose.override.yml sets it all the same.
var notInCompose = map[string]*regexp.Regexp{
	"api": regexp.MustCompile(`^(KUBERNETES_SERVICE_HOST|HEALTH_(CHECK|CPU|MEMORY|DISK|ERROR)_.*|LOG_MAX_.*|LISTEN_HOST|WORKERS|DISK_PATHS|DRAIN_DELAY|SHUTDOWN_TIMEOUT|H2C|METRICS_UPSTREAM|WATCHDOG_TARGET)$`),
	// Of watchdog run and of systemd, but for the first two.
	"watchdog": regexp.MustCompile(`^(WATCHDOG_LISTEN|WATCHDOG_START_PERIOD|WORKERS|PORT|LISTEN_HOST|WATCHDOG_(NAME|PORT_ENV|PROBE|METRICS|MAX_MEMORY|STOP_TIMEOUT(_HUNG)?|USEC|PID)|NOTIFY_SOCKET)$`),
	"guard":    regexp.MustCompile(`^(DOCKER_SOCKET|GUARD_ADDRESS)$`), // in the container both are where the defaults say
	"setup":    regexp.MustCompile(`^$`),
}

func TestEnvExampleAndComposeNameTheSameVariables(t *testing.T) {
	example, inCompose := envExample(t), composeVariables(t)
	for name := range example {
		if _, there := inCompose[name]; !there {
			t.Errorf(".env.example names %s, which docker-compose.yml does not read", name)
		}
	}
	for name := range inCompose {
		if _, there := example[name]; !there {
			t.Errorf("docker-compose.yml reads %s, which .env.example does not name", name)
		}
	}
}

// With the file copied as it is, the stack must run as it does without it.
func TestEnvExampleHoldsTheDefaults(t *testing.T) {
	inCompose := composeVariables(t)
	for name, value := range envExample(t) {
		for _, fallback := range inCompose[name] {
			if fallback != value {
				t.Errorf("%s is %q in .env.example, %q in docker-compose.yml", name, value, fallback)
			}
		}
	}
}

func TestEnvExampleExplainsEachVariable(t *testing.T) {
	explained := false
	assignment := regexp.MustCompile(`^[A-Z][A-Z0-9_]*=`)
	for line := range strings.Lines(string(contractFile(t, ".env.example"))) {
		switch line = strings.TrimSpace(line); {
		case line == "" || strings.HasPrefix(line, "# ---"):
			explained = false
		case strings.HasPrefix(line, "#"):
			explained = true
		case !assignment.MatchString(line):
			t.Errorf("neither comment nor NAME=value: %q", line)
		case !explained && !strings.Contains(line, "_PORT="): // ports stand in a group with one comment
			t.Errorf("no comment above %s", line)
		}
	}
}

// What Compose hands to a service is read by it, and what a service reads is handed to it.
func TestComposeHandsOverWhatServicesRead(t *testing.T) {
	eachService(t, func(t *testing.T, name string, s composeService) {
		if s.Build == nil {
			return
		}
		reads := variablesRead(t, name)
		for variable := range s.Environment {
			if _, read := reads[variable]; !read && readElsewhere[variable] == "" {
				t.Errorf("%s is given to %s, which does not read it", variable, name)
			}
		}
		for variable := range reads {
			if _, given := s.Environment[variable]; !given && !notInCompose[name].MatchString(variable) {
				t.Errorf("%s reads %s, which docker-compose.yml does not give to it", name, variable)
			}
		}
		for variable, ours := range reads {
			value, given := s.Environment[variable]
			if m := composeVariable.FindStringSubmatch(value); given && m != nil && ours != "" && !same(ours, m[4]) {
				t.Errorf("%s: default %q in %s, %q in docker-compose.yml", variable, ours, name, m[4])
			}
		}
	})
}

// same compares defaults: 30 and 30s are one.
func same(a, b string) bool {
	if a == b {
		return true
	}
	seconds := func(s string) time.Duration {
		if n, err := strconv.Atoi(s); err == nil {
			return time.Duration(n) * time.Second
		}
		d, err := time.ParseDuration(s)
		if err != nil {
			return -1
		}
		return d
	}
	return seconds(a) >= 0 && seconds(a) == seconds(b)
}

func envExample(t *testing.T) map[string]string {
	t.Helper()
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(contractFile(t, ".env.example")))
	for lines.Scan() {
		if name, value, ok := strings.Cut(lines.Text(), "="); ok && !strings.HasPrefix(name, "#") {
			if _, twice := values[name]; twice {
				t.Errorf(".env.example names %s twice", name)
			}
			values[name] = value
		}
	}
	return values
}

// composeVariables returns every variable that Compose puts into the file, with its defaults.
func composeVariables(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for line := range strings.Lines(string(contractFile(t, "docker-compose.yml"))) {
		if code, _, _ := strings.Cut(line, " #"); !strings.HasPrefix(strings.TrimSpace(line), "#") {
			for _, m := range composeVariable.FindAllStringSubmatch(code, -1) {
				found[m[2]] = append(found[m[2]], m[4])
			}
		}
	}
	return found
}

// variablesRead finds what the Go code of a service reads: fields with an `env:"NAME"` tag, and calls of Getenv, LookupEnv
// or getenv with a literal name. The values are the defaults, where a tag tells them.
func variablesRead(t *testing.T, service string) map[string]string {
	t.Helper()
	found := map[string]string{}
	root := filepath.Join(repository, "services", service)
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(file, func(node ast.Node) bool {
			switch n := node.(type) {
			case *ast.Field:
				if n.Tag != nil {
					tag, _ := strconv.Unquote(n.Tag.Value)
					if name, _, _ := strings.Cut(reflect.StructTag(tag).Get("env"), ","); name != "" {
						found[name] = reflect.StructTag(tag).Get("envDefault")
					}
				}
			case *ast.CallExpr:
				if name := literalArgument(n, "Getenv", "LookupEnv", "getenv", "lookup"); name != "" {
					found[name] = ""
				}
			}
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) == 0 {
		t.Fatalf("%s reads no variable: look for them in another way; known: %v", service, slices.Collect(maps.Keys(notInCompose)))
	}
	return found
}

func literalArgument(call *ast.CallExpr, functions ...string) string {
	var name string
	switch f := call.Fun.(type) {
	case *ast.Ident:
		name = f.Name
	case *ast.SelectorExpr:
		name = f.Sel.Name
	}
	if !slices.Contains(functions, name) || len(call.Args) == 0 {
		return ""
	}
	literal, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return ""
	}
	value, _ := strconv.Unquote(literal.Value)
	return value
}
