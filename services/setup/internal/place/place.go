// Package place writes rendered files where their readers find them: first all of them aside, then, when they are found
// good, each to its place by a rename, so that a reader sees an old file or a new one and never half of one.
package place

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/upkeephq/upkeep/services/setup/internal/render"
)

// Stage writes the files below a new folder beside their later places and returns that folder. They still belong to this
// process, which may read them.
func Stage(dir string, files []render.File) (staged string, err error) {
	if err := folder(dir); err != nil {
		return "", fmt.Errorf("make CONFIG_DIR: %w", err)
	}
	staged, err = os.MkdirTemp(dir, ".new-")
	if err != nil {
		return "", fmt.Errorf("write into CONFIG_DIR: %w", err)
	}
	for _, f := range files {
		if err := write(filepath.Join(staged, f.Path), f); err != nil {
			return "", errors.Join(err, os.RemoveAll(staged))
		}
	}
	return staged, nil
}

// folder makes a folder and those above it, for all users to enter whatever the umask says: what they may read, each file
// says for itself.
func folder(path string) error {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return nil
	}
	if err := folder(filepath.Dir(path)); err != nil {
		return err
	}
	if err := os.Mkdir(path, 0o755); err != nil { //nolint:gosec // see above
		return err
	}
	return os.Chmod(path, 0o755) //nolint:gosec // see above
}

func write(path string, f render.File) error {
	if err := folder(filepath.Dir(path)); err != nil {
		return fmt.Errorf("make the folder of %s: %w", f.Path, err)
	}
	mode := fs.FileMode(0o400)
	if f.Reader == render.Everybody {
		mode = 0o444
	}
	out, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	_, err = out.Write(f.Content)
	if err = errors.Join(err, out.Chmod(mode), out.Sync(), out.Close()); err != nil {
		return fmt.Errorf("write %s: %w", f.Path, err)
	}
	return nil
}

// Owner gives a file to a user. A variable of the caller, since only root may do that.
type Owner func(path string, uid int) error

// Chown is the Owner for a process that may give files away.
func Chown(path string, uid int) error { return os.Lchown(path, uid, -1) }

// HandOver gives each staged file that is for one reader to that reader. From then on this process cannot read it, unless it
// may read everything.
func HandOver(staged string, files []render.File, owner Owner) error {
	for _, f := range files {
		if f.Reader == render.Everybody {
			continue
		}
		if err := owner(filepath.Join(staged, f.Path), int(f.Reader)); err != nil {
			return fmt.Errorf("hand %s over to its reader: %w", f.Path, err)
		}
	}
	return nil
}

// Commit moves the staged files to their places in the order given, leaves those alone that are to be kept, and removes from
// the owned folders what was not rendered. It returns the paths of the files that were kept.
func Commit(staged, dir string, files []render.File, owned []string) (kept []string, err error) {
	defer func() { err = errors.Join(err, os.RemoveAll(staged)) }()
	for _, f := range files {
		to := filepath.Join(dir, f.Path)
		if f.Keep {
			if there, err := os.Lstat(to); err == nil && there.Mode().IsRegular() && there.Size() > 0 {
				kept = append(kept, f.Path)
				continue
			}
		}
		if err := folder(filepath.Dir(to)); err != nil {
			return kept, fmt.Errorf("make the folder of %s: %w", f.Path, err)
		}
		if err := os.Rename(filepath.Join(staged, f.Path), to); err != nil {
			return kept, fmt.Errorf("put %s in its place: %w", f.Path, err)
		}
	}
	for _, folder := range owned {
		if err := sweep(dir, folder, files); err != nil {
			return kept, err
		}
	}
	return kept, nil
}

// sweep removes what lies in a folder and is not among the files: a receiver that was taken out leaves no secret behind.
func sweep(dir, folder string, files []render.File) error {
	there, err := os.ReadDir(filepath.Join(dir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for old files in %s: %w", folder, err)
	}
	for _, entry := range there {
		path := filepath.Join(folder, entry.Name())
		if slices.ContainsFunc(files, func(f render.File) bool { return filepath.Clean(f.Path) == path }) {
			continue
		}
		if err := os.RemoveAll(filepath.Join(dir, path)); err != nil {
			return fmt.Errorf("remove the old %s: %w", path, err)
		}
	}
	return nil
}

// Abandoned removes what an earlier run left when it was killed half way.
func Abandoned(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, ".new-*"))
	for _, path := range left {
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}
