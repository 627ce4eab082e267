package audit

import (
	"errors"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// What could not be asked is told as such, and never as a clean answer.
func TestCouldNotAsk(t *testing.T) {
	denied := func(resource string) func(*lab) {
		return func(l *lab) {
			fails := func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no route") }
			l.core.PrependReactor("*", resource, fails)
			l.enis.PrependReactor("*", resource, fails)
		}
	}
	for name, test := range map[string]struct {
		trouble func(*lab)
		args    []string
		want    string
	}{
		"EC2 denies":       {fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "UnauthorizedOperation"}), []string{"--security-group=" + freeGroup}, "UnauthorizedOperation"},
		"EC2 throttles":    {fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "throttle"}), []string{"--security-group=" + freeGroup}, "throttled"},
		"instances denied": {fault(ec2sim.Fault{Action: "DescribeInstances", Effect: "error", Code: "UnauthorizedOperation"}), []string{"--security-group=" + group}, "describing the instances"},
		"no such subnet":   {func(*lab) {}, []string{"--subnet=subnet-0fffffffffffffff0"}, "there is no subnet subnet-0fffffffffffffff0 in Region us-east-1"},
		"subnets denied":   {fault(ec2sim.Fault{Action: "DescribeSubnets", Effect: "error", Code: "UnauthorizedOperation"}), []string{"--subnet=" + emptyNet}, "describing subnet"},
		"no NodeENIs":      {denied("nodeenis"), []string{"--security-group=" + group}, "listing NodeENIs: no route"},
		"no Nodes":         {denied("nodes"), []string{"--security-group=" + group}, "listing Nodes: no route"},
		"no Lease":         {denied("leases"), []string{"--security-group=" + group}, "reading Lease multi-eni-system/multi-eni-controller: no route"},
		"no identity":      {func(l *lab) { l.core = kubefake.NewClientset() }, []string{"--security-group=" + group}, "kube-system"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			test.trouble(l)
			code, stdout, stderr := l.run(test.args...)
			if code != exitNotAsked || stdout != "" || !strings.Contains(stderr, test.want) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("exit code %d, stdout %q, stderr %q; want %d and one line with %q", code, stdout, stderr, exitNotAsked, test.want)
			}
		})
	}
}

// A throttle, or an answer that is lost, does not end an audit.
func TestReadsAreMadeAgain(t *testing.T) {
	for _, f := range []ec2sim.Fault{{Effect: "throttle"}, {Effect: "cut-before"}, {Effect: "garbage"}} {
		for _, action := range []string{"DescribeNetworkInterfaces", "DescribeInstances", "DescribeSubnets"} {
			l := newLab(t)
			f.Action, f.Times = action, 2
			fault(f)(l)
			subject, want := "--security-group="+group, exitFindings
			if action == "DescribeSubnets" {
				subject, want = "--subnet="+emptyNet, exitClean
			}
			if code, _, stderr := l.run(subject); code != want {
				t.Errorf("%s of %s: exit code %d, %s", f.Effect, action, code, stderr)
			}
		}
	}
}
