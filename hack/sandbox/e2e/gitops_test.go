package e2e

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/ext"
	lua "github.com/yuin/gopher-lua"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
	"sigs.k8s.io/yaml"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// shipped reads a file of the manifests.
func shipped(t *testing.T, into any, path ...string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(append([]string{shared.repo, "manifests"}, path...)...))
	if err == nil {
		err = yaml.Unmarshal(data, into)
	}
	if err != nil {
		t.Fatalf("%v: %v", path, err)
	}
}

// argoHealth runs the shipped script as Argo CD does: with the object as the global obj, and without Lua's libraries
// for files, processes and strings.
func argoHealth(t *testing.T, object *unstructured.Unstructured) (health, message string) {
	t.Helper()
	var patch struct {
		Data map[string]string `json:"data"`
	}
	shipped(t, &patch, "gitops", "argocd-cm-patch.yaml")
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable} {
		if err := state.CallByParam(lua.P{Fn: state.NewFunction(open), Protect: true}, lua.LString(name)); err != nil {
			t.Fatal(err)
		}
	}
	state.SetGlobal("obj", asLua(state, object.Object))
	if err := state.DoString(patch.Data["resource.customizations.health.networking.k8s.aws_NodeENI"]); err != nil {
		t.Fatal(err)
	}
	answer, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		t.Fatalf("the script returns %v", state.Get(-1))
	}
	return answer.RawGetString("status").String(), answer.RawGetString("message").String()
}

// asLua turns what JSON has into what Lua has.
func asLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case map[string]any:
		table := state.NewTable()
		for key, inner := range value {
			table.RawSetString(key, asLua(state, inner))
		}
		return table
	case []any:
		table := state.NewTable()
		for _, inner := range value {
			table.Append(asLua(state, inner))
		}
		return table
	case string:
		return lua.LString(value)
	case bool:
		return lua.LBool(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	}
	return lua.LNil
}

// fluxHealth judges by the shipped expressions in Flux's order: an old status is InProgress, then failed, then
// current, and else InProgress; what can not be answered is Unknown, for which Flux waits, too.
// Source: https://fluxcd.io/flux/components/kustomize/kustomizations/#health-check-expressions
func fluxHealth(t *testing.T, object *unstructured.Unstructured) string {
	t.Helper()
	var kustomization struct {
		Spec struct {
			HealthCheckExprs []map[string]string `json:"healthCheckExprs"`
		} `json:"spec"`
	}
	shipped(t, &kustomization, "gitops", "flux-kustomization.yaml")
	if len(kustomization.Spec.HealthCheckExprs) != 1 {
		t.Fatalf("healthCheckExprs: %v", kustomization)
	}
	check := kustomization.Spec.HealthCheckExprs[0]
	if check["apiVersion"] != object.GetAPIVersion() || check["kind"] != object.GetKind() {
		t.Fatalf("the expressions are for %v", check)
	}
	observed, found, err := unstructured.NestedInt64(object.Object, "status", "observedGeneration")
	if err != nil {
		t.Fatal(err)
	}
	if found && observed != object.GetGeneration() {
		return "InProgress"
	}
	for _, outcome := range []struct{ field, status string }{{"failed", "Failed"}, {"current", "Current"}} {
		switch holds, err := evaluate(t, check[outcome.field], object.Object); {
		case err != nil:
			return "Unknown"
		case holds:
			return outcome.status
		}
	}
	return "InProgress"
}

// evaluate asks a CEL expression about an object, whose fields are its variables; which they are is not declared.
func evaluate(t *testing.T, expression string, object map[string]any) (bool, error) {
	t.Helper()
	env, err := cel.NewEnv(cel.HomogeneousAggregateLiterals(), cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets())
	if err != nil {
		t.Fatal(err)
	}
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		t.Fatalf("%q: %v", expression, issues.Err())
	}
	program, err := env.Program(parsed)
	if err != nil {
		t.Fatal(err)
	}
	value, _, err := program.Eval(object)
	if err != nil {
		return false, err
	}
	return value.Value().(bool), nil
}

// judged is what the judges of manifests/gitops say of a NodeENI.
type judged struct{ Argo, Flux, Kstatus string }

// judge asks them about the object as the API server has it now.
func (l *lab) judge(ctx context.Context, name string) (judged, string, error) {
	l.Helper()
	client, err := dynamic.NewForConfig(l.cluster.Config)
	l.must(err)
	object, err := client.Resource(v1alpha1.SchemeGroupVersion.WithResource("nodeenis")).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return judged{}, "", err
	}
	result, err := status.Compute(object)
	if err != nil {
		return judged{}, "", err
	}
	argo, message := argoHealth(l.T, object)
	return judged{argo, fluxHealth(l.T, object), result.Status.String()}, message, nil
}

