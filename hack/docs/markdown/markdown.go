// Package markdown keeps parts of Markdown files that programs write. A part stands between two lines,
//
//	<!-- NAME: written by make update -->
//	<!-- NAME: end -->
package markdown

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Files are the Markdown files of the project below its root, sorted.
func Files(root string) (files []string, err error) {
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		hidden := strings.HasPrefix(entry.Name(), ".") && path != root && entry.Name() != ".github"
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (hidden || entry.Name() == "node_modules"):
			return fs.SkipDir
		case !entry.IsDir() && strings.HasSuffix(path, ".md"):
			files = append(files, path)
		}
		return nil
	})
	slices.Sort(files)
	return files, err
}

// Begin is the line above a part.
func Begin(name string) string { return "<!-- " + name + ": written by make update -->\n" }

func end(name string) string { return "<!-- " + name + ": end -->\n" }

// Replace writes a part of a text anew. It reports false where the text has no such part.
func Replace(text, name, content string) (replaced string, found bool, err error) {
	before, rest, begins := strings.Cut(text, Begin(name))
	if !begins {
		return text, false, nil
	}
	_, after, ends := strings.Cut(rest, end(name))
	if !ends {
		return text, false, fmt.Errorf("the part %s has no end: add the line %q", name, strings.TrimSpace(end(name)))
	}
	return before + Begin(name) + content + end(name) + after, true, nil
}
