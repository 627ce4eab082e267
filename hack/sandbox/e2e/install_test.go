package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"sigs.k8s.io/yaml"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

func installedDeployment(t *testing.T, cluster *sandbox.Cluster) *appsv1.Deployment {
	t.Helper()
	deployment, err := cluster.Kube.AppsV1().Deployments(sandbox.Namespace).Get(t.Context(), sandbox.ServiceAccount, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return deployment
}

// The Deployment's pod passes Pod Security admission in its namespace, which refuses one that is anything less.
func TestDeploymentsPodIsAdmitted(t *testing.T) {
	template := installedDeployment(t, shared.cluster).Spec.Template
	pod := func(change func(*corev1.PodSpec)) error {
		made := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{GenerateName: "controller-", Labels: template.Labels}, Spec: *template.Spec.DeepCopy()}
		change(&made.Spec)
		pods := shared.cluster.Kube.CoreV1().Pods(sandbox.Namespace)
		created, err := pods.Create(t.Context(), made, metav1.CreateOptions{FieldValidation: metav1.FieldValidationStrict})
		if err != nil {
			return err
		}
		return pods.Delete(context.WithoutCancel(t.Context()), created.Name, metav1.DeleteOptions{GracePeriodSeconds: new(int64)})
	}
	if err := pod(func(*corev1.PodSpec) {}); err != nil {
		t.Errorf("the pod is refused: %v", err)
	}
	for name, less := range map[string]func(*corev1.PodSpec){
		"as root":               func(s *corev1.PodSpec) { s.SecurityContext.RunAsNonRoot, s.SecurityContext.RunAsUser = nil, nil },
		"without seccomp":       func(s *corev1.PodSpec) { s.SecurityContext.SeccompProfile = nil },
		"with capabilities":     func(s *corev1.PodSpec) { s.Containers[0].SecurityContext.Capabilities = nil },
		"with more privileges":  func(s *corev1.PodSpec) { s.Containers[0].SecurityContext.AllowPrivilegeEscalation = nil },
		"in the host's network": func(s *corev1.PodSpec) { s.HostNetwork = true },
	} {
		if err := pod(less); !apierrors.IsForbidden(err) || !strings.Contains(err.Error(), `violates PodSecurity "restricted:latest"`) {
			t.Errorf("%s it is not refused: %v", name, err)
		}
	}
}

// What Pod Security does not ask for.
func TestDeploymentIsHardened(t *testing.T) {
	deployment := installedDeployment(t, shared.cluster)
	pod := deployment.Spec.Template.Spec
	container := pod.Containers[0]
	if *deployment.Spec.Replicas != 2 || pod.HostNetwork || pod.ServiceAccountName != sandbox.ServiceAccount || pod.PriorityClassName != "system-cluster-critical" {
		t.Errorf("replicas %d, host network %t, service account %s, priority %s", *deployment.Spec.Replicas, pod.HostNetwork, pod.ServiceAccountName, pod.PriorityClassName)
	}
	if read := container.SecurityContext.ReadOnlyRootFilesystem; read == nil || !*read {
		t.Error("the root filesystem can be written to")
	}
	if len(pod.TopologySpreadConstraints) != 2 || container.LivenessProbe == nil || container.ReadinessProbe == nil {
		t.Errorf("spread %v, probes %v and %v", pod.TopologySpreadConstraints, container.LivenessProbe, container.ReadinessProbe)
	}
	if !slices.ContainsFunc(pod.Tolerations, func(t corev1.Toleration) bool {
		return t.Key == v1alpha1.TaintNotReady && t.Operator == corev1.TolerationOpExists && t.Effect == ""
	}) {
		t.Errorf("tolerations %v: where every node starts with the readiness taint, no replica could start", pod.Tolerations)
	}
	requests, limits := container.Resources.Requests, container.Resources.Limits
	if requests.Cpu().IsZero() || requests.Memory().IsZero() || limits.Memory().Cmp(*requests.Memory()) <= 0 {
		t.Errorf("requests %v, limits %v", requests, limits)
	}
}

// What a replica asks for is enough for a small cluster. The program is the one that is shipped: the race detector's
// takes many times the memory.
func TestMemoryRequestCoversASmallCluster(t *testing.T) {
	nodes := machines(40)
	l := newLab(t, nodes...)
	controller, err := sandbox.StartController(sandbox.Binaries{Controller: filepath.Join(shared.repo, ".bin", "multi-eni-controller")},
		sandbox.ControllerOptions{Name: "shipped", Kubeconfig: l.kubeconfig, EC2: l.sim.URL, ClusterID: l.id}, l.dir)
	l.must(err)
	l.replicas = append(l.replicas, controller)
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", controller.PID()))
	l.must(err)
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var peak int64
	if _, err := fmt.Sscanf(line, "%d kB", &peak); err != nil {
		t.Fatalf("the kernel says %q: %v", line, err)
	}
	request := installedDeployment(t, l.cluster).Spec.Template.Spec.Containers[0].Resources.Requests.Memory()
	if t.Logf("at most %d KiB in memory, %s are asked for", peak, request); peak*1024 > request.Value() {
		t.Errorf("more than the %s that the Deployment asks for: %d KiB", request, peak)
	}
}

