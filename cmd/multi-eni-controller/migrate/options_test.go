package migrate

import (
	"testing"
)

func TestWrongFlags(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":      {nil, "give --dry-run, or --backup=FOLDER"},
		"no such flag": {[]string{"--force"}, "--force"},
		"an argument":  {[]string{"--dry-run", "x"}, `unexpected argument "x"`},
		"no such file": {[]string{"--dry-run", "--kubeconfig=/no/such/file"}, `--kubeconfig="/no/such/file"`},
		"no ID":        {[]string{"--dry-run", "--subnet-id=a="}, `there is no ID for "a"`},
		"no name":      {[]string{"--dry-run", "--subnet-id=a"}, "--subnet-id"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			if stdout := l.want(exitUsage, test.want, test.args...); stdout != "" {
				t.Errorf("stdout %q", stdout)
			}
		})
	}
}
