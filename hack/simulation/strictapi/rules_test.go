package strictapi

import (
	"slices"
	"strings"
	"testing"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// ok is for wantErr, when there is to be no error.
func ok(err error) bool { return err == nil }

// TestWriteRules has one story for each rule about writes.
func TestWriteRules(t *testing.T) {
	for rule, story := range map[string]func(*rig){
		"creation gives what only the server gives": func(r *rig) {
			n, err := r.enis.Create(r.Context(), &v1alpha1.NodeENI{
				ObjectMeta: metav1.ObjectMeta{
					Name: "a", UID: "mine", Generation: 7, CreationTimestamp: metav1.Unix(1, 0), DeletionTimestamp: new(metav1.Now()),
				},
				Status: v1alpha1.NodeENIStatus{ObservedGeneration: 3},
			}, metav1.CreateOptions{})
			r.must(err)
			r.want(len(n.UID), 36)
			r.want(n.Generation, int64(1))
			r.want(n.CreationTimestamp.Time.Equal(time.Now().Truncate(time.Second)), true)
			r.want(n.DeletionTimestamp == nil, true)
			r.want(n.ResourceVersion, r.server.ResourceVersion())
			r.want(n.Status.ObservedGeneration, int64(0))
			r.want(n.Spec.DeviceIndex, int32(1))
			r.want(*n.Spec.DeleteOnTermination, true)
		},
		"nodes keep the status that they are created with": func(r *rig) {
			n, err := r.nodes.Create(r.Context(), &corev1.Node{
				ObjectMeta: metav1.ObjectMeta{Name: "a"}, Status: corev1.NodeStatus{Phase: corev1.NodeRunning},
			}, metav1.CreateOptions{})
			r.must(err)
			r.want(n.Status.Phase, corev1.NodeRunning)
			r.want(n.Generation, int64(0))
		},
		"a name is taken once": func(r *rig) {
			r.newENI("a")
			_, err := r.enis.Create(r.Context(), &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
			r.wantErr(apierrors.IsAlreadyExists, err)
		},
		"an object made again is another one": func(r *rig) {
			first := r.newENI("a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			r.want(r.newENI("a").UID == first.UID, false)
		},
		"names, labels and finalizers have their forms": func(r *rig) {
			for _, meta := range []metav1.ObjectMeta{
				{}, {Name: "A"}, {Name: strings.Repeat("a", 254)}, {Name: "a", Labels: map[string]string{"a b": ""}}, {Name: "a", Finalizers: []string{"a b"}},
			} {
				_, err := r.enis.Create(r.Context(), &v1alpha1.NodeENI{ObjectMeta: meta}, metav1.CreateOptions{})
				r.wantErr(apierrors.IsInvalid, err)
			}
			r.newNode(strings.Repeat("a", 253))
		},
		"a name can be asked for": func(r *rig) {
			n, err := r.enis.Create(r.Context(), &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{GenerateName: "a-"}}, metav1.CreateOptions{})
			r.must(err)
			r.want(len(n.Name), len("a-12345"))
		},
		"a creation has no resourceVersion": func(r *rig) {
			_, err := r.enis.Create(r.Context(), &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: "a", ResourceVersion: "1"}}, metav1.CreateOptions{})
			r.wantErr(apierrors.IsInternalError, err)
		},
		"a namespace must exist and match": func(r *rig) {
			leases := r.kube.CoordinationV1().Leases("nowhere")
			_, err := leases.Create(r.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
			r.wantErr(apierrors.IsNotFound, err)
			_, err = leases.Create(r.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "a", Namespace: "default"}}, metav1.CreateOptions{})
			r.wantErr(apierrors.IsBadRequest, err)
			_, err = r.kube.CoordinationV1().Leases("").Create(r.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
			r.wantErr(apierrors.IsBadRequest, err)
		},
		"kube-system is there, with a UID of the seed": func(r *rig) {
			namespace, err := r.kube.CoreV1().Namespaces().Get(r.Context(), "kube-system", metav1.GetOptions{})
			r.must(err)
			again, err := New(1).NewClient("").Kube().CoreV1().Namespaces().Get(r.Context(), "kube-system", metav1.GetOptions{})
			r.must(err)
			other, err := New(2).NewClient("").Kube().CoreV1().Namespaces().Get(r.Context(), "kube-system", metav1.GetOptions{})
			r.must(err)
			r.want(namespace.UID, again.UID)
			r.want(namespace.UID == other.UID, false)
		},
		"what is not there is not found": func(r *rig) {
			_, err := r.enis.Get(r.Context(), "a", metav1.GetOptions{})
			r.wantErr(apierrors.IsNotFound, err)
			_, err = r.enis.Update(r.Context(), &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsNotFound, err)
			_, err = r.merge("a", `{}`)
			r.wantErr(apierrors.IsNotFound, err)
			r.wantErr(apierrors.IsNotFound, r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
		},
		"no name, no call": func(r *rig) {
			before := r.client.Calls()
			_, err := r.enis.Get(r.Context(), "", metav1.GetOptions{})
			_, err2 := r.merge("", `{}`)
			r.want(err, errNoName)
			r.want(err2, errNoName)
			r.want(r.enis.Delete(r.Context(), "", metav1.DeleteOptions{}), errNoName)
			r.want(r.client.Calls(), before)
		},
		"an update on top of an older version meets a conflict": func(r *rig) {
			old := r.newENI("a")
			_, err := r.merge("a", `{"spec":{"deviceIndex":2}}`)
			r.must(err)
			old.Spec.DeviceIndex = 3
			_, err = r.enis.Update(r.Context(), old, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsConflict, err)
			_, err = r.enis.UpdateStatus(r.Context(), old, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsConflict, err)
			r.want(r.eni("a").Spec.DeviceIndex, int32(2))
		},
		"only some kinds may be updated without a version": func(r *rig) {
			n := r.newENI("a")
			n.ResourceVersion = ""
			_, err := r.enis.Update(r.Context(), n, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsInvalid, err)
			node := r.newNode("a")
			node.ResourceVersion = ""
			_, err = r.nodes.Update(r.Context(), node, metav1.UpdateOptions{})
			r.must(err)
		},
		"an update of another object of the name meets a conflict": func(r *rig) {
			n := r.newENI("a")
			n.UID = "other"
			_, err := r.enis.Update(r.Context(), n, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsConflict, err)
		},
		"a spec update leaves the status alone": func(r *rig) {
			n := r.newENI("a")
			n.Spec.DeviceIndex, n.Status.ObservedGeneration = 2, 9
			n, err := r.enis.Update(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			r.want(n.Spec.DeviceIndex, int32(2))
			r.want(n.Status.ObservedGeneration, int64(0))
			n, err = r.merge("a", `{"status":{"observedGeneration":9}}`)
			r.must(err)
			r.want(n.Status.ObservedGeneration, int64(0))
		},
		"a status update leaves all else alone": func(r *rig) {
			n := r.newENI("a", "example.com/a")
			n.Spec.DeviceIndex, n.Status.ObservedGeneration, n.Finalizers, n.Labels = 2, 9, nil, nil
			n, err := r.enis.UpdateStatus(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			r.want(n.Spec.DeviceIndex, int32(1))
			r.want(len(n.Finalizers)+len(n.Labels), 2)
			r.want(n.Status.ObservedGeneration, int64(9))
			n, err = r.merge("a", `{"metadata":{"finalizers":null},"spec":{"deviceIndex":2},"status":{"observedGeneration":10}}`, "status")
			r.must(err)
			r.want(n.Spec.DeviceIndex, int32(1))
			r.want(len(n.Finalizers), 1)
			r.want(n.Status.ObservedGeneration, int64(10))
		},
		"the status of a Node is apart, too": func(r *rig) {
			n := r.newNode("a")
			n.Spec.Unschedulable, n.Status.Phase = true, corev1.NodeRunning
			n, err := r.nodes.UpdateStatus(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			r.want(n.Spec.Unschedulable, false)
			r.want(n.Status.Phase, corev1.NodeRunning)
			n, err = r.nodes.PatchStatus(r.Context(), "a", []byte(`{"spec":{"unschedulable":true},"status":{"phase":"Pending"}}`))
			r.must(err)
			r.want(n.Spec.Unschedulable, false)
			r.want(n.Status.Phase, corev1.NodePending)
		},
		"there is no status of a Lease": func(r *rig) {
			leases := r.kube.CoordinationV1().Leases("default")
			_, err := leases.Create(r.Context(), &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "a"}}, metav1.CreateOptions{})
			r.must(err)
			_, err = leases.Patch(r.Context(), "a", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{}, "status")
			r.wantErr(apierrors.IsNotFound, err)
		},
		"the generation counts changes of the spec": func(r *rig) {
			n := r.newENI("a")
			n.Labels["b"], n.Generation = "c", 9
			n, err := r.enis.Update(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			r.want(n.Generation, int64(1))
			n, err = r.merge("a", `{"status":{"observedGeneration":1}}`, "status")
			r.must(err)
			r.want(n.Generation, int64(1))
			n, err = r.merge("a", `{"spec":{"subnetID":"subnet-2"}}`)
			r.must(err)
			r.want(n.Generation, int64(2))
		},
		"identity and times cannot be changed": func(r *rig) {
			n := r.newENI("a")
			_, err := r.merge("a", `{"metadata":{"uid":"other"}}`)
			r.wantErr(apierrors.IsInvalid, err)
			_, err = r.merge("a", `{"metadata":{"deletionTimestamp":"2000-01-01T00:00:00Z"}}`)
			r.wantErr(apierrors.IsInvalid, err)
			_, err = r.merge("a", `{"metadata":{"name":"b"}}`)
			r.wantErr(apierrors.IsBadRequest, err)
			same, err := r.merge("a", `{"metadata":{"creationTimestamp":"1999-01-01T00:00:00Z","generation":5}}`)
			r.must(err)
			r.want(same.ResourceVersion, n.ResourceVersion)
		},
		"a write that changes nothing is none": func(r *rig) {
			n := r.newENI("a")
			w := r.watch(metav1.ListOptions{ResourceVersion: n.ResourceVersion})
			same, err := r.merge("a", `{"spec":{"subnetID":"subnet-1"}}`)
			r.must(err)
			r.want(same.ResourceVersion, n.ResourceVersion)
			again, err := r.enis.Update(r.Context(), same, metav1.UpdateOptions{})
			r.must(err)
			r.want(again.ResourceVersion, n.ResourceVersion)
			r.want(len(r.seen(w)), 0)
			writes := r.server.Writes()
			r.want(writes[len(writes)-1].NoOp, true)
		},
		"all kinds share one resourceVersion": func(r *rig) {
			a, b, c := r.newENI("a"), r.newNode("a"), r.newENI("b")
			r.want(slices.IsSorted([]string{a.ResourceVersion, b.ResourceVersion, c.ResourceVersion}), true)
			r.want(c.ResourceVersion, r.server.ResourceVersion())
		},
		"answers belong to who asked": func(r *rig) {
			r.newENI("a").Labels["of"] = "changed"
			r.eni("a").Labels["of"] = "changed"
			list, err := r.enis.List(r.Context(), metav1.ListOptions{})
			r.must(err)
			list.Items[0].Labels["of"] = "changed"
			w := r.watch(metav1.ListOptions{})
			(<-w.ResultChan()).Object.(*v1alpha1.NodeENI).Labels["of"] = "changed"
			r.want(r.eni("a").Labels["of"], "eni-a")
		},
		"times arrive as they do in JSON": func(r *rig) {
			later(300 * time.Millisecond)
			n := r.newENI("a")
			n.Status.Conditions = []metav1.Condition{{Type: "Ready", LastTransitionTime: metav1.Now()}}
			n, err := r.enis.UpdateStatus(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			r.want(n.Status.Conditions[0].LastTransitionTime.Nanosecond(), 0)
		},
		"a Node stays with its instance": func(r *rig) {
			n := r.newNode("a")
			n.Spec.ProviderID = "aws:///a/i-1"
			n, err := r.nodes.Update(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			n.Spec.ProviderID = "aws:///a/i-2"
			_, err = r.nodes.Update(r.Context(), n, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsInvalid, err)
		},
		"a Node's taints have an effect, and are there once": func(r *rig) {
			n := r.newNode("a")
			once := corev1.Taint{Key: "k", Effect: corev1.TaintEffectNoSchedule}
			for _, taints := range [][]corev1.Taint{{{Key: "k"}}, {{Key: "k", Effect: "Never"}}, {once, once}} {
				n.Spec.Taints = taints
				_, err := r.nodes.Update(r.Context(), n, metav1.UpdateOptions{})
				r.wantErr(apierrors.IsInvalid, err)
			}
			n.Spec.Taints = []corev1.Taint{once, {Key: "k", Effect: corev1.TaintEffectNoExecute}}
			_, err := r.nodes.Update(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
		},
		"a Node's status is patched apart from its spec": func(r *rig) {
			n := r.newNode("a")
			patch := `{"metadata":{"uid":"` + string(n.UID) + `"},"spec":{"unschedulable":true},"status":{"conditions":[{"type":"X","status":"True"}]}}`
			n, err := r.nodes.Patch(r.Context(), "a", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
			r.must(err)
			r.want(n.Spec.Unschedulable, false)
			r.want(len(n.Status.Conditions), 1)
			n, err = r.nodes.Patch(r.Context(), "a", types.StrategicMergePatchType, []byte(`{"spec":{"unschedulable":true},"status":{"conditions":[{"type":"Y","status":"True"}]}}`), metav1.PatchOptions{})
			r.must(err)
			r.want(n.Spec.Unschedulable, true)
			r.want(len(n.Status.Conditions), 1)
			_, err = r.nodes.Patch(r.Context(), "a", types.MergePatchType, []byte(`{"metadata":{"resourceVersion":"1"},"spec":{"taints":[]}}`), metav1.PatchOptions{})
			r.wantErr(apierrors.IsConflict, err)
		},
		"an Event is where its object is": func(r *rig) {
			for about, is := range map[string]func(error) bool{"": ok, "default": ok, "kube-system": apierrors.IsInvalid} {
				_, err := r.kube.CoreV1().Events("default").Create(r.Context(), &corev1.Event{
					ObjectMeta: metav1.ObjectMeta{Name: "a" + about}, InvolvedObject: corev1.ObjectReference{Namespace: about},
				}, metav1.CreateOptions{})
				r.wantErr(is, err)
			}
		},
		"a Lease that is missing is made by its update": func(r *rig) {
			leases := r.kube.CoordinationV1().Leases("default")
			lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: "a", UID: "gone"}}
			_, err := leases.Update(r.Context(), lease, metav1.UpdateOptions{})
			r.wantErr(apierrors.IsConflict, err)
			lease.UID, lease.ResourceVersion = "", "1"
			_, err = leases.Update(r.Context(), lease, metav1.UpdateOptions{})
			r.must(err)
		},
	} {
		t.Run(rule, func(t *testing.T) { inRig(t, story) })
	}
}
