package app

import (
	"bytes"
	"strings"
	"testing"

	"k8s.io/component-base/version"
)

func TestWrongFlagsEndInOneLineAndExitCodeTwo(t *testing.T) {
	for _, test := range []struct {
		name string
		args []string
		want string
	}{
		{"no cluster name", nil, "--cluster-name is required"},
		{"malformed cluster name", []string{"--cluster-name=a b"}, `--cluster-name="a b"`},
		{"cluster name too long", []string{"--cluster-name=" + strings.Repeat("a", 101)}, "--cluster-name="},
		{"malformed cluster ID", []string{"--cluster-name=a", "--cluster-id=-x"}, `--cluster-id="-x"`},
		{"malformed earlier cluster ID", []string{"--cluster-name=a", "--also-owned-cluster-ids=b,c/d"}, `--also-owned-cluster-ids: "c/d"`},
		{"no attach workers", []string{"--cluster-name=a", "--concurrent-attach-syncs=0"}, "--concurrent-attach-syncs=0: must be at least 1"},
		{"no cleanup workers", []string{"--cluster-name=a", "--concurrent-cleanup-syncs=-1"}, "--concurrent-cleanup-syncs=-1: must be at least 1"},
		{"no calls", []string{"--cluster-name=a", "--kube-api-qps=0"}, "--kube-api-qps=0: must be more than 0"},
		{"no burst", []string{"--cluster-name=a", "--kube-api-burst=0"}, "--kube-api-burst=0: must be at least 1"},
		{"resync too often", []string{"--cluster-name=a", "--ec2-resync-period=1s"}, "--ec2-resync-period=1s: must be at least 5s"},
		{"negative horizon", []string{"--cluster-name=a", "--ec2-visibility-horizon=-1s"}, "--ec2-visibility-horizon=-1s"},
		{"no create deadline", []string{"--cluster-name=a", "--ec2-create-deadline=0s"}, "--ec2-create-deadline=0s: must be more than 0"},
		{"no horizon", []string{"--cluster-name=a", "--ec2-visibility-horizon=0s"}, "--ec2-visibility-horizon=0s: must be more than 0"},
		{"no share", []string{"--cluster-name=a", "--mass-release-threshold=half"}, `"half" is no share of 0% to 100%`},
		{"malformed taint", []string{"--cluster-name=a", "--node-readiness-taint=a/b/c"}, `--node-readiness-taint="a/b/c"`},
		{"retaint without a taint", []string{"--cluster-name=a", "--retaint"}, "--retaint is of no use without --node-readiness-taint"},
		{"malformed address", []string{"--cluster-name=a", "--http-bind-address=8080"}, `--http-bind-address="8080"`},
		{"debug port for everybody", []string{"--cluster-name=a", "--debug-bind-address=:8081"}, `--debug-bind-address=":8081": must be a loopback address`},
		{"lease shorter than its renewal", []string{"--cluster-name=a", "--leader-elect-lease-duration=5s"}, "--leader-elect-lease-duration=5s"},
		{"another kind of lock", []string{"--cluster-name=a", "--leader-elect-resource-lock=configmaps"}, `--leader-elect-resource-lock="configmaps"`},
		{"unnamed lease", []string{"--cluster-name=a", "--leader-elect-resource-name="}, "--leader-elect-resource-name is empty"},
		{"unknown flag", []string{"--cluster-name=a", "--no-such-flag"}, "--no-such-flag"},
		{"malformed number", []string{"--cluster-name=a", "--concurrent-attach-syncs=many"}, "--concurrent-attach-syncs"},
		{"no such kubeconfig", []string{"--cluster-name=a", "--kubeconfig=/no/such/file"}, `--kubeconfig="/no/such/file"`},
		{"an argument", []string{"--cluster-name=a", "run"}, `unexpected argument "run"`},
		{"unknown log format", []string{"--cluster-name=a", "--logging-format=xml"}, "xml"},
		{"two mistakes", []string{"--concurrent-attach-syncs=0"}, "--cluster-name is required"},
	} {
		t.Run(test.name, func(t *testing.T) {
			var stdout, stderr bytes.Buffer
			if code := Main(t.Context(), test.args, &stdout, &stderr); code != exitUsage {
				t.Errorf("exit code %d, want %d", code, exitUsage)
			}
			if got := stderr.String(); !strings.Contains(got, test.want) || strings.Count(got, "\n") != 1 {
				t.Errorf("stderr is %q, want one line with %q", got, test.want)
			}
			if stdout.Len() > 0 {
				t.Errorf("stdout is %q, want nothing", stdout.String())
			}
		})
	}
}

func TestVersionAndHelpGoToStandardOutput(t *testing.T) {
	for flag, want := range map[string]string{"--version": programName + " " + version.Get().String() + "\n", "--help": "--cluster-name"} {
		var stdout, stderr bytes.Buffer
		if code := Main(t.Context(), []string{flag}, &stdout, &stderr); code != exitOK {
			t.Errorf("%s: exit code %d, want 0", flag, code)
		}
		if !strings.Contains(stdout.String(), want) || stderr.Len() > 0 {
			t.Errorf("%s: stdout %q, stderr %q; want %q on stdout only", flag, stdout.String(), stderr.String(), want)
		}
	}
}

func TestDefaultsAreValidWithAClusterName(t *testing.T) {
	o := NewOptions()
	o.ClusterName = "prod.eu-west-1"
	if err := o.Validate(); err != nil {
		t.Error(err)
	}
}
