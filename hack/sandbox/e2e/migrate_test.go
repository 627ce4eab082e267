package e2e

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const (
	communityFinalizer = "nodeeni.networking.k8s.aws/finalizer"
	ourCRD             = "manifests/10-crd-nodeenis.yaml"
)

// communityLab is a lab in whose cluster the community's CustomResourceDefinition is in the place of ours, and an object
// of the community's controller under it: with the given spec, its finalizer and its kind of status.
func communityLab(t *testing.T, spec string) (*lab, []sandbox.Machine) {
	t.Helper()
	nodes := machines(1)
	l := newLab(t, nodes...)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
		defer cancel()
		if t.Failed() {
			l.report(ctx)
		}
		for _, controller := range l.replicas {
			l.must(controller.Kill(ctx))
		}
		l.wipeStatus(ctx, "old")
		l.must(l.cluster.Empty(ctx))
		_, err := l.cluster.Kubectl.Run(ctx, "replace", "-f", filepath.Join(shared.repo, ourCRD))
		l.must(err)
		l.must(l.cluster.ServesField(ctx, "tags"))
	})
	l.kubectl("replace", "-f", "testdata/community-crd.yaml")
	l.must(l.cluster.ServesField(l.ctx, "subnetIDs"))
	l.apply(fmt.Sprintf("apiVersion: networking.k8s.aws/v1alpha1\nkind: NodeENI\nmetadata: {name: old, finalizers: [%s]}\nspec: %s\n", communityFinalizer, spec))
	l.kubectl("patch", "nodeeni", "old", "--subresource=status", "--type=merge", "-p",
		`{"status":{"attachments":[{"nodeID":"node1","instanceID":"`+nodes[0].InstanceID+`","eniID":"eni-0123456789abcdef0","attachmentID":"eni-attach-0123456789abcdef0","mtu":9001,"status":"attached"}]}}`)
	return l, nodes
}

// wipeStatus takes away what may keep a NodeENI from being changed.
func (l *lab) wipeStatus(ctx context.Context, name string) {
	l.Helper()
	_, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(ctx, name, types.MergePatchType, []byte(`{"status":null}`), metav1.PatchOptions{}, "status")
	if !apierrors.IsNotFound(err) {
		l.must(err)
	}
}

// applyOurCRD does what everybody will do.
func (l *lab) applyOurCRD() {
	l.Helper()
	l.kubectl("apply", "-f", filepath.Join(shared.repo, ourCRD))
	l.must(l.cluster.ServesField(l.ctx, "tags"))
}

func (l *lab) apply(yaml string) {
	l.Helper()
	_, err := l.cluster.Kubectl.RunInput(l.ctx, yaml, "apply", "-f", "-")
	l.must(err)
}

// The whole way from the community's controller: dry run and backup, the new objects, our CustomResourceDefinition over
// theirs, our controller, their interface out of the way as the audit says, their finalizer off on order.
func TestMigrate(t *testing.T) {
	l, nodes := communityLab(t, `{nodeSelector: {ng: multi-eni}, subnetIDs: [`+sandbox.SubnetA+`], subnetNames: [b], securityGroupNames: [workers], deviceIndex: 1, mtu: 9001}`)
	theirs, err := l.sim.AddInterface(l.ctx, ec2sim.Interface{
		Subnet: sandbox.SubnetA, SecurityGroups: []string{sandbox.Workers},
		Tags: map[string]string{
			"kubernetes.io/cluster/managed-by": "nodeeni-controller", "NodeENI": "old", "Node": "node1", "SubnetID": sandbox.SubnetA, "node.k8s.amazonaws.com/no_manage": "true",
		},
		Attachment: &ec2sim.Attachment{Instance: nodes[0].InstanceID, DeviceIndex: 1},
	})
	l.must(err)
	kubeconfig := "--kubeconfig=" + l.cluster.Kubectl.Kubeconfig
	shown := l.inReadme("Moving in from the community controller", "$HOME/.kube/config", l.cluster.Kubectl.Kubeconfig,
		"=before", "="+filepath.Join(l.dir, "before"), "before/", filepath.Join(l.dir, "before")+"/")
	if len(shown) != 2 {
		t.Fatalf("the README shows %q", shown)
	}
	told := l.command(1, shown[0]...)
	for _, want := range []string{"--security-group-id=workers=sg-ID", "--subnet-id=b=subnet-ID", "lost        mtu: 9001", "eni-0123456789abcdef0", communityFinalizer} {
		if !strings.Contains(told, want) {
			t.Errorf("the dry run does not say %q:\n%s", want, told)
		}
	}
	flags := append(shown[1], "--subnet-id=b="+sandbox.SubnetB, "--security-group-id=workers="+sandbox.Workers)
	l.command(1, append(slices.Clone(shown[1]), "--dry-run")...)
	l.command(0, append(slices.Clone(flags), "--dry-run")...)
	if spec := l.kubectl("get", "nodeeni", "old", "-o", "jsonpath={.spec}"); !strings.Contains(spec, `"mtu":9001`) {
		t.Errorf("a dry run changed the object: %s", spec)
	}
	l.command(0, flags...)

	l.applyOurCRD()
	l.startController("--ec2-resync-period=5s")
	l.onlyInEC2(on(nodes[0], "old-2", sandbox.SubnetB, 2))
	l.blocked("old", "node1", v1alpha1.ReasonDeviceIndexInUse, theirs)
	report := l.audit(1, "--subnet="+sandbox.SubnetA, "--kubeconfig="+l.kubeconfig)
	if len(report.Interfaces) != 1 || report.Interfaces[0].InterfaceID != theirs || report.Interfaces[0].Whose != "CommunityController" {
		t.Fatalf("%+v", report)
	}
	l.must(l.sim.Hand().Detach(l.ctx, detachLine.FindStringSubmatch(report.Interfaces[0].Next)[1]))
	l.converge(on(nodes[0], "old", sandbox.SubnetA, 1), on(nodes[0], "old-2", sandbox.SubnetB, 2))

	l.delete("old", "old-2")
	l.onlyInEC2()
	l.eventually("held by the other finalizer alone", func(ctx context.Context) error {
		object, err := l.get(ctx, "old")
		if err == nil && !slices.Equal(object.Finalizers, []string{communityFinalizer}) {
			err = fmt.Errorf("finalizers %v", object.Finalizers)
		}
		return err
	})
	l.command(0, "migrate", kubeconfig, "--backup="+filepath.Join(l.dir, "after"), "--remove-old-finalizer")
	l.gone("old", "old-2")
}

