package strictapi

import (
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// TestDeleteRules has one story for each rule about deletions.
func TestDeleteRules(t *testing.T) {
	for rule, story := range map[string]func(*rig){
		"without a finalizer it goes at once": func(r *rig) {
			r.newENI("a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			_, err := r.enis.Get(r.Context(), "a", metav1.GetOptions{})
			r.wantErr(apierrors.IsNotFound, err)
		},
		"with finalizers it stays until the last one has gone": func(r *rig) {
			r.newENI("a", "example.com/a", "example.com/b")
			later(1500 * time.Millisecond)
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			n := r.eni("a")
			r.want(n.DeletionTimestamp.Time.Equal(time.Now().Truncate(time.Second)), true)
			r.want(n.Generation, int64(2))
			r.want(*n.DeletionGracePeriodSeconds, int64(0))
			_, err := r.ops("a", `[{"op":"remove","path":"/metadata/finalizers/0"}]`)
			r.must(err)
			n, err = r.ops("a", `[{"op":"test","path":"/metadata/finalizers/0","value":"example.com/b"},{"op":"remove","path":"/metadata/finalizers/0"}]`)
			r.must(err)
			r.want(n.Name, "a")
			_, err = r.enis.Get(r.Context(), "a", metav1.GetOptions{})
			r.wantErr(apierrors.IsNotFound, err)
			writes := r.server.Writes()
			r.want(writes[len(writes)-1].Gone, true)
		},
		"an update takes the last finalizer as well": func(r *rig) {
			r.newENI("a", "example.com/a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			n := r.eni("a")
			n.Finalizers = nil
			_, err := r.enis.Update(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			_, err = r.enis.Get(r.Context(), "a", metav1.GetOptions{})
			r.wantErr(apierrors.IsNotFound, err)
		},
		"a second deletion changes nothing": func(r *rig) {
			r.newENI("a", "example.com/a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			n := r.eni("a")
			later(time.Minute)
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			r.want(r.eni("a").ResourceVersion, n.ResourceVersion)
		},
		"a deletion cannot be taken back": func(r *rig) {
			r.newENI("a", "example.com/a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			n := r.eni("a")
			n.DeletionTimestamp, n.DeletionGracePeriodSeconds = nil, nil
			n.Labels = nil
			n, err := r.enis.Update(r.Context(), n, metav1.UpdateOptions{})
			r.must(err)
			r.want(n.DeletionTimestamp == nil, false)
		},
		"what is being deleted gets no new finalizer": func(r *rig) {
			r.newENI("a", "example.com/a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			_, err := r.ops("a", `[{"op":"add","path":"/metadata/finalizers/-","value":"example.com/b"}]`)
			r.wantErr(apierrors.IsInvalid, err)
			r.want(len(r.eni("a").Finalizers), 1)
		},
		"the status can be written until the end": func(r *rig) {
			r.newENI("a", "example.com/a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			n, err := r.merge("a", `{"status":{"observedGeneration":2}}`, "status")
			r.must(err)
			r.want(n.Status.ObservedGeneration, int64(2))
		},
		"conditions are kept": func(r *rig) {
			n := r.newENI("a")
			other, version := types.UID("other"), "1"
			r.wantErr(apierrors.IsConflict, r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &other}}))
			r.wantErr(apierrors.IsConflict, r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{ResourceVersion: &version}}))
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &n.UID, ResourceVersion: &n.ResourceVersion}}))
		},
		"many go at once": func(r *rig) {
			r.newENI("a")
			r.newENI("b")
			r.newENI("c")
			r.must(r.enis.DeleteCollection(r.Context(), metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "of in (eni-a, eni-b)"}))
			list, err := r.enis.List(r.Context(), metav1.ListOptions{})
			r.must(err)
			r.want(len(list.Items), 1)
		},
		"events go after an hour": func(r *rig) {
			events := r.kube.CoreV1().Events("default")
			for _, name := range []string{"a", "b"} {
				_, err := events.Create(r.Context(), &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
				r.must(err)
				later(61 * time.Minute)
			}
			_, err := events.Create(r.Context(), &corev1.Event{ObjectMeta: metav1.ObjectMeta{Name: "c"}}, metav1.CreateOptions{})
			r.must(err)
			list, err := events.List(r.Context(), metav1.ListOptions{})
			r.must(err)
			r.want(len(list.Items), 1)
			r.want(list.Items[0].Name, "c")
			r.want(len(r.server.stores[corev1.SchemeGroupVersion.WithResource("events")].born), 1)
		},
	} {
		t.Run(rule, func(t *testing.T) { inRig(t, story) })
	}
}

