package place

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/upkeephq/upkeep/services/setup/internal/render"
)

// tree is every file below a folder with its content.
func tree(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		files[strings.TrimPrefix(path, dir+"/")] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func put(t *testing.T, dir string, files ...render.File) []string {
	t.Helper()
	staged, err := Stage(dir, files)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := Commit(staged, dir, files, []string{"secrets"})
	if err != nil {
		t.Fatal(err)
	}
	return kept
}

func TestFilesAreReplacedKeptAndSwept(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, render.File{Path: "secrets/old", Content: []byte("x")}, render.File{Path: "a/config", Content: []byte("1"), Reader: render.Everybody},
		render.File{Path: "a/password", Content: []byte("first"), Keep: true})
	kept := put(t, dir, render.File{Path: "secrets/new", Content: []byte("y")}, render.File{Path: "a/config", Content: []byte("2"), Reader: render.Everybody},
		render.File{Path: "a/password", Content: []byte("second"), Keep: true})
	got := tree(t, dir)
	want := map[string]string{"secrets/new": "y", "a/config": "2", "a/password": "first"}
	if len(got) != len(want) {
		t.Errorf("%v", got)
	}
	for path, content := range want {
		if got[path] != content {
			t.Errorf("%s holds %q, want %q", path, got[path], content)
		}
	}
	if !slices.Equal(kept, []string{"a/password"}) {
		t.Errorf("kept %v", kept)
	}
	// given by its owner it is replaced, and an empty one is none
	put(t, dir, render.File{Path: "a/password", Content: []byte("given")})
	if got := tree(t, dir)["a/password"]; got != "given" {
		t.Errorf("password %q", got)
	}
	put(t, dir, render.File{Path: "a/password"})
	put(t, dir, render.File{Path: "a/password", Content: []byte("made"), Keep: true})
	if got := tree(t, dir)["a/password"]; got != "made" {
		t.Errorf("password %q", got)
	}
}

func TestModesAndOwners(t *testing.T) {
	previous := syscall.Umask(0o077)
	defer syscall.Umask(previous)
	files := []render.File{{Path: "d/open", Reader: render.Everybody}, {Path: "d/secret", Reader: render.Grafana}}
	staged, err := Stage(t.TempDir(), files)
	if err != nil {
		t.Fatal(err)
	}
	owners := map[string]int{}
	if err := HandOver(staged, files, func(path string, uid int) error {
		owners[filepath.Base(path)] = uid
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{"d/open": 0o444, "d/secret": 0o400} {
		info, err := os.Stat(filepath.Join(staged, name))
		if err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v %v, want %v", name, info.Mode(), err, want)
		}
	}
	if len(owners) != 1 || owners["secret"] != 472 {
		t.Errorf("owners %v", owners)
	}
}

func TestFoldersCanBeEntered(t *testing.T) {
	previous := syscall.Umask(0o077)
	defer syscall.Umask(previous)
	dir := t.TempDir()
	put(t, dir, render.File{Path: "secrets/x", Content: []byte("x")})
	for _, folder := range []string{"secrets"} {
		if info, err := os.Stat(filepath.Join(dir, folder)); err != nil || info.Mode().Perm() != 0o755 {
			t.Errorf("%s: %v %v: other users cannot get in", folder, info.Mode(), err)
		}
	}
}

func TestNothingIsLeftOfAFailedRun(t *testing.T) {
	dir := t.TempDir()
	put(t, dir, render.File{Path: "a", Content: []byte("old")})
	// the second file cannot be written, since the first is where its folder would be
	if _, err := Stage(dir, []render.File{{Path: "a", Content: []byte("new")}, {Path: "a/b"}}); err == nil {
		t.Error("no error")
	}
	no := errors.New("not allowed")
	if err := HandOver(dir, []render.File{{Path: "a"}}, func(string, int) error { return no }); !errors.Is(err, no) {
		t.Errorf("%v", err)
	}
	if got := tree(t, dir); len(got) != 1 || got["a"] != "old" {
		t.Errorf("%v", got)
	}
	if err := os.MkdirAll(filepath.Join(dir, ".new-123", "secrets"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := Abandoned(dir); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}
