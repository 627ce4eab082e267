package audit

import (
	"strings"
	"testing"
)

func TestWrongFlags(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":         {nil, "give one of --security-group, --subnet, --vpc and --cluster-name"},
		"two subjects":    {[]string{"--vpc=vpc-12345678", "--subnet=subnet-12345678"}, "give one of"},
		"no group":        {[]string{"--security-group=default"}, `--security-group="default": must be sg- followed by`},
		"no subnet":       {[]string{"--subnet=sg-12345678"}, `--subnet="sg-12345678"`},
		"no VPC":          {[]string{"--vpc=vpc-1"}, `--vpc="vpc-1"`},
		"no name":         {[]string{"--cluster-name=a b"}, `--cluster-name="a b"`},
		"no ID":           {[]string{"--cluster-name=a", "--cluster-id=a/b"}, `cluster ID "a/b"`},
		"former of whom":  {[]string{"--cluster-name=a", "--also-owned-cluster-ids=b"}, "--also-owned-cluster-ids says nothing"},
		"no format":       {[]string{"--cluster-name=a", "-o", "yaml"}, `--output="yaml"`},
		"no such flag":    {[]string{"--group=a"}, "--group"},
		"an argument":     {[]string{"--cluster-name=a", "sg-12345678"}, `unexpected argument "sg-12345678"`},
		"no such file":    {[]string{"--cluster-name=a", "--kubeconfig=/no/such/file"}, `--kubeconfig="/no/such/file"`},
		"several at once": {[]string{"--vpc=x", "-o", "yaml"}, `--output="yaml"`},
	} {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := newLab(t).run(test.args...)
			if code != exitUsage || stdout != "" || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and one line with %q", code, stdout, stderr, exitUsage, test.want)
			}
		})
	}
}
