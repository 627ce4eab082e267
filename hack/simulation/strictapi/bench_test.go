package strictapi

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// benchmarked is a NodeENI with a status for some nodes.
func benchmarked(name string) *v1alpha1.NodeENI {
	n := &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec:       v1alpha1.NodeENISpec{SubnetID: "subnet-1", NodeSelector: map[string]string{"a": "b"}, SecurityGroupIDs: []string{"sg-1"}},
	}
	for i := range 10 {
		n.Status.Attachments = append(n.Status.Attachments, v1alpha1.Attachment{NodeName: fmt.Sprint("node-", i), InstanceID: "i-1"})
	}
	return n
}

func BenchmarkCalls(b *testing.B) {
	s := New(1)
	enis := s.NewClient("test").NodeENIs().NetworkingV1alpha1().NodeENIs()
	n, err := enis.Create(b.Context(), benchmarked("a"), metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	n.Status = benchmarked("a").Status
	if _, err = enis.UpdateStatus(b.Context(), n, metav1.UpdateOptions{}); err != nil {
		b.Fatal(err)
	}
	b.Run("client", func(b *testing.B) {
		for b.Loop() {
			c := s.NewClient("other")
			c.Kube().CoreV1().Nodes()
			c.Kill()
		}
	})
	b.Run("create", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			if _, err := enis.Create(b.Context(), benchmarked(fmt.Sprint("b-", i)), metav1.CreateOptions{}); err != nil {
				b.Fatal(err)
			}
			if err := enis.Delete(b.Context(), fmt.Sprint("b-", i), metav1.DeleteOptions{}); err != nil {
				b.Fatal(err)
			}
		}
		s.TakeWrites()
	})
	b.Run("patch", func(b *testing.B) {
		i := 0
		for b.Loop() {
			i++
			patch := fmt.Appendf(nil, `[{"op":"test","path":"/metadata/uid","value":%q},{"op":"add","path":"/status/observedGeneration","value":%d}]`, n.UID, i)
			if _, err := enis.Patch(b.Context(), "a", types.JSONPatchType, patch, metav1.PatchOptions{}, "status"); err != nil {
				b.Fatal(err)
			}
		}
		s.TakeWrites()
	})
	b.Run("get", func(b *testing.B) {
		for b.Loop() {
			if _, err := enis.Get(b.Context(), "a", metav1.GetOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkWatchEvent is a patch and its delivery to one watch.
func BenchmarkWatchEvent(b *testing.B) {
	s := New(1)
	c := s.NewClient("test")
	enis := c.NodeENIs().NetworkingV1alpha1().NodeENIs()
	n, err := enis.Create(b.Context(), benchmarked("a"), metav1.CreateOptions{})
	if err != nil {
		b.Fatal(err)
	}
	w, err := enis.Watch(b.Context(), metav1.ListOptions{ResourceVersion: n.ResourceVersion})
	if err != nil {
		b.Fatal(err)
	}
	i := 0
	for b.Loop() {
		i++
		patch := fmt.Appendf(nil, `{"spec":{"deviceIndex":%d}}`, i%90+2)
		if _, err := enis.Patch(b.Context(), "a", types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
			b.Fatal(err)
		}
		<-w.ResultChan()
	}
	c.Kill()
}
