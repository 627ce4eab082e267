package audit

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	k8stesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
)

func TestAuditOfASecurityGroup(t *testing.T) {
	l := newLab(t)
	got, report := l.whose(exitFindings, "--security-group="+group)
	want := map[string]audit.Whose{
		"1": audit.OursWanted, "2": audit.OursLeaked, "3": audit.OtherCluster, "4": audit.CommunityController,
		"5": audit.VPCCNI, "6": audit.AWS, "7": audit.Nobody,
	}
	if diff := gocmp.Diff(want, got); diff != "" || report.JudgedBy != "cluster" || report.ClusterID != "c1" {
		t.Errorf("by %s, cluster %s (-want +got):\n%s", report.JudgedBy, report.ClusterID, diff)
	}
	for action := range l.sim.Calls() {
		if !strings.HasPrefix(action, "Describe") {
			t.Errorf("it called %s", action)
		}
	}
	for _, a := range slices.Concat(l.core.Actions(), l.enis.Actions()) {
		if a.GetVerb() != "get" && a.GetVerb() != "list" {
			t.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	}
}

func TestAuditWithoutACluster(t *testing.T) {
	l := newLab(t)
	l.none = true
	got, report := l.whose(exitFindings, "--security-group="+group)
	if got["1"] != audit.OtherCluster || report.JudgedBy != "tags" {
		t.Errorf("nobody said whose are ours: %v, by %s", got, report.JudgedBy)
	}
	got, report = l.whose(exitFindings, "--vpc=vpc-0aaaaaaaaaaaaaaa1", "--cluster-id=c1")
	if got["1"] != audit.Ours || got["3"] != audit.OtherCluster || len(report.Interfaces) != 8 { // with the instance's primary one
		t.Errorf("by ID: %v", got)
	}
	if got, _ := l.whose(exitFindings, "--subnet="+subnet, "--cluster-name=prod"); got["1"] != audit.Ours || got["3"] != audit.Ours {
		t.Errorf("by name: %v", got)
	}
	if got, _ := l.whose(exitFindings, "--cluster-name=prod"); len(got) != 3 || got["1"] != audit.Ours {
		t.Errorf("of the cluster: %v", got)
	}
}

// Of a cluster, what is wanted is no finding.
func TestAuditOfACluster(t *testing.T) {
	l := newLab(t)
	got, _ := l.whose(exitFindings, "--cluster-name=prod")
	if diff := gocmp.Diff(map[string]audit.Whose{"1": audit.OursWanted, "2": audit.OursLeaked, "3": audit.OtherCluster}, got); diff != "" {
		t.Error(diff)
	}
	for _, digit := range []string{"2", "3"} {
		l.deleteInterface("eni-0aaaaaaaaaaaaaaa" + digit)
	}
	if code, stdout, _ := l.run("--cluster-name=prod"); code != exitClean || !strings.Contains(stdout, "Every interface of cluster prod in us-east-1 is wanted: 1.") {
		t.Errorf("only what is wanted: exit code %d, %s", code, stdout)
	}
	if code, stdout, _ := l.run("--cluster-name=none"); code != exitClean || !strings.Contains(stdout, "Nothing is left of cluster none in us-east-1") {
		t.Errorf("nothing: exit code %d, %s", code, stdout)
	}
}

// After an uninstall there is no Lease and no CustomResourceDefinition: what is left nobody wants.
func TestAuditAfterAnUninstall(t *testing.T) {
	l := newLab(t)
	l.must(l.core.CoordinationV1().Leases("multi-eni-system").Delete(t.Context(), leaseName, metav1.DeleteOptions{}))
	l.enis.PrependReactor("list", "nodeenis", func(k8stesting.Action) (bool, runtime.Object, error) {
		return true, nil, apierrors.NewNotFound(schema.GroupResource{Group: v1alpha1.GroupName, Resource: "nodeenis"}, "")
	})
	got, report := l.whose(exitFindings, "--cluster-name=prod", "--cluster-id=c1")
	if diff := gocmp.Diff(map[string]audit.Whose{"1": audit.OursLeaked, "2": audit.OursLeaked, "3": audit.OtherCluster}, got); diff != "" {
		t.Error(diff)
	}
	if next := report.Interfaces[0].Next; !strings.HasPrefix(next, "aws ec2 detach-network-interface --attachment-id eni-attach-") {
		t.Errorf("nobody else will remove it, and the next command is %q", next)
	}
	if _, report := l.whose(exitFindings, "--cluster-name=prod"); report.ClusterID != "uid-of-kube-system" {
		t.Errorf("without a Lease the cluster is %q", report.ClusterID)
	}
}
