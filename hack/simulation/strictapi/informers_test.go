package strictapi

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	kubeinformers "k8s.io/client-go/informers"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	informers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/informers/externalversions"
)

// TestInformersConverge has shared informers live through random writes and faults. When those stop, the
// informers' stores must be what the server has.
func TestInformersConverge(t *testing.T) {
	const seeds = 250
	for seed := range uint64(seeds) {
		synctest.Test(t, func(t *testing.T) { converge(t, seed) })
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

func converge(t *testing.T, seed uint64) {
	chance := rand.New(rand.NewPCG(seed, 1))
	s := New(seed)
	user, process := s.NewClient("user"), s.NewClient("controller")
	ctx, cancel := context.WithCancel(t.Context())
	core := kubeinformers.NewSharedInformerFactory(process.Kube(), 0)
	own := informers.NewSharedInformerFactory(process.NodeENIs(), 0)
	nodes, nodeENIs := core.Core().V1().Nodes().Lister(), own.Networking().V1alpha1().NodeENIs().Lister()
	core.StartWithContext(ctx)
	own.StartWithContext(ctx)
	for range 30 {
		switch chance.IntN(8) {
		case 0:
			process.SetFaults(randomFaults(chance))
		case 1:
			process.DropWatches()
		case 2:
			s.Compact()
		default:
			writeSomething(t, chance, user)
		}
		time.Sleep(time.Duration(chance.IntN(5000)) * time.Millisecond)
	}
	process.SetFaults(Faults{})
	time.Sleep(2 * time.Minute) // longer than the reflectors' longest back-off
	haveNodes, err := nodes.List(labels.Everything())
	haveNodeENIs, err2 := nodeENIs.List(labels.Everything())
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	wantNodes, err := user.Kube().CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	wantNodeENIs, err2 := user.NodeENIs().NetworkingV1alpha1().NodeENIs().List(ctx, metav1.ListOptions{})
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	same(t, haveNodes, wantNodes.Items)
	same(t, haveNodeENIs, wantNodeENIs.Items)
	cancel()
	core.Shutdown()
	own.Shutdown()
	synctest.Wait()
	if n := process.Watches(); n != 0 {
		t.Errorf("%d watches outlive their informers", n)
	}
}

func same[T any, P interface {
	*T
	metav1.Object
}](t *testing.T, have []P, want []T) {
	t.Helper()
	byName := map[string]P{}
	for _, o := range have {
		byName[o.GetName()] = o
	}
	if len(byName) != len(want) {
		t.Errorf("the informer has %d objects, the server %d", len(byName), len(want))
	}
	for i := range want {
		w := P(&want[i])
		if o := byName[w.GetName()]; o == nil || !equality.Semantic.DeepEqual(o, w) {
			t.Errorf("%s: (-server, +informer)\n%s", w.GetName(), cmp.Diff(w, o))
		}
	}
}

func randomFaults(chance *rand.Rand) Faults {
	upTo := func(most time.Duration) Range { return Range{Max: time.Duration(chance.Int64N(int64(most)))} }
	return Faults{
		Latency: upTo(time.Second), ErrorShare: chance.Float64() / 2, Unreachable: chance.IntN(6) == 0, Stalled: chance.IntN(6) == 0,
		WatchLag: upTo(20 * time.Second), WatchLife: Range{time.Second, time.Minute}, Repeats: chance.Float64(),
		Stale: upTo(time.Minute), NoWatchList: chance.IntN(3) == 0,
	}
}

// writeSomething makes a random write, which may well be refused.
func writeSomething(t *testing.T, chance *rand.Rand, c *Client) {
	ctx, nodes, nodeENIs := t.Context(), c.Kube().CoreV1().Nodes(), c.NodeENIs().NetworkingV1alpha1().NodeENIs()
	name := fmt.Sprint("object-", chance.IntN(5))
	meta := metav1.ObjectMeta{Name: name, Labels: map[string]string{"n": fmt.Sprint(chance.IntN(3))}}
	patch := fmt.Appendf(nil, `{"metadata":{"labels":{"n":"%d"}},"spec":{"deviceIndex":%d}}`, chance.IntN(3), 1+chance.IntN(3))
	switch chance.IntN(8) {
	case 0, 1:
		_, _ = nodes.Create(ctx, &corev1.Node{ObjectMeta: meta}, metav1.CreateOptions{})
	case 2, 3:
		meta.Finalizers = []string{"example.com/a"}
		_, _ = nodeENIs.Create(ctx, &v1alpha1.NodeENI{ObjectMeta: meta}, metav1.CreateOptions{})
	case 4:
		_ = nodes.Delete(ctx, name, metav1.DeleteOptions{})
	case 5:
		_ = nodeENIs.Delete(ctx, name, metav1.DeleteOptions{})
		_, _ = nodeENIs.Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	case 6:
		_, _ = nodeENIs.Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
	case 7:
		_, _ = nodes.Patch(ctx, name, types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	}
}
