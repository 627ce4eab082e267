package e2e

import (
	"context"
	"debug/buildinfo"
	"errors"
	"os/exec"
	"regexp"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// runController runs the program to its end.
func runController(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	command := exec.CommandContext(ctx, shared.binaries.Controller, args...)
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	err := command.Run()
	if _, isExit := errors.AsType[*exec.ExitError](err); err != nil && !isExit {
		t.Fatal(err)
	}
	return command.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestWrongFlags(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string // in the one line
	}{
		"nothing":              {nil, "--cluster-name"},
		"unknown flag":         {[]string{"--cluster-name=x", "--no-such-flag"}, "no-such-flag"},
		"an argument":          {[]string{"--cluster-name=x", "start"}, `"start"`},
		"bad cluster name":     {[]string{"--cluster-name=my cluster"}, "--cluster-name"},
		"the manifest's own":   {[]string{"--cluster-name=<CHANGE-ME>"}, "--cluster-name"},
		"bad cluster ID":       {[]string{"--cluster-name=x", "--cluster-id=-x"}, "--cluster-id"},
		"bad former ID":        {[]string{"--cluster-name=x", "--also-owned-cluster-ids=ok,not/ok"}, "--also-owned-cluster-ids"},
		"no duration":          {[]string{"--cluster-name=x", "--ec2-resync-period=5"}, "ec2-resync-period"},
		"period too short":     {[]string{"--cluster-name=x", "--ec2-resync-period=0s"}, "--ec2-resync-period"},
		"negative horizon":     {[]string{"--cluster-name=x", "--ec2-visibility-horizon=-1s"}, "--ec2-visibility-horizon"},
		"no attach workers":    {[]string{"--cluster-name=x", "--concurrent-attach-syncs=0"}, "--concurrent-attach-syncs"},
		"no cleanup workers":   {[]string{"--cluster-name=x", "--concurrent-cleanup-syncs=0"}, "--concurrent-cleanup-syncs"},
		"no calls":             {[]string{"--cluster-name=x", "--kube-api-qps=0"}, "--kube-api-qps"},
		"bad address":          {[]string{"--cluster-name=x", "--http-bind-address=8080"}, "--http-bind-address"},
		"bad log format":       {[]string{"--cluster-name=x", "--logging-format=xml"}, "xml"},
		"election out of tune": {[]string{"--cluster-name=x", "--leader-elect-lease-duration=1s"}, "--leader-elect-lease-duration"},
		"no such kubeconfig":   {[]string{"--cluster-name=x", "--kubeconfig=/no/such/file"}, "/no/such/file"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			code, stdout, stderr := runController(t, test.args...)
			if code != 2 {
				t.Errorf("exit code %d, want 2", code)
			}
			if strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, test.want) {
				t.Errorf("want one line that names %s, stderr is:\n%s", test.want, stderr)
			}
			if stdout != "" {
				t.Errorf("stdout is:\n%s", stdout)
			}
		})
	}
}

// Each lab looks for data races in the logs: the program must be one that tells of them.
func TestControllerDetectsRaces(t *testing.T) {
	info, err := buildinfo.ReadFile(shared.binaries.Controller)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Errorf("built with %v", info.Settings)
	}
}

func TestVersion(t *testing.T) {
	code, stdout, stderr := runController(t, "--version")
	if code != 0 || stderr != "" || !regexp.MustCompile(`^multi-eni-controller v\d+\.\d+\.\d+\S*\n$`).MatchString(stdout) {
		t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
	}
	if strings.Contains(stdout, "$Format") || strings.Contains(stdout, "v0.0.0-master") {
		t.Errorf("the binary does not know its version: %q", stdout)
	}
}

// The manifests apply as a whole, once more without any change, and hold all that the controller needs.
func TestManifestsApply(t *testing.T) {
	manifests := shared.repo + "/manifests"
	output, err := shared.cluster.Kubectl.Run(t.Context(), "apply", "-f", manifests)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"namespace/" + sandbox.Namespace,
		"customresourcedefinition.apiextensions.k8s.io/nodeenis.networking.k8s.aws",
		"serviceaccount/" + sandbox.ServiceAccount,
		"clusterrole.rbac.authorization.k8s.io/" + sandbox.ServiceAccount,
		"clusterrolebinding.rbac.authorization.k8s.io/" + sandbox.ServiceAccount,
		"deployment.apps/" + sandbox.ServiceAccount,
	} {
		if !strings.Contains(output, want) {
			t.Errorf("kubectl apply does not make %s:\n%s", want, output)
		}
	}
	before := versions(t, manifests)
	again, err := shared.cluster.Kubectl.Run(t.Context(), "apply", "-f", manifests)
	if err != nil {
		t.Fatalf("applied again: %v", err)
	}
	for line := range strings.Lines(again) {
		// A budget's selector is replaced as a whole, so that kubectl always has a patch for it, of whatever
		// effect: the versions tell.
		if !strings.HasSuffix(strings.TrimSpace(line), " unchanged") && !strings.HasPrefix(line, "poddisruptionbudget.policy/") {
			t.Errorf("applied again, it changes something: %s", line)
		}
	}
	if diff := gocmp.Diff(before, versions(t, manifests)); diff != "" || !strings.Contains(before, sandbox.ServiceAccount) {
		t.Errorf("versions, applied again (-before +after):\n%s", diff)
	}
}

// versions are the resource versions of all objects of the manifests.
func versions(t *testing.T, manifests string) string {
	t.Helper()
	output, err := shared.cluster.Kubectl.Run(t.Context(), "get", "-f", manifests,
		"-o", `jsonpath={range .items[*]}{.kind}/{.metadata.name} {.metadata.resourceVersion}{"\n"}{end}`)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

// What the Deployment passes to the controller, the controller understands.
func TestDeploymentsFlagsAreUnderstood(t *testing.T) {
	deployment, err := shared.cluster.Kube.AppsV1().Deployments(sandbox.Namespace).Get(t.Context(), sandbox.ServiceAccount, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	args := deployment.Spec.Template.Spec.Containers[0].Args
	code, _, stderr := runController(t, append(args, "--version")...)
	if len(args) == 0 || code != 0 {
		t.Errorf("args %q: exit code %d, %s", args, code, stderr)
	}
}

// The controller's ServiceAccount may do its work and nothing that would make it an administrator.
func TestServiceAccountIsNoAdministrator(t *testing.T) {
	as := "--as=system:serviceaccount:" + sandbox.Namespace + ":" + sandbox.ServiceAccount
	can := func(verb, resource string) string {
		output, err := shared.cluster.Kubectl.Run(t.Context(), "auth", "can-i", verb, resource, as)
		if _, isExit := errors.AsType[*exec.ExitError](err); err != nil && !isExit {
			t.Fatal(err)
		}
		return strings.TrimSpace(output)
	}
	for _, allowed := range [][2]string{{"list", "nodes"}, {"watch", "nodeenis.networking.k8s.aws"}, {"patch", "nodeenis.networking.k8s.aws/status"}} {
		if got := can(allowed[0], allowed[1]); got != "yes" {
			t.Errorf("may it %s? %q", allowed, got)
		}
	}
	for _, denied := range [][2]string{{"get", "secrets"}, {"delete", "nodes"}, {"update", "nodes"}, {"create", "pods"}, {"create", "nodeenis.networking.k8s.aws"}, {"delete", "nodeenis.networking.k8s.aws"}, {"*", "*"}} {
		if got := can(denied[0], denied[1]); got != "no" {
			t.Errorf("may it %s? %q", denied, got)
		}
	}
}
