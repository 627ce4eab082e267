package simulation

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
)

// This file is about creates that take effect when nobody waits for their answer any more: their connection is cut, the
// process that made them may be gone, and what they make comes to light in a list.

// delayed says which calls do so.
type delayed struct {
	mu sync.Mutex
	// late is after how long; struck counts how many have.
	late   time.Duration
	struck int
}

// by is how long a call is on its way after its connection was cut; 0 where it is not cut.
func (d *delayed) by(action string) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.late == 0 || action != "CreateNetworkInterface" {
		return 0
	}
	d.struck++
	return d.late
}

// begin has calls take effect so much later, until the function is called, which says how many did.
func (d *delayed) begin(late time.Duration) (end func() int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.late = late
	before := d.struck
	return func() int {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.late = 0
		return d.struck - before
	}
}

// delayCreates has creates take effect within the time that the controller gives them.
func (f *fault) delayCreates() string {
	while, late := between(f.Rand, 20*time.Second, 2*time.Minute), between(f.Rand, time.Second, inventory.CreateDeadline)
	end := f.delayed.begin(late)
	f.waits(while, func() bool { return end() > 0 })
	return fmt.Sprintf("%v later, for %v", late, while)
}

// delayInVain deletes a NodeENI whose creates are still on their way; perhaps its controller is told to stop meanwhile.
func (f *fault) delayInVain() string {
	late := between(f.Rand, inventory.CreateDeadline/3, inventory.CreateDeadline)
	end := f.delayed.begin(late)
	f.waits(late, func() bool { return end() > 0 })
	n := f.newVain(f.Rand, f.number)
	client := f.user.NodeENIs().NetworkingV1alpha1().NodeENIs()
	if _, err := client.Create(context.Background(), n, metav1.CreateOptions{}); err != nil {
		return fmt.Sprintf("%s: %v", n.Name, err)
	}
	d, stopped := between(f.Rand, time.Second, 6*time.Second), chance(f.Rand, 0.5)
	go func() {
		time.Sleep(d)
		_ = client.Delete(context.Background(), n.Name, metav1.DeleteOptions{}) // it is found when the faults have ended
		if stopped {
			for _, r := range f.replicas {
				if f.watch.leads(r.name) {
					r.stop()
					r.start()
				}
			}
		}
	}()
	return fmt.Sprintf("%s, deleted after %v, its creates take effect %v later; the leader is stopped: %v", n.Name, d, late, stopped)
}

// madeInVain sees a create take effect: the finalizer must have waited for it.
func (w *watcher) madeInVain(form url.Values) {
	uid := ""
	for key, values := range form {
		if values[0] == eni.TagNodeENIUID && strings.HasSuffix(key, ".Key") {
			uid = form.Get(strings.TrimSuffix(key, ".Key") + ".Value")
		}
	}
	w.mu.Lock()
	ended := w.ended[uid]
	w.mu.Unlock()
	if ended {
		w.violated(4, "an interface is made of a NodeENI that is gone: %s", uid)
	}
}
