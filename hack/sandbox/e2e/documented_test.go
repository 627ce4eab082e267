package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// commandsIn are the lines of a document that are commands with a beginning. What a comment or an indentation puts
// before them does not count.
func commandsIn(t *testing.T, beginning string, path ...string) (lines []string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{shared.repo}, path...)...))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(data)) {
		if line = strings.TrimLeft(strings.TrimSpace(line), "# "); strings.HasPrefix(line, beginning) {
			line, _, _ = strings.Cut(line, "  #")
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// fieldsOf are the arguments of a documented command, as a shell splits them, less the program.
func fieldsOf(line string) []string {
	return strings.Fields(strings.ReplaceAll(line, "'", ""))[1:]
}
