package shell

import (
	"os/exec"
	"testing"
	"unicode/utf8"
)

func TestCommand(t *testing.T) {
	for want, words := range map[string][]string{
		"kubectl delete nodeeni a":    {"kubectl", "delete", "nodeeni", "a"},
		"aws --name=x 'a b' ''":       {"aws", "--name=x", "a b", ""},
		`echo 'it'\''s; rm -rf $(x)'`: {"echo", "it's; rm -rf $(x)"},
	} {
		if got := Command(words...); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}

// A real shell reads back what was written, whatever it is.
func FuzzQuote(f *testing.F) {
	for _, seed := range []string{"", "a", "a b", "'", `\`, "$(id)", "`id`", "a\nb", "-n", "~", "*", "!x", "é"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, word string) {
		for _, r := range word {
			if r == 0 || r == utf8.RuneError {
				t.Skip("no argument can hold it")
			}
		}
		out, err := exec.CommandContext(t.Context(), "sh", "-c", "printf %s "+Quote(word)).Output()
		if err != nil || string(out) != word {
			t.Errorf("%q reads as %q, %v", word, out, err)
		}
	})
}
