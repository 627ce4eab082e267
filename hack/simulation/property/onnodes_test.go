package property

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

const taint = "example.com/not-ready"

// newShownScene is the scene whose Node shows what it should.
func newShownScene() *scene {
	s := newScene()
	s.world.OnNodes = OnNodes{Taint: taint, Condition: true, Annotation: true}
	s.node.Annotations = map[string]string{v1alpha1.AnnotationENIs: `[{"nodeENI":"a","eniID":"eni-1","macAddress":"","subnetID":"subnet-00000001","subnetCIDR":"10.0.0.0/24","networkCardIndex":0,"deviceIndex":1}]`}
	s.node.Status.Conditions = []corev1.NodeCondition{{Type: v1alpha1.NodeConditionENIsReady, Status: "True", Reason: v1alpha1.ReasonAllAttached}}
	return s
}

// loses has the world take the interface away, and the NodeENI say why.
func (s *scene) loses() {
	s.world.Interfaces, s.world.Subnets[0].FreeAddresses = nil, 0
	s.n.Status.Attachments[0] = v1alpha1.Attachment{NodeName: "n", State: v1alpha1.AttachmentBlocked, Reason: v1alpha1.ReasonSubnetFull}
	s.node.Annotations[v1alpha1.AnnotationENIs] = "[]"
	s.node.Status.Conditions[0] = corev1.NodeCondition{Type: v1alpha1.NodeConditionENIsReady, Status: "False", Reason: v1alpha1.ReasonNotAttached, Message: "waiting for NodeENI a (SubnetFull)"}
}

func (s *scene) taint(keys ...string) {
	for _, key := range keys {
		s.node.Spec.Taints = append(s.node.Spec.Taints, corev1.Taint{Key: key})
	}
}

// TestWhatANodeShowsIsSeen breaks one thing at a time. An empty want stands for what is as it should be.
func TestWhatANodeShowsIsSeen(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(*scene)
		want  string
	}{
		{"all is well", func(*scene) {}, ""},
		{"an interface is missing", (*scene).loses, ""},
		{"the taint is there", func(s *scene) { s.taint(taint) }, "still bears the readiness taint"},
		{"the taint is there, and labels may be yet to come", func(s *scene) { s.taint(taint, Registering[0]) }, ""},
		{"the taint is there, and is not ours", func(s *scene) { s.taint(taint); s.world.OnNodes.Taint = "" }, ""},
		{"retaint", func(s *scene) { s.loses(); s.world.OnNodes.Retaint = true }, "does not bear the readiness taint"},
		{"retaint, and all is well", func(s *scene) { s.world.OnNodes.Retaint = true }, ""},
		{"retainted", func(s *scene) { s.loses(); s.taint(taint); s.world.OnNodes.Retaint = true }, ""},
		{"no condition", func(s *scene) { s.node.Status.Conditions = nil }, "it has no condition"},
		{"another condition", func(s *scene) { s.node.Status.Conditions[0].Reason = "Somebody" }, "its condition is True Somebody"},
		{"a condition that is not asked for", func(s *scene) { s.node.Status.Conditions[0].Reason = "Somebody"; s.world.OnNodes.Condition = false }, ""},
		{"a condition that names nobody", func(s *scene) { s.loses(); s.node.Status.Conditions[0].Message = "waiting" }, "names NodeENI a: false"},
		{"a condition that names who is attached", func(s *scene) { s.node.Status.Conditions[0].Message = "waiting for NodeENI a (x)" }, "names NodeENI a: true"},
		{"no annotation", func(s *scene) { s.node.Annotations = nil }, "its annotation is"},
		{"an annotation of another interface", func(s *scene) {
			s.node.Annotations[v1alpha1.AnnotationENIs] = strings.ReplaceAll(s.node.Annotations[v1alpha1.AnnotationENIs], "eni-1", "eni-2")
		}, "its annotation is"},
		{"an annotation where nothing is wanted", func(s *scene) { s.n.Spec.NodeSelector = map[string]string{"ng": "y"} }, "want none"},
		{"a condition where nothing is wanted", func(s *scene) { s.n.Spec.NodeSelector = map[string]string{"ng": "y"} }, "want True NoneWanted"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newShownScene()
			test.spoil(s)
			var about []string
			for _, v := range Check([]v1alpha1.NodeENI{s.n}, []corev1.Node{s.node}, s.world) {
				if strings.Contains(v.Message, "Node n, on which") {
					about = append(about, v.Message)
				}
			}
			if got := strings.Join(about, "\n"); !strings.Contains(got, test.want) || (test.want == "") != (got == "") {
				t.Errorf("want %q, got:\n%s", test.want, got)
			}
		})
	}
}

func TestTaken(t *testing.T) {
	s := newShownScene()
	other := s.n.DeepCopy()
	other.Name, other.UID, other.Spec.DeviceIndex = "b", "uid-b", 2
	both := []*v1alpha1.NodeENI{&s.n, other}
	ever := map[string]bool{"uid-a i-1": true}
	attached := func(n *v1alpha1.NodeENI, instance string) bool { return ever[string(n.UID)+" "+instance] }
	if got := Taken(&s.node, both, attached); !strings.Contains(got, "NodeENI b") {
		t.Errorf("an interface was never attached: %q", got)
	}
	if got := Taken(&s.node, both[:1], attached); got != "" {
		t.Errorf("all were attached: %q", got)
	}
	other.DeletionTimestamp = new(metav1.Now())
	if got := Taken(&s.node, both, attached); got != "" {
		t.Errorf("one is being deleted: %q", got)
	}
	s.taint(Registering[1])
	if got := Taken(&s.node, nil, attached); got == "" {
		t.Error("its labels may be yet to come, and nothing is said")
	}
}