// TestPatchRules has one story for each rule about patches.
func TestPatchRules(t *testing.T) {
	for rule, story := range map[string]func(*rig){
		"a resourceVersion in a merge patch is a lock": func(r *rig) {
			n := r.newENI("a")
			_, err := r.merge("a", `{"metadata":{"resourceVersion":"1"},"spec":{"deviceIndex":2}}`)
			r.wantErr(apierrors.IsConflict, err)
			_, err = r.merge("a", `{"metadata":{"resourceVersion":"`+n.ResourceVersion+`"},"spec":{"deviceIndex":2}}`)
			r.must(err)
		},
		"a failed test refuses a JSON patch, without causes": func(r *rig) {
			r.newENI("a")
			for _, patch := range []string{
				`[{"op":"test","path":"/metadata/uid","value":"other"},{"op":"add","path":"/spec/deviceIndex","value":2}]`,
				`[{"op":"test","path":"/metadata/nothing","value":"x"}]`,
				`[{"op":"remove","path":"/metadata/finalizers/0"}]`,
				`[{"op":"add","path":"/metadata/annotations/a","value":"b"}]`,
			} {
				_, err := r.ops("a", patch)
				r.wantErr(apierrors.IsInvalid, err)
				status, isStatus := err.(apierrors.APIStatus)
				r.want(isStatus && (status.Status().Details == nil || len(status.Status().Details.Causes) == 0), true)
			}
			r.want(r.eni("a").Spec.DeviceIndex, int32(1))
		},
		"a JSON patch does what the controller does with it": func(r *rig) {
			n := r.newENI("a")
			n, err := r.ops("a", `[{"op":"test","path":"/metadata/uid","value":"`+string(n.UID)+`"},{"op":"test","path":"/metadata/resourceVersion","value":"`+n.ResourceVersion+`"},
				{"op":"add","path":"/metadata/finalizers","value":["example.com/a"]},{"op":"add","path":"/metadata/annotations","value":{"example.com/b":"c"}}]`)
			r.must(err)
			r.want(n.Finalizers[0], "example.com/a")
			n, err = r.ops("a", `[{"op":"add","path":"/metadata/annotations/example.com~1d","value":"e"}]`)
			r.must(err)
			r.want(n.Annotations["example.com/d"], "e")
			n, err = r.enis.Patch(r.Context(), "a", types.JSONPatchType, []byte(`[{"op":"add","path":"/status","value":{"observedGeneration":1}}]`), metav1.PatchOptions{}, "status")
			r.must(err)
			r.want(n.Status.ObservedGeneration, int64(1))
		},
		"strategic merge is for built-in kinds": func(r *rig) {
			r.newENI("a")
			r.newNode("a")
			_, err := r.enis.Patch(r.Context(), "a", types.StrategicMergePatchType, []byte(`{}`), metav1.PatchOptions{})
			r.wantErr(apierrors.IsUnsupportedMediaType, err)
			_, err = r.nodes.Patch(r.Context(), "a", types.StrategicMergePatchType, []byte(`{"spec":{"taints":[{"key":"a","effect":"NoSchedule"}]}}`), metav1.PatchOptions{})
			r.must(err)
			n, err := r.nodes.Patch(r.Context(), "a", types.StrategicMergePatchType, []byte(`{"spec":{"podCIDRs":["10.0.0.0/24"]}}`), metav1.PatchOptions{})
			r.must(err)
			r.want(len(n.Spec.Taints)+len(n.Spec.PodCIDRs), 2)
		},
		"server-side apply is refused": func(r *rig) {
			r.newENI("a")
			_, err := r.enis.Patch(r.Context(), "a", types.ApplyYAMLPatchType, []byte(`{}`), metav1.PatchOptions{})
			r.wantErr(apierrors.IsUnsupportedMediaType, err)
		},
		"nonsense is a bad request": func(r *rig) {
			r.newENI("a")
			for _, format := range []types.PatchType{types.JSONPatchType, types.MergePatchType} {
				_, err := r.enis.Patch(r.Context(), "a", format, []byte(`nonsense`), metav1.PatchOptions{})
				r.wantErr(apierrors.IsBadRequest, err)
			}
			_, err := r.merge("a", `{"spec":{"deviceIndex":"two"}}`)
			r.wantErr(apierrors.IsBadRequest, err)
		},
		"kinds that are not there are not served": func(r *rig) {
			r.newENI("a")
			_, err := r.kube.CoreV1().Pods("default").List(r.Context(), metav1.ListOptions{})
			r.wantErr(apierrors.IsNotFound, err)
			r.server.SetServed("nodeenis", false)
			_, err = r.enis.Get(r.Context(), "a", metav1.GetOptions{})
			r.want(apierrors.IsNotFound(err) && apierrors.HasStatusCause(err, metav1.CauseTypeUnexpectedServerResponse), true)
			r.server.SetServed("nodeenis", true)
			_, err = r.enis.Get(r.Context(), "a", metav1.GetOptions{})
			r.wantErr(ok, err)
		},
	} {
		t.Run(rule, func(t *testing.T) { inRig(t, story) })
	}
}