// Our CustomResourceDefinition is applied over theirs without a word to anybody. What it does not let through is held:
// nothing is created, nothing is taken away but what a deletion takes away, and the object says so.
func TestObjectOfTheCommunity(t *testing.T) {
	l, nodes := communityLab(t, `{nodeSelector: {ng: multi-eni}, subnetIDs: [`+sandbox.SubnetA+`], securityGroupIDs: [`+sandbox.Workers+`], mtu: 9001}`)
	l.applyOurCRD()
	object, err := l.get(l.ctx, "old")
	l.must(err)
	owner := ownership.Owner{
		ClusterID: l.id, ClusterName: sandbox.ClusterName, NodeENIUID: string(object.UID), NodeENIName: "old", NodeName: "node1",
		InstanceID: nodes[0].InstanceID, Slot: ownership.Slot{Index: 2},
	}
	_, err = l.sim.AddInterface(l.ctx, ec2sim.Interface{
		Subnet: sandbox.SubnetB, SecurityGroups: []string{sandbox.Workers}, Tags: owner.Tags(),
		Attachment: &ec2sim.Attachment{Instance: nodes[0].InstanceID, DeviceIndex: 2},
	})
	l.must(err)
	// What the migration would have to know is hidden now, and it says so rather than to lose it.
	kubeconfig := "--kubeconfig=" + l.cluster.Kubectl.Kubeconfig
	if told := l.command(1, "migrate", "--dry-run", kubeconfig); !strings.Contains(told, "spec.subnetIDs was set, and can not be seen any more") {
		t.Errorf("nobody says that fields are hidden:\n%s", told)
	}
	l.startController("--ec2-resync-period=5s")
	l.eventually("stalled", func(ctx context.Context) error {
		object, err := l.get(ctx, "old")
		if err != nil {
			return err
		}
		return condition(object, v1alpha1.ConditionStalled, metav1.ConditionTrue, v1alpha1.ReasonInvalidSpec)
	})
	l.lookedAround()
	l.atRest()
	if calls := mutating(l.calls()); len(calls) > 0 {
		t.Errorf("something was changed in EC2: %v", calls)
	}
	l.must(l.inEC2(l.ctx, []eni{on(nodes[0], "old", sandbox.SubnetB, 2).staying()}))
	report := l.audit(0, "--cluster-name="+sandbox.ClusterName, "--kubeconfig="+l.kubeconfig)
	if len(report.Interfaces) != 1 || !strings.Contains(report.Interfaces[0].Why, "has a spec that is invalid") {
		t.Errorf("%+v", report)
	}

	l.delete("old")
	l.onlyInEC2()
	l.command(0, "migrate", kubeconfig, "--backup="+filepath.Join(l.dir, "after"), "--remove-old-finalizer")
	l.gone("old")
}

// Who applies the YAML of the other controller to ours is told what it does not have.
func TestFieldsOfTheCommunityAreRefused(t *testing.T) {
	const yaml = "apiVersion: networking.k8s.aws/v1alpha1\nkind: NodeENI\nmetadata: {name: theirs}\nspec: {nodeSelector: {ng: x}, subnetID: " + sandbox.SubnetA +
		", securityGroupIDs: [" + sandbox.Workers + "], subnetIDs: [" + sandbox.SubnetB + "], mtu: 9001, enableDPDK: true}\n"
	for _, how := range [][]string{{"apply", "-f", "-"}, {"apply", "--server-side", "-f", "-"}, {"create", "-f", "-"}} {
		_, err := shared.cluster.Kubectl.RunInput(t.Context(), yaml, how...)
		if err == nil {
			t.Fatalf("kubectl %q took it", how)
		}
		fields := []string{"subnetIDs", "mtu", "enableDPDK"}
		if how[1] == "--server-side" {
			fields = fields[:0] // server-side apply stops at the first
			if !strings.Contains(err.Error(), "field not declared in schema") {
				t.Errorf("kubectl %q: %v", how, err)
			}
		}
		for _, field := range fields {
			if !strings.Contains(err.Error(), `unknown field "spec.`+field+`"`) {
				t.Errorf("kubectl %q does not name %s: %v", how, field, err)
			}
		}
	}
}