// Everything that finds the pods by their labels finds them, and knows their port.
func TestManifestsFitTogether(t *testing.T) {
	template := installedDeployment(t, shared.cluster).Spec.Template
	pod := labels.Set(template.Labels)
	port := template.Spec.Containers[0].Ports[0].ContainerPort
	budget, err := shared.cluster.Kube.PolicyV1().PodDisruptionBudgets(sandbox.Namespace).Get(t.Context(), sandbox.ServiceAccount, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	policy, err := shared.cluster.Kube.NetworkingV1().NetworkPolicies(sandbox.Namespace).Get(t.Context(), sandbox.ServiceAccount, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for what, selector := range map[string]*metav1.LabelSelector{"budget": budget.Spec.Selector, "network policy": &policy.Spec.PodSelector} {
		if selects, err := metav1.LabelSelectorAsSelector(selector); err != nil || selects.Empty() || !selects.Matches(pod) {
			t.Errorf("the %s does not select the pods: %v %v", what, selector, err)
		}
	}
	service, err := shared.cluster.Kube.CoreV1().Services(sandbox.Namespace).Get(t.Context(), "multi-eni-controller-metrics", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if selects := labels.SelectorFromSet(service.Spec.Selector); selects.Empty() || !selects.Matches(pod) || service.Spec.Ports[0].TargetPort.StrVal != template.Spec.Containers[0].Ports[0].Name {
		t.Errorf("the Service does not find the pods: %+v", service.Spec)
	}
	if in := policy.Spec.Ingress; len(in) != 1 || len(in[0].Ports) != 1 || in[0].Ports[0].Port.IntVal != port {
		t.Errorf("the network policy lets in %v, the port is %d", in, port)
	}
	out := map[int32]bool{}
	for _, rule := range policy.Spec.Egress {
		for _, to := range rule.Ports {
			out[to.Port.IntVal] = true
		}
	}
	for _, needed := range []int32{53, 80, 443} {
		if !out[needed] {
			t.Errorf("the network policy does not let out to port %d", needed)
		}
	}
}

// The trust policies name the service account that the manifests make.
func TestTrustPoliciesNameTheServiceAccount(t *testing.T) {
	for file, wants := range map[string][]string{
		"trust-irsa.json": {"sts:AssumeRoleWithWebIdentity", "system:serviceaccount:" + sandbox.Namespace + ":" + sandbox.ServiceAccount, "sts.amazonaws.com"},
		"trust-pod-identity.json": {
			"pods.eks.amazonaws.com", "sts:AssumeRole", "sts:TagSession", sandbox.Namespace, sandbox.ServiceAccount,
			"aws:SourceAccount", "aws:RequestTag/eks-cluster-arn", "arn:aws:eks:REGION:ACCOUNT:cluster/CLUSTER_NAME",
		},
	} {
		data, err := os.ReadFile(filepath.Join(manifests(), "iam", file))
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(data) {
			t.Errorf("%s is no JSON", file)
		}
		for _, want := range wants {
			if !strings.Contains(string(data), `"`+want+`"`) {
				t.Errorf("%s does not name %s", file, want)
			}
		}
	}
}

// The one file begins with the kind, has the image, and is a resource that kustomize takes.
func TestInstallYAMLIsAKustomizeResource(t *testing.T) {
	data, err := os.ReadFile(installYAML(t))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	kustomization := "resources: [install.yaml]\nimages:\n- {name: registry.example.com/controller, newName: mirror.example.com/controller, newTag: v9}\n"
	for name, content := range map[string]string{"install.yaml": string(data), "kustomization.yaml": kustomization} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var first metav1.PartialObjectMetadata
	document, _, _ := strings.Cut(strings.TrimPrefix(string(data), "---\n"), "\n---\n")
	if err := yaml.Unmarshal([]byte(document), &first); err != nil || first.Kind != "CustomResourceDefinition" {
		t.Errorf("the first object is %s: %v", first.Kind, err)
	}
	if !strings.Contains(string(data), "image: registry.example.com/controller:v1.2.3\n") {
		t.Error("the Deployment has another image")
	}
	built, err := shared.cluster.Kubectl.Run(t.Context(), "kustomize", dir)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(built, "image: mirror.example.com/controller:v9\n") {
		t.Error("kustomize does not find the image")
	}
}
