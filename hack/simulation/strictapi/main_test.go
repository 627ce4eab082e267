package strictapi

import (
	"fmt"
	"os"
	"testing"
	"testing/synctest"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	typedv1alpha1 "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned/typed/networking/v1alpha1"
)

// TestMain keeps what client-go says about faults out of the output.
func TestMain(m *testing.M) {
	PrepareProcess()
	klog.SetLogger(klog.Logger{})
	os.Exit(m.Run())
}

// rig is a server with a client, in a bubble.
type rig struct {
	*testing.T
	server *Server
	client *Client
	kube   kubernetes.Interface
	enis   typedv1alpha1.NodeENIInterface
	nodes  typedcorev1.NodeInterface
}

func inRig(t *testing.T, story func(*rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		s := New(1)
		c := s.NewClient("test")
		story(&rig{t, s, c, c.Kube(), c.NodeENIs().NetworkingV1alpha1().NodeENIs(), c.Kube().CoreV1().Nodes()})
		c.Kill()
	})
}

func (r *rig) must(err error) {
	r.Helper()
	if err != nil {
		r.Fatal(err)
	}
}

// wantErr wants an error of one sort.
func (r *rig) wantErr(is func(error) bool, err error) {
	r.Helper()
	if !is(err) {
		r.Errorf("the answer was %v", err)
	}
}

func (r *rig) want(got, want any) {
	r.Helper()
	if got != want {
		r.Errorf("got %v, want %v", got, want)
	}
}

func (r *rig) newENI(name string, finalizers ...string) *v1alpha1.NodeENI {
	r.Helper()
	n, err := r.enis.Create(r.Context(), &v1alpha1.NodeENI{
		ObjectMeta: metav1.ObjectMeta{Name: name, Finalizers: finalizers, Labels: map[string]string{"of": "eni-" + name}},
		Spec:       v1alpha1.NodeENISpec{SubnetID: "subnet-1"},
	}, metav1.CreateOptions{})
	r.must(err)
	return n
}

func (r *rig) newNode(name string) *corev1.Node {
	r.Helper()
	n, err := r.nodes.Create(r.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: name}}, metav1.CreateOptions{})
	r.must(err)
	return n
}

func (r *rig) eni(name string) *v1alpha1.NodeENI {
	r.Helper()
	n, err := r.enis.Get(r.Context(), name, metav1.GetOptions{})
	r.must(err)
	return n
}

// merge applies a merge patch to a NodeENI.
func (r *rig) merge(name, patch string, subresources ...string) (*v1alpha1.NodeENI, error) {
	return r.enis.Patch(r.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
}

// ops applies a JSON patch to a NodeENI.
func (r *rig) ops(name, patch string) (*v1alpha1.NodeENI, error) {
	return r.enis.Patch(r.Context(), name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
}

func (r *rig) watch(o metav1.ListOptions) watch.Interface {
	r.Helper()
	w, err := r.enis.Watch(r.Context(), o)
	r.must(err)
	return w
}

// seen is what a watch delivers now, as "TYPE name version".
func (r *rig) seen(w watch.Interface) (list []string) {
	for {
		synctest.Wait()
		select {
		case e, open := <-w.ResultChan():
			if !open {
				return append(list, "closed")
			}
			if status, ok := e.Object.(*metav1.Status); ok {
				list = append(list, fmt.Sprint(e.Type, " ", status.Code))
				continue
			}
			o := e.Object.(object)
			text := fmt.Sprint(e.Type, " ", o.GetName(), " ", o.GetResourceVersion())
			if o.GetAnnotations()[metav1.InitialEventsAnnotationKey] == "true" {
				text += " end"
			}
			list = append(list, text)
		default:
			return list
		}
	}
}

// later lets time pass.
func later(d time.Duration) { time.Sleep(d) }
