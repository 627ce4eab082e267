package image

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
)

// contextOf copies what a builder gets to see: the repository less what .dockerignore keeps out.
func contextOf(t *testing.T, folder string) {
	t.Helper()
	file, err := os.Open(filepath.Join(root, ".dockerignore"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	if err != nil {
		t.Fatal(err)
	}
	ignored, err := patternmatcher.New(patterns)
	if err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if strings.HasPrefix(relative, ".git") || relative == ".bin" || relative == "hack" {
				return fs.SkipDir // large, and looked at below
			}
			return nil
		}
		if out, err := ignored.MatchesOrParentMatches(relative); err != nil || out {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		target := filepath.Join(folder, relative)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		return os.WriteFile(target, data, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{".git/config", ".bin/multi-eni-controller", "hack/sandbox/go.mod"} {
		if out, err := ignored.MatchesOrParentMatches(path); err != nil || !out {
			t.Errorf("%s gets into the build's context: %v", path, err)
		}
	}
}

// buildIn calls make as the Dockerfile does, and returns the hash of the controller.
func buildIn(t *testing.T, folder string, environment ...string) string {
	t.Helper()
	output := t.TempDir()
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "build", "BIN="+output)
	command.Dir = folder
	for _, variable := range os.Environ() {
		if !strings.HasPrefix(variable, "MAKE") { // this make is nobody's child
			command.Env = append(command.Env, variable)
		}
	}
	command.Env = append(append(command.Env, "VERSION=v1.2.3", "COMMIT=0123abcd", "COMMIT_DATE=2026-01-02T03:04:05Z", "TREE_STATE=clean"), environment...)
	if text, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make build: %v\n%s", err, text)
	}
	data, err := os.ReadFile(filepath.Join(output, "multi-eni-controller"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte("v1.2.3")) {
		t.Error("the binary does not know the version that it was given")
	}
	if at := bytes.Index(data, []byte(folder)); at >= 0 {
		t.Errorf("the binary has the name of the folder in which it was built: %q", data[at:min(len(data), at+100)])
	}
	hash := sha256.Sum256(data)
	return hex.EncodeToString(hash[:])
}

// The same source makes the same bytes, wherever, whenever and by whomever it is built: from what a builder gets to see,
// in two folders, at two times, in two time zones.
func TestBuildsAreReproducible(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	contextOf(t, first)
	contextOf(t, second)
	once, again := buildIn(t, first, "TZ=UTC0", "USER=one"), buildIn(t, second, "TZ=Asia/Tokyo", "USER=two", "LANG=C")
	if once != again {
		t.Errorf("two builds of one source differ: %s, %s", once, again)
	}
}
