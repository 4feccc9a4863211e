package e2e

import (
	"go/version"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The Go version stands in go.work. Everything that builds, and every page that names it, follows.
func TestGoVersionStandsInOnePlace(t *testing.T) {
	line := regexp.MustCompile(`(?m)^go (\S+)$`)
	wanted := line.FindStringSubmatch(string(contractFile(t, "go.work")))
	if wanted == nil {
		t.Fatal("go.work has no line go VERSION")
	}
	current := "go" + wanted[1]
	language := strings.TrimPrefix(version.Lang(current), "go") // 1.26
	named := regexp.MustCompile(`\b(?:Go |golang:|go)(1\.\d+(?:\.\d+)?)\b`)
	modules, images := 0, 0
	for _, path := range tracked(t) {
		text := string(contractFile(t, path))
		switch name := filepath.Base(path); {
		case name == "go.mod":
			modules++
			if got := line.FindStringSubmatch(text); got == nil || got[1] != wanted[1] {
				t.Errorf("%s: %q, go.work says go %s", path, got, wanted[1])
			}
			if strings.Contains(text, "\ntoolchain ") {
				t.Errorf("%s asks for a toolchain of its own", path)
			}
			if m := regexp.MustCompile(`(?m)^// \+heroku goVersion (\S+)$`).FindStringSubmatch(text); m != nil && m[1] != "go"+language {
				t.Errorf("%s: Heroku is asked for %s, go.work says go %s", path, m[1], wanted[1])
			}
		case strings.HasPrefix(name, "Dockerfile"):
			images++
			for _, m := range named.FindAllStringSubmatch(text, -1) {
				// The newest patch of the same minor version.
				if version.Lang("go"+m[1]) != version.Lang(current) || version.Compare("go"+m[1], current) < 0 {
					t.Errorf("%s builds with Go %s, go.work says go %s", path, m[1], wanted[1])
				}
			}
		case slices.Contains([]string{".md", ".sh", ".ps1", ".bat", ".yml", ".yaml", ".toml", ".json"}, filepath.Ext(name)) || name == "Makefile" || name == "Procfile" || path == ".ci/run":
			for _, m := range named.FindAllStringSubmatch(text, -1) {
				if m[1] != language {
					t.Errorf("%s names Go %s: pages say Go %s, scripts read go.work", path, m[1], language)
				}
			}
		}
	}
	if modules < 10 || images < 1 {
		t.Fatalf("%d go.mod files and %d Dockerfiles found", modules, images)
	}
}

// tracked lists the files that belong to the project, as far as their names tell.
func tracked(t *testing.T) []string {
	t.Helper()
	var paths []string
	err := filepath.WalkDir(repository, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(repository, path)
		if err != nil {
			return err
		}
		if entry.IsDir() && slices.Contains([]string{".git", "bin", "logs", "node_modules", "testdata"}, entry.Name()) {
			return filepath.SkipDir
		}
		if entry.Type().IsRegular() && entry.Name() != "go.sum" && entry.Name() != "go.work.sum" {
			paths = append(paths, relative)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return paths
}
