package ec2sim

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var documentedFilter = regexp.MustCompile(`(?m)^\t//   - ([a-z0-9.-]+) - `)

// TestDocumentedFilters: every filter that the SDK documents for a describe is known.
func TestDocumentedFilters(t *testing.T) {
	t.Parallel()
	dir, err := sdkFolder()
	if err != nil {
		t.Fatal(err)
	}
	for action, knows := range describesByFilter {
		source, err := os.ReadFile(filepath.Join(dir, "api_op_"+action+".go"))
		if err != nil {
			t.Fatal(err)
		}
		_, input, _ := strings.Cut(string(source), "type "+action+"Input struct")
		input, _, ok := strings.Cut(input, "Filters []types.Filter")
		found := documentedFilter.FindAllStringSubmatch(input, -1)
		if !ok || len(found) < 3 {
			t.Errorf("%s documents only %d filters", action, len(found))
		}
		for _, m := range found {
			// tag:KEY is written with a space in between.
			if !knows(m[1]) && m[1] != "tag" {
				t.Errorf("%s does not know the filter %s", action, m[1])
			}
		}
	}
}
