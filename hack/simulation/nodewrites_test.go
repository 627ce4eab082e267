package simulation

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/simulation/property"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// TestWritesOfNodesAreJudged has somebody who passes for a controller write Nodes as none may.
func TestWritesOfNodesAreJudged(t *testing.T) {
	everything := property.OnNodes{Taint: v1alpha1.TaintNotReady, Condition: true, Annotation: true}
	for _, test := range []struct {
		name      string
		onNodes   property.OnNodes
		patch     string
		unwelcome bool
		want      string
	}{
		{"a taint put back", everything, `{"spec":{"taints":[{"key":"` + v1alpha1.TaintNotReady + `","effect":"NoSchedule"}]}}`, false, "without --retaint"},
		{"another taint", everything, `{"spec":{"taints":[{"key":"x","effect":"NoSchedule"}]}}`, false, "taints were"},
		{"another annotation", everything, `{"metadata":{"annotations":{"x":"y"}}}`, false, "annotations were"},
		{"a label", everything, `{"metadata":{"labels":{"x":"y"}}}`, false, "all else were"},
		{"its annotation", everything, `{"metadata":{"annotations":{"` + v1alpha1.AnnotationENIs + `":"[]"}}}`, false, ""},
		{"its annotation unasked", property.OnNodes{Condition: true}, `{"metadata":{"annotations":{"` + v1alpha1.AnnotationENIs + `":"[]"}}}`, false, "annotations were"},
		{"all flags off", property.OnNodes{}, `{"metadata":{"annotations":{"` + v1alpha1.AnnotationENIs + `":"[]"}}}`, false, "annotations were"},
		{"the taint taken from who has all", everything, `{"spec":{"taints":[]}}`, true, ""},
		{"the taint taken too early", everything, `{"spec":{"taints":[]}}`, true, "has ever been attached"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				seed := NewSeed(1)
				world := newWorld(seed.dice)
				world.onNodes, world.neighbour = test.onNodes, nil
				world.nodes, world.nodeENIs = world.nodes[:1], world.nodeENIs[:1]
				world.nodes[0].Labels = map[string]string{"ng": "x"}
				early := strings.Contains(test.want, "ever")
				world.nodeENIs[0].Spec.NodeSelector = map[string]string{"ng": map[bool]string{true: "x", false: "y"}[early]}
				world.nodeENIs[0].Spec.SubnetID = "subnet-0000000000000dead" // so that nothing is ever attached
				r := newRun(seed, world, nil)
				if err := r.begin(ec2sim.Options{}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(10 * time.Minute)
				for _, p := range r.replicas { // who would put things right meanwhile
					p.stop()
				}
				node := world.nodes[0].Name
				if err := r.changeNode(node, false, func(n *corev1.Node) {
					if n.Spec.Taints = nil; test.unwelcome {
						n.Spec.Taints = []corev1.Taint{{Key: v1alpha1.TaintNotReady, Effect: corev1.TaintEffectNoSchedule}}
					}
				}); err != nil {
					t.Fatal(err)
				}
				if len(r.watch.found) > 0 {
					t.Fatalf("found before: %v", r.watch.found)
				}
				_, err := r.server.NewClient("replica-0").Kube().CoreV1().Nodes().Patch(t.Context(), node, types.MergePatchType, []byte(test.patch), metav1.PatchOptions{})
				if err != nil {
					t.Fatal(err)
				}
				about := func(v property.Violation) bool { return strings.Contains(v.Message, test.want) }
				if n := len(r.watch.found); n > 1 || (n == 0) != (test.want == "") || n == 1 && !slices.ContainsFunc(r.watch.found, about) {
					t.Errorf("violations %v, want one with %q", r.watch.found, test.want)
				}
				r.end()
			})
		})
	}
}

// TestSomeSeedsShowThingsOnNodes: about one in six does.
func TestSomeSeedsShowThingsOnNodes(t *testing.T) {
	count, taints, retaints := 0, 0, 0
	for number := range uint64(600) {
		switch on := newWorld(dice(number)).onNodes; {
		case on.Retaint:
			retaints++
			fallthrough
		case on.Taint != "":
			taints++
			fallthrough
		case on.Any():
			count++
		}
	}
	if count < 70 || count > 130 || taints < 50 || retaints < 20 || retaints > taints*2/3 {
		t.Errorf("%d of 600 seeds show something on Nodes, %d the taint, %d give it back", count, taints, retaints)
	}
}
