//go:build !race

package simulation

import (
	"flag"
	"fmt"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/client-go/util/workqueue"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

var (
	soakDays  = flag.Int("days", 1, "how many virtual days the soak lasts")
	soakNodes = flag.Int("nodes", 200, "how many Nodes the soak has")
)

// TestSoak lives through days of churn. It has the work queues of this process measured from then on, which makes
// seeds dearer, so it is the last test here and best run alone.
func TestSoak(t *testing.T) {
	began, queues := time.Now(), &queueMetrics{}
	workqueue.SetProvider(queues)
	var result SoakResult
	// In the bubble there is virtual time only, so that the lines are given to somebody outside.
	lines, printed := make(chan string, *soakDays), make(chan struct{})
	go func() {
		defer close(printed)
		last := began
		for line := range lines {
			fmt.Printf("%s; took %v\n", line, time.Since(last).Round(time.Second/10))
			last = time.Now()
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		var err error
		result, err = Soak{
			Days: *soakDays, Nodes: *soakNodes, Seed: *first, Rest: synctest.Wait, Queues: queues.now,
			Told: func(line string) { lines <- line },
		}.Run()
		if err != nil {
			t.Fatal(err)
		}
	})
	close(lines)
	<-printed
	if len(result.Violations) > 0 {
		t.Fatalf("the property is violated: %v\n%s\nreplay: make soak SOAK_DAYS=%d SOAK_NODES=%d SEED=%d", result.Violations, result.Trace, *soakDays, *soakNodes, *first)
	}
	if queues.most.Load() == 0 {
		t.Error("no queue has ever held a key: what measures them does not work")
	}
	judged := longestReign(result.Samples)
	t.Logf("judged are %d hours of one leader, %d acts in them; it took %v", len(judged), judged[len(judged)-1].Acts-judged[0].Acts, time.Since(began).Round(time.Second))
	for _, problem := range growth(judged) {
		t.Error(problem)
	}
	if t.Failed() || testing.Verbose() {
		for _, s := range result.Samples {
			t.Logf("%v: leader %d, %d acts, %d events, heap %.0f KiB, %.0f goroutines, %d interfaces", s.At, s.Reign, s.Acts, s.Events, s.Heap/1024, s.Goroutines, s.Interfaces)
		}
	}
	wantLeaksSeen(t, judged)
}

// wantLeaksSeen has what was measured grow by a little with each act, as it would with a leak, which must be seen.
func wantLeaksSeen(t *testing.T, judged []Sample) {
	t.Helper()
	size := sizeOfNodeENI()
	heap, goroutines := append([]Sample{}, judged...), append([]Sample{}, judged...)
	for i := range judged {
		acts := float64(judged[i].Acts - judged[0].Acts)
		heap[i].Heap += acts * size
		goroutines[i].Goroutines += acts
	}
	if len(growth(heap)) == 0 {
		t.Errorf("a leak of one NodeENI (%.0f bytes) with each act would not be seen", size)
	}
	if len(growth(goroutines)) == 0 {
		t.Error("a leak of one goroutine with each act would not be seen")
	}
}

// sizeOfNodeENI is what one takes in memory, with a status for 50 nodes.
func sizeOfNodeENI() float64 {
	n := &v1alpha1.NodeENI{}
	for i := range 50 {
		n.Status.Attachments = append(n.Status.Attachments, v1alpha1.Attachment{NodeName: fmt.Sprintf("node-%d", i)})
	}
	const count = 100
	var kept [count]*v1alpha1.NodeENI
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range kept {
		kept[i] = n.DeepCopy()
	}
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(kept)
	return float64(after.TotalAlloc-before.TotalAlloc) / count
}
