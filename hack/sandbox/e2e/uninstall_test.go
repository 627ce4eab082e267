package e2e

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

const kind = "customresourcedefinition.apiextensions.k8s.io/nodeenis.networking.k8s.aws"

// manifests is the folder that is installed.
func manifests() string { return filepath.Join(shared.repo, "manifests") }

// installYAML renders the one file of a release.
func installYAML(t *testing.T) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "make", "--no-print-directory", "install-yaml", "IMAGE=registry.example.com/controller:v1.2.3")
	command.Dir = shared.repo
	command.Env = slices.DeleteFunc(os.Environ(), func(variable string) bool { return strings.HasPrefix(variable, "MAKE") })
	if output, err := command.CombinedOutput(); err != nil {
		t.Fatalf("make install-yaml: %v\n%s", err, output)
	}
	return filepath.Join(shared.repo, ".dist", "install.yaml")
}

// endNamespace does the work of the controllers that a real cluster has: what is in the namespace goes, and then the
// namespace, which must be Terminating.
func (l *lab) endNamespace(ctx context.Context) error {
	namespaces := l.cluster.Kube.CoreV1().Namespaces()
	namespace, err := namespaces.Get(ctx, sandbox.Namespace, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if namespace.Status.Phase != corev1.NamespaceTerminating {
		return fmt.Errorf("the namespace is %s", namespace.Status.Phase)
	}
	if _, err := l.cluster.Kubectl.Run(ctx, "delete", "--namespace="+sandbox.Namespace, "--all", "--ignore-not-found",
		"deployments,services,poddisruptionbudgets,networkpolicies,serviceaccounts,rolebindings,roles,leases,events,configmaps"); err != nil {
		return err
	}
	namespace.Spec.Finalizers = nil
	_, err = namespaces.Finalize(ctx, namespace, metav1.UpdateOptions{})
	return err
}

// restore leaves the control plane installed, as the next test expects it.
func (l *lab) restore() {
	ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
	defer cancel()
	for _, controller := range l.replicas {
		l.must(controller.Kill(ctx))
	}
	if err := l.cluster.Empty(ctx); err != nil && !apierrors.IsNotFound(err) {
		l.Error(err)
	}
	_, err := l.cluster.Kubectl.Run(ctx, "delete", "-f", manifests(), "--ignore-not-found", "--wait=false")
	if err := errors.Join(err, l.endNamespace(ctx)); err != nil {
		l.Error(err)
	}
	if _, err := l.cluster.Kubectl.Run(ctx, "wait", kind, "--for=delete", "--timeout=20s"); err != nil {
		l.Error(err)
	}
	if err := l.cluster.Install(ctx); err != nil {
		l.Error(err)
	}
}

// installed are the objects of the manifests that there are.
func (l *lab) installed(ctx context.Context) ([]string, error) {
	output, err := l.cluster.Kubectl.Run(ctx, "get", "-f", manifests(), "--ignore-not-found", "-o", "name")
	return strings.Fields(output), err
}

// onlyNamespaceLeft waits for the end of all but the namespace, which stays Terminating.
func (l *lab) onlyNamespaceLeft() {
	l.Helper()
	l.eventually("uninstalled", func(ctx context.Context) error {
		left, err := l.installed(ctx)
		if err == nil && !slices.Equal(left, []string{"namespace/" + sandbox.Namespace}) {
			err = fmt.Errorf("left: %q", left)
		}
		return err
	})
	l.must(l.endNamespace(l.ctx))
}

// startInstalled starts a controller of the identity that the installation has made.
func (l *lab) startInstalled() *sandbox.Controller {
	l.Helper()
	var err error
	l.kubeconfig, err = l.cluster.ControllerKubeconfig(l.ctx)
	l.must(err)
	return l.startController()
}

// The documented way, then each way to install on a cluster that has nothing of ours.
func TestUninstallAndInstall(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	t.Cleanup(l.restore)
	all, err := l.installed(l.ctx)
	l.must(err)
	if len(all) < 10 {
		t.Fatalf("installed: %q", all)
	}
	steps := commandsIn(t, "kubectl delete ", "manifests", "README.md")
	if len(steps) != 3 || !strings.HasSuffix(steps[1], "-f manifests/") {
		t.Fatalf("the documented steps are %q", steps)
	}
	l.kubectl("apply", "-f", example(filepath.Join("node-readiness", "rbac.yaml")), "-f", example(filepath.Join("node-readiness", "rbac-condition.yaml")))
	controller := l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	l.kubectl(fieldsOf(steps[0])...)
	l.must(l.inEC2(l.ctx, nil))
	l.must(controller.Stop(l.ctx, 15*time.Second))
	remove := []string{"delete", "-f", manifests(), "--wait=false"} // nobody here ends a namespace
	l.kubectl(remove...)
	l.onlyNamespaceLeft()
	_, err = l.cluster.RunLine(l.ctx, shared.binaries, l.sim.URL, steps[2])
	l.must(err)
	if left := l.kubectl("get", "clusterroles,clusterrolebindings,roles,rolebindings", "--all-namespaces", "-l", "app.kubernetes.io/name=aws-multi-eni-controller", "-o", "name"); left != "" {
		t.Errorf("left of our roles:\n%s", left)
	}

	file := installYAML(t)
	for _, way := range [][]string{{"apply", "-f", manifests()}, {"apply", "-f", file}, {"apply", "--server-side", "-f", file}} {
		l.kubectl(way...)
		now, err := l.installed(l.ctx)
		l.must(err)
		if !slices.Equal(now, all) {
			t.Errorf("%q installs %q, want %q", way, now, all)
		}
		l.kubectl("wait", kind, "--for=condition=Established", "--timeout=30s")
		l.kubectl(remove...)
		l.onlyNamespaceLeft()
	}
}

// What the README takes from nodes at an uninstall is gone then, from those that have it, and nothing else is.
func TestUninstallLeavesNothingOnNodes(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	marked := nodes[0].Name
	l.kubectl("taint", "node", marked, v1alpha1.TaintNotReady+":NoSchedule", "others=kept:NoSchedule")
	l.kubectl("annotate", "node", marked, v1alpha1.AnnotationENIs+"=[]", "others=kept")
	l.kubectl("patch", "node", marked, "--subresource=status", "-p", `{"status":{"conditions":[{"type":"`+v1alpha1.NodeConditionENIsReady+`","status":"True"},{"type":"Others","status":"True"}]}}`)
	ran := 0
	for _, beginning := range []string{"kubectl get nodes ", "kubectl taint nodes ", "kubectl annotate nodes ", "for node in "} {
		for _, line := range commandsIn(t, beginning, "README.md") {
			output, err := l.cluster.RunLine(l.ctx, shared.binaries, l.sim.URL, line)
			l.must(err)
			ran++
			if beginning == "kubectl get nodes " && (!strings.Contains(output, marked) || !strings.Contains(output, v1alpha1.TaintNotReady)) {
				t.Errorf("%s does not show the taint:\n%s", line, output)
			}
		}
	}
	node, err := l.cluster.Kube.CoreV1().Nodes().Get(l.ctx, marked, metav1.GetOptions{})
	l.must(err)
	taints, conditions := map[string]bool{}, map[string]bool{}
	for _, taint := range node.Spec.Taints {
		taints[taint.Key] = true
	}
	for _, condition := range node.Status.Conditions {
		conditions[string(condition.Type)] = true
	}
	_, annotated := node.Annotations[v1alpha1.AnnotationENIs]
	if ran != 4 || taints[v1alpha1.TaintNotReady] || annotated || conditions[v1alpha1.NodeConditionENIsReady] {
		t.Errorf("after %d commands: taints %v, annotations %v, conditions %v", ran, taints, node.Annotations, conditions)
	}
	if !taints["others"] || node.Annotations["others"] != "kept" || !conditions["Others"] {
		t.Errorf("what is of others is gone: taints %v, annotations %v, conditions %v", taints, node.Annotations, conditions)
	}
}

// Both wrong orders of the table in manifests/README.md, and how they are mended. Of finalizers that were taken away by hand,
// its third row, there are tests of their own.
func TestUninstallInAnotherOrder(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	t.Cleanup(l.restore)
	first := l.startController()
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)

	// All manifests at once: the pods end, and nobody honours the finalizer.
	l.must(first.Kill(l.ctx))
	l.kubectl("delete", "-f", manifests(), "--wait=false")
	l.must(l.endNamespace(l.ctx))
	l.eventually("only the kind left", func(ctx context.Context) error {
		left, err := l.installed(ctx)
		if err == nil && !slices.Equal(left, []string{kind}) {
			err = fmt.Errorf("left: %q", left)
		}
		return err
	})
	object, err := l.get(l.ctx, "a")
	l.must(err)
	if object.DeletionTimestamp == nil || !slices.Contains(object.Finalizers, v1alpha1.Finalizer) {
		t.Errorf("the NodeENI is not held: %+v", object.ObjectMeta)
	}
	l.must(l.inEC2(l.ctx, onAll(nodes, "a", sandbox.SubnetA, 1)))
	l.kubectl("apply", "-f", manifests())
	second := l.startInstalled()
	l.kubectl("wait", kind, "--for=delete", "--timeout=45s")
	l.must(l.inEC2(l.ctx, nil))
	l.must(second.Kill(l.ctx))

	// The kind first, while the controller runs.
	l.kubectl("apply", "-f", manifests())
	l.kubectl("wait", kind, "--for=condition=Established", "--timeout=30s")
	l.startInstalled()
	l.create(nodeENI("b", sandbox.SubnetB, 2))
	l.converge(onAll(nodes, "b", sandbox.SubnetB, 2)...)
	l.kubectl("delete", kind, "--timeout=45s")
	l.must(l.inEC2(l.ctx, nil))
}