// becomes waits until the judges say so; Argo CD's message must have the words.
func (l *lab) becomes(state, name string, want judged, words string) {
	l.Helper()
	l.eventually(state, func(ctx context.Context) error {
		got, message, err := l.judge(ctx, name)
		if err == nil && (got != want || !strings.Contains(message, words)) {
			err = errors.New("judged " + strings.Join([]string{got.Argo, got.Flux, got.Kstatus, message}, ", "))
		}
		return err
	})
}

var (
	healthy    = judged{"Healthy", "Current", "Current"}
	inProgress = judged{"Progressing", "InProgress", "InProgress"}
	stuck      = judged{"Degraded", "Failed", "Failed"}
)

// The rows of the table in manifests/gitops/README.md.
func TestGitOpsJudgesEveryState(t *testing.T) {
	nodes := machines(2)
	l := newLabIn(t, sandbox.NewWorld(nodes, sandbox.Latency(3*time.Second, 5*time.Second, 5*time.Millisecond, 500*time.Millisecond)), nodes...)
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	unselected := nodeENI("nobody", sandbox.SubnetA, 1)
	unselected.Spec.NodeSelector = map[string]string{"ng": "none"}
	l.create(unselected)
	l.create(nodeENI("blocked", sandbox.SubnetFar, 2))
	l.becomes("not seen by a controller", "a", judged{"Progressing", "Unknown", "Current"}, "waits for the controller")

	controller := l.startController("--ec2-resync-period=5s")
	l.becomes("attaching", "a", inProgress, "2 pending")
	l.becomes("without nodes", "nobody", healthy, "no Node bears")
	l.becomes("blocked", "blocked", stuck, "SubnetInOtherZone: ")
	l.becomes("attached", "a", healthy, "attached on 2 nodes")

	l.must(l.cluster.Kube.CoreV1().Nodes().Delete(l.ctx, nodes[1].Name, metav1.DeleteOptions{}))
	l.becomes("releasing", "a", judged{"Healthy", "Current", "InProgress"}, "attached on 1 node")
	l.becomes("released", "a", healthy, "attached on 1 node")

	l.must(controller.Stop(l.ctx, 15*time.Second))
	l.edit("a", map[string]any{"description": "an edit that no controller has seen"})
	l.becomes("edited", "a", inProgress, "waits for the controller")
	l.startController("--cleanup-dry-run", "--ec2-resync-period=5s")
	l.becomes("seen", "a", healthy, "attached on 1 node")
	l.delete("a")
	l.becomes("being deleted, and held", "a", judged{"Degraded", "Failed", "Terminating"}, v1alpha1.ReasonCleanupDryRun)
}

// The lines of manifests/gitops/README.md, in its order.
func TestDocumentedWaits(t *testing.T) {
	nodes := machines(2)
	l := newLab(t, nodes...)
	lines := commandsIn(t, "kubectl wait ", "manifests", "gitops", "README.md")
	if len(lines) != 7 || !strings.Contains(lines[6], "--for=delete") {
		t.Fatalf("the documented lines are %q", lines)
	}
	l.create(nodeENI("nodeeni-subnet-a", sandbox.SubnetA, 1))
	if _, err := l.cluster.Kubectl.Run(l.ctx, "wait", "nodeeni/nodeeni-subnet-a", "--for=condition=Ready", "--timeout=1s"); err == nil {
		t.Error("without a controller, kubectl does not wait")
	}
	l.startController()
	for _, line := range lines[:6] {
		l.kubectl(fieldsOf(line)...)
	}
	l.must(l.inEC2(l.ctx, onAll(nodes, "nodeeni-subnet-a", sandbox.SubnetA, 1)))
	l.delete("nodeeni-subnet-a")
	l.kubectl(fieldsOf(lines[6])...)
	l.must(l.inEC2(l.ctx, nil))
}

// Argo CD's settings keep what they had.
func TestArgoPatchApplies(t *testing.T) {
	const namespace = metav1.NamespaceDefault
	maps := shared.cluster.Kube.CoreV1().ConfigMaps(namespace)
	settings := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "argocd-cm"}, Data: map[string]string{"url": "https://argocd.example.com"}}
	if _, err := maps.Create(t.Context(), settings, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = maps.Delete(context.Background(), settings.Name, metav1.DeleteOptions{}) })
	lines := commandsIn(t, "kubectl patch ", "manifests", "gitops", "argocd-cm-patch.yaml")
	if len(lines) != 1 {
		t.Fatalf("the documented lines are %q", lines)
	}
	line := strings.ReplaceAll(lines[0], "--namespace=argocd", "--namespace="+namespace)
	line = strings.ReplaceAll(line, "manifests/", shared.repo+"/manifests/")
	if _, err := shared.cluster.Kubectl.Run(t.Context(), fieldsOf(line)...); err != nil {
		t.Fatal(err)
	}
	patched, err := maps.Get(t.Context(), settings.Name, metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if len(patched.Data) != 2 || patched.Data["url"] == "" {
		t.Errorf("data %v", patched.Data)
	}
}
