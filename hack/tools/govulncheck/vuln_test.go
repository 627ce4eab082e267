// Package govulncheck holds the version of govulncheck, and the tests of how hack/vuln.sh runs it.
package govulncheck

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// database writes a vulnerability database and returns its address.
// Source: https://go.dev/doc/security/vuln/database
func database(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	return "file://" + filepath.ToSlash(dir)
}

func TestVulnSaysWhatItFoundOrThatItCouldNotLook(t *testing.T) {
	const date = `"2026-01-01T00:00:00Z"`
	empty := map[string]string{"index/db.json": `{"modified": ` + date + `}`, "index/modules.json": `[]`}
	bad := map[string]string{
		"index/db.json":      `{"modified": ` + date + `}`,
		"index/modules.json": `[{"path": "stdlib", "vulns": [{"id": "GO-2099-0001", "modified": ` + date + `}]}]`,
		"ID/GO-2099-0001.json": `{
			"schema_version": "1.3.1", "id": "GO-2099-0001", "modified": ` + date + `, "published": ` + date + `,
			"summary": "Made up for a test", "details": "Made up for a test.", "database_specific": {"url": "https://example.org/GO-2099-0001"},
			"affected": [{
				"package": {"name": "stdlib", "ecosystem": "Go"},
				"ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}]}],
				"ecosystem_specific": {"imports": [{"path": "fmt", "symbols": ["Sprintf"]}]}
			}]
		}`,
	}
	for _, test := range []struct {
		name, db string
		code     int
		says     string
	}{
		{"nothing known", database(t, empty), 0, "No vulnerabilities found"},
		{"something known", database(t, bad), 3, "GO-2099-0001"},
		{"no such database", "file:///nowhere/at/all", 1, "NOTHING WAS CHECKED"},
		{"nobody answers", "http://127.0.0.1:1", 1, "The vulnerability database http://127.0.0.1:1 can not be read from here"},
	} {
		t.Run(test.name, func(t *testing.T) {
			command := exec.CommandContext(t.Context(), "../../vuln.sh", "./pkg/eni")
			command.Env = append(os.Environ(), "GOVULNDB="+test.db)
			out, err := command.CombinedOutput()
			code := 0
			var exit *exec.ExitError
			switch {
			case errors.As(err, &exit):
				code = exit.ExitCode()
			case err != nil:
				t.Fatal(err)
			}
			if code != test.code || !strings.Contains(string(out), test.says) {
				t.Errorf("exit code %d, want %d; it said, which should have %q:\n%s", code, test.code, test.says, out)
			}
		})
	}
}
