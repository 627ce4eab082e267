package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// audited is what a test reads of an audit's JSON.
type audited struct {
	JudgedBy   string
	Clean      bool
	Interfaces []struct {
		InterfaceID, Whose, Why, Next, AttachmentID string
	}
}

// command runs a command of the program, and demands its exit code and silence on standard error.
func (l *lab) command(want int, args ...string) string {
	l.Helper()
	code, stdout, stderr, err := sandbox.RunCommand(l.ctx, shared.binaries, l.sim.URL, args...)
	l.must(err)
	if code != want || (want == 0 && stderr != "") || strings.Contains(stderr, "DATA RACE") {
		l.Fatalf("%q: exit code %d, want %d\n%s%s", args, code, want, stdout, stderr)
	}
	return stdout + stderr
}

// inReadme are the commands of the program that a section of the README shows, in the words of the test.
func (l *lab) inReadme(section string, words ...string) (commands [][]string) {
	l.Helper()
	readme, err := os.ReadFile(filepath.Join(shared.repo, "README.md"))
	l.must(err)
	_, text, found := strings.Cut(string(readme), "\n## "+section+"\n")
	if !found {
		l.Fatalf("the README has no section %q", section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for line := range strings.Lines(strings.NewReplacer(words...).Replace(text)) {
		if args, ok := strings.CutPrefix(line, "multi-eni-controller "); ok {
			commands = append(commands, strings.Fields(args))
		}
	}
	return commands
}

// audit asks for JSON.
func (l *lab) audit(want int, args ...string) audited {
	l.Helper()
	var report audited
	output := l.command(want, append([]string{"audit", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(output), &report); err != nil {
		l.Fatalf("%v: %s", err, output)
	}
	return report
}

// whose counts the interfaces of an audit by owner.
func (a audited) whose() map[string]int {
	count := map[string]int{}
	for _, i := range a.Interfaces {
		count[i.Whose]++
	}
	return count
}

// everybody is an interface of each that may hold a security group, beside ours and the instances' own.
func everybody(l *lab) {
	l.Helper()
	for _, iface := range []ec2sim.Interface{
		{Tags: map[string]string{"kubernetes.io/cluster/managed-by": "nodeeni-controller", "NodeENI": "old", "Node": "node1"}},
		{Tags: map[string]string{"node.k8s.amazonaws.com/instance_id": sandbox.InstanceID(1)}, Description: "aws-K8S-" + sandbox.InstanceID(1)},
		{Requester: "amazon-elb", Description: "ELB app/web/50dc6c495c0c9188"},
		{},
	} {
		iface.Subnet, iface.SecurityGroups = sandbox.SubnetB, []string{sandbox.Workers}
		_, err := l.sim.AddInterface(l.ctx, iface)
		l.must(err)
	}
}

// The whole way from "DependencyViolation" to "nothing is left": the audit has no more rights than the controller, and
// what it says to do next is done until it finds nothing of ours.
func TestAudit(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	everybody(l)
	controller := l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	kubeconfig := "--kubeconfig=" + l.kubeconfig
	shown := l.inReadme("Who holds my security group", "$HOME/.kube/config", l.kubeconfig, "prod", sandbox.ClusterName)
	if len(shown) != 3 {
		t.Fatalf("the README shows %q", shown)
	}
	table := l.command(1, shown[0]...)
	if tags := l.command(1, shown[1]...); !strings.Contains(tags, "Judged by tags only, ours being those of a cluster sandbox") {
		t.Errorf("without the cluster:\n%s", tags)
	}
	if left := l.command(0, shown[2]...); !strings.Contains(left, `"whose": "OursWanted"`) {
		t.Errorf("of the cluster:\n%s", left)
	}
	for _, want := range []string{
		"Judged by what cluster sandbox (ID " + l.id + ") wants.", "INTERFACE", "ours, wanted", "NodeENI a wants it on Node node2, with this security group alone",
		"the community controller's", "the VPC CNI's", "the instance's", "AWS's", "nobody's", "\nNext:\n", "kubectl edit nodeeni a   # eni-", "aws elbv2 describe-load-balancers --names web",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("the table does not say %q:\n%s", want, table)
		}
	}
	byCluster := l.audit(1, "--security-group="+sandbox.Workers, kubeconfig)
	byTags := l.audit(1, "--security-group="+sandbox.Workers, "--cluster-name="+sandbox.ClusterName)
	for _, test := range []struct {
		got  audited
		by   string
		ours string
	}{{byCluster, "cluster", "OursWanted"}, {byTags, "tags", "Ours"}} {
		count := test.got.whose()
		if test.got.JudgedBy != test.by || test.got.Clean || count[test.ours] != 2 || count["Instance"] != 2 || len(test.got.Interfaces) != 8 {
			t.Errorf("judged by %s: %v", test.got.JudgedBy, count)
		}
	}
	l.command(0, "audit", "--security-group="+sandbox.Storage, kubeconfig)
	if report := l.audit(0, "--cluster-name="+sandbox.ClusterName, kubeconfig); !report.Clean || report.whose()["OursWanted"] != 2 {
		t.Errorf("all is wanted: %+v", report)
	}

	// The wrong order: the controller goes first, and the finalizer by hand.
	l.must(controller.Stop(l.ctx, 15*time.Second))
	l.delete("a")
	l.eventually("told that nobody releases", func(context.Context) error { return l.releasing(kubeconfig) })
	_, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(l.ctx, "a", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	l.must(err)
	l.gone("a")
	l.followTheAudit(kubeconfig)
	if table := l.command(0, "audit", "--cluster-name="+sandbox.ClusterName, kubeconfig); !strings.Contains(table, "Nothing is left of cluster sandbox") {
		t.Error(table)
	}
}

// releasing demands that both interfaces are known to be on their way out, without anybody to see to it.
func (l *lab) releasing(kubeconfig string) error {
	l.Helper()
	report := l.audit(1, "--cluster-name="+sandbox.ClusterName, kubeconfig)
	if count := report.whose(); count["OursReleasing"] != 2 {
		return fmt.Errorf("%v", count)
	}
	if next := report.Interfaces[0].Next; next != "kubectl -n multi-eni-system get pods" {
		return fmt.Errorf("the next command is %q", next)
	}
	return nil
}

var (
	detachLine = regexp.MustCompile(`^aws ec2 detach-network-interface --attachment-id (\S+)$`)
	deleteLine = regexp.MustCompile(`^aws ec2 delete-network-interface --network-interface-id (\S+)$`)
)

// followTheAudit does what the audit says to do next with what is leaked, until it finds nothing.
func (l *lab) followTheAudit(kubeconfig string) {
	l.Helper()
	var done []string
	l.eventually("cleaned up as the audit says", func(context.Context) error {
		code, stdout, stderr, err := sandbox.RunCommand(l.ctx, shared.binaries, l.sim.URL, "audit", "-o", "json", "--cluster-name="+sandbox.ClusterName, kubeconfig)
		if err != nil || code == 0 {
			return err
		}
		var report audited
		if err := json.Unmarshal([]byte(stdout), &report); err != nil {
			return fmt.Errorf("%w: %s%s", err, stdout, stderr)
		}
		for _, i := range report.Interfaces {
			if i.Whose != "OursLeaked" || slices.Contains(done, i.Next) {
				continue
			}
			done = append(done, i.Next)
			switch {
			case detachLine.MatchString(i.Next):
				l.must(l.sim.Hand().Detach(l.ctx, detachLine.FindStringSubmatch(i.Next)[1]))
			case deleteLine.MatchString(i.Next):
				l.must(l.sim.Delete(l.ctx, deleteLine.FindStringSubmatch(i.Next)[1]))
			default:
				l.Fatalf("nobody can follow %q", i.Next)
			}
		}
		return fmt.Errorf("left: %+v", report.Interfaces)
	})
	if len(done) != 4 {
		l.Errorf("two detaches and two deletes, and these were done: %q", done)
	}
}

// What can not be asked is told by the exit code, and never as a clean answer.
func TestAuditExitCodes(t *testing.T) {
	l := newLab(t, machines(1)...)
	l.command(0, "audit", "--help")
	l.command(2, "audit", "--security-group=default")
	l.command(3, "audit", "--subnet=subnet-0fffffffffffffff0")
	l.must(l.sim.AddFault(l.ctx, ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "InvalidParameterValue"}))
	l.command(3, "audit", "--security-group="+sandbox.Workers)
}
