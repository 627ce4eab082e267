package controller

import (
	"slices"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// A status that another controller of the same kind has left keeps the API server from taking any change of the object,
// a finalizer too: ours takes its place first.
func TestStatusOfAnotherControllerIsReplaced(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		refused := 0
		l.still()
		l.client.PrependReactor("patch", "nodeenis", func(action clienttesting.Action) (bool, runtime.Object, error) {
			name := action.(clienttesting.PatchAction).GetName()
			stored, err := l.client.Tracker().Get(v1alpha1.SchemeGroupVersion.WithResource("nodeenis"), "", name)
			if err != nil || action.GetSubresource() == "status" {
				return false, nil, nil
			}
			foreign := func(a v1alpha1.Attachment) bool { return a.State == "" }
			if !slices.ContainsFunc(stored.(*v1alpha1.NodeENI).Status.Attachments, foreign) {
				return false, nil, nil
			}
			refused++
			missing := field.Required(field.NewPath("status", "attachments").Index(0).Child("state"), "")
			return true, nil, apierrors.NewInvalid(schema.GroupKind{Group: v1alpha1.GroupName, Kind: "NodeENI"}, name, field.ErrorList{missing})
		})
		l.ask("a", 1, func(n *v1alpha1.NodeENI) {
			n.Status.Attachments = []v1alpha1.Attachment{{ENIID: "eni-0123456789abcdef0", InstanceID: instanceID(0)}}
		})
		l.pass(time.Minute)
		l.wantCondition("a", v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
		if refused == 0 {
			t.Error("nothing was refused: the story is none")
		}
		l.delete("a")
		l.pass(time.Minute)
		if n := l.nodeENI("a"); slices.Contains(n.Finalizers, v1alpha1.Finalizer) {
			t.Errorf("it is held for ever: %v", n.Finalizers)
		}
	})
}
