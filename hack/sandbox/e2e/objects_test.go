package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// selected are the labels that most tests select by.
var selected = map[string]string{"ng": "multi-eni"}

// machines are node1, node2 and so on, with the labels that most tests select by.
func machines(count int) []sandbox.Machine {
	list := sandbox.Machines(count)
	for i := range list {
		list[i] = list[i].Labeled(selected)
	}
	return list
}

// nodeENI wants one interface in a subnet, at an index, on every selected node.
func nodeENI(name, subnet string, index int32) *v1alpha1.NodeENI {
	return &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: v1alpha1.NodeENISpec{
			NodeSelector:     selected,
			SubnetID:         subnet,
			SecurityGroupIDs: []string{sandbox.Workers},
			DeviceIndex:      index,
		},
	}
}

func (l *lab) create(object *v1alpha1.NodeENI) *v1alpha1.NodeENI {
	l.Helper()
	created, err := l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Create(l.ctx, object, metav1.CreateOptions{})
	l.must(err)
	return created
}

func (l *lab) get(ctx context.Context, name string) (*v1alpha1.NodeENI, error) {
	return l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Get(ctx, name, metav1.GetOptions{})
}

// edit patches the spec as a person with kubectl does.
func (l *lab) edit(name string, spec map[string]any) {
	l.Helper()
	patch, err := json.Marshal(map[string]any{"spec": spec})
	l.must(err)
	_, err = l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Patch(l.ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	l.must(err)
}

func (l *lab) delete(names ...string) {
	l.Helper()
	for _, name := range names {
		l.must(l.cluster.ENIs.NetworkingV1alpha1().NodeENIs().Delete(l.ctx, name, metav1.DeleteOptions{}))
	}
}

// gone waits until the API server does not know the NodeENIs any more.
func (l *lab) gone(names ...string) {
	l.Helper()
	l.eventually("gone", func(ctx context.Context) error {
		for _, name := range names {
			object, err := l.get(ctx, name)
			if err == nil {
				return fmt.Errorf("%s is there, with finalizers %v", name, object.Finalizers)
			}
			if !apierrors.IsNotFound(err) {
				return err
			}
		}
		return nil
	})
}

func (l *lab) deleteNode(name string) {
	l.Helper()
	l.must(l.cluster.Kube.CoreV1().Nodes().Delete(l.ctx, name, metav1.DeleteOptions{}))
}

// kubectl fails the test where kubectl fails.
func (l *lab) kubectl(args ...string) string {
	l.Helper()
	output, err := l.cluster.Kubectl.Run(l.ctx, args...)
	l.must(err)
	return output
}

// example is the path of one of the examples that the project ships.
func example(name string) string {
	return filepath.Join(shared.repo, "manifests", "examples", name)
}

func (l *lab) addNode(node *corev1.Node) {
	l.Helper()
	_, err := l.cluster.Kube.CoreV1().Nodes().Create(l.ctx, node, metav1.CreateOptions{})
	l.must(err)
}

// onlyUID demands that every interface bears the UID of the living NodeENI.
func (l *lab) onlyUID(name string) {
	l.Helper()
	object, err := l.get(l.ctx, name)
	l.must(err)
	world, err := l.sim.World(l.ctx)
	l.must(err)
	for _, iface := range l.owned(world) {
		if uid := iface.Tags[ownership.TagNodeENIUID]; uid != string(object.UID) {
			l.Errorf("%s belongs to %s, want %s", iface.ID, uid, object.UID)
		}
	}
}
