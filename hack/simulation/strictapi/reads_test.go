package strictapi

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
)

// names lists NodeENIs, as "version: names".
func (r *rig) names(o metav1.ListOptions) string {
	r.Helper()
	list, err := r.enis.List(r.Context(), o)
	r.must(err)
	var names []string
	for _, n := range list.Items {
		names = append(names, n.Name)
	}
	return fmt.Sprint(list.ResourceVersion, ": ", strings.Join(names, " "))
}

// TestListRules has one story for each rule about reads.
func TestListRules(t *testing.T) {
	for rule, story := range map[string]func(*rig){
		"a list is sorted and bears the latest version of all kinds": func(r *rig) {
			r.newENI("b")
			r.newENI("a")
			r.want(r.names(metav1.ListOptions{}), "6: a b")
			r.newNode("n")
			r.want(r.names(metav1.ListOptions{}), "7: a b")
		},
		"selectors select": func(r *rig) {
			r.newENI("a")
			r.newENI("b")
			r.want(r.names(metav1.ListOptions{LabelSelector: "of=eni-a"}), "6: a")
			r.want(r.names(metav1.ListOptions{FieldSelector: "metadata.name=b"}), "6: b")
			_, err := r.enis.List(r.Context(), metav1.ListOptions{FieldSelector: "spec.subnetID=subnet-1"})
			r.wantErr(apierrors.IsBadRequest, err)
		},
		"pages are of one version": func(r *rig) {
			for _, name := range []string{"a", "b", "c", "d", "e"} {
				r.newENI(name)
			}
			first, err := r.enis.List(r.Context(), metav1.ListOptions{Limit: 2})
			r.must(err)
			r.want(len(first.Items), 2)
			r.want(*first.RemainingItemCount, int64(3))
			r.newENI("bb")
			r.must(r.enis.Delete(r.Context(), "c", metav1.DeleteOptions{}))
			r.want(r.names(metav1.ListOptions{Limit: 5, Continue: first.Continue}), first.ResourceVersion+": c d e")
			_, err = r.enis.List(r.Context(), metav1.ListOptions{Continue: "nonsense"})
			r.wantErr(apierrors.IsBadRequest, err)
		},
		"a page after a compaction is gone": func(r *rig) {
			r.newENI("a")
			r.newENI("b")
			first, err := r.enis.List(r.Context(), metav1.ListOptions{Limit: 1})
			r.must(err)
			r.newENI("c")
			r.server.Compact()
			_, err = r.enis.List(r.Context(), metav1.ListOptions{Limit: 1, Continue: first.Continue})
			r.wantErr(apierrors.IsResourceExpired, err)
		},
		"a list from the cache has one page": func(r *rig) {
			r.newENI("a")
			r.newENI("b")
			r.want(r.names(metav1.ListOptions{Limit: 1, ResourceVersion: "0"}), "6: a b")
		},
		"an exact version is what it was": func(r *rig) {
			n := r.newENI("a")
			r.newENI("b")
			exact := metav1.ListOptions{ResourceVersion: n.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact}
			r.want(r.names(exact), n.ResourceVersion+": a")
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			r.want(r.names(exact), n.ResourceVersion+": a")
			r.server.Compact()
			_, err := r.enis.List(r.Context(), exact)
			r.wantErr(apierrors.IsResourceExpired, err)
		},
		"nobody can read the future": func(r *rig) {
			for _, err := range []error{
				func() error {
					_, err := r.enis.List(r.Context(), metav1.ListOptions{ResourceVersion: "100"})
					return err
				}(),
				func() error {
					_, err := r.enis.Watch(r.Context(), metav1.ListOptions{ResourceVersion: "100"})
					return err
				}(),
			} {
				r.want(apierrors.IsTimeout(err) && apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge), true)
			}
		},
		"only reads with version 0 are stale": func(r *rig) {
			old := r.newENI("a")
			later(time.Minute)
			_, err := r.merge("a", `{"spec":{"deviceIndex":2}}`)
			r.must(err)
			fresh := r.newENI("b")
			r.client.SetFaults(Faults{Stale: Exactly(30 * time.Second)})
			r.want(r.names(metav1.ListOptions{ResourceVersion: "0"}), old.ResourceVersion+": a")
			r.want(r.names(metav1.ListOptions{}), fresh.ResourceVersion+": a b")
			r.want(r.names(metav1.ListOptions{ResourceVersion: fresh.ResourceVersion}), fresh.ResourceVersion+": a b")
			stale, err := r.enis.Get(r.Context(), "a", metav1.GetOptions{ResourceVersion: "0"})
			r.must(err)
			r.want(stale.ResourceVersion, old.ResourceVersion)
			r.want(r.eni("a").Spec.DeviceIndex, int32(2))
			w := r.watch(metav1.ListOptions{ResourceVersion: "0"})
			r.want(slices.Equal(r.seen(w), []string{"ADDED a 5", "MODIFIED a 6", "ADDED b 7"}), true)
			later(time.Minute)
			r.want(r.names(metav1.ListOptions{ResourceVersion: "0"}), fresh.ResourceVersion+": a b")
		},
		"history is kept for some minutes": func(r *rig) {
			r.newENI("a")
			later(keepHistory + time.Second)
			n := r.newENI("b")
			later(keepHistory - time.Second)
			r.newENI("c")
			_, err := r.enis.Watch(r.Context(), metav1.ListOptions{ResourceVersion: "4"})
			r.wantErr(apierrors.IsResourceExpired, err)
			r.want(fmt.Sprint(r.seen(r.watch(metav1.ListOptions{ResourceVersion: n.ResourceVersion}))), "[ADDED c 7]")
		},
	} {
		t.Run(rule, func(t *testing.T) { inRig(t, story) })
	}
}

// TestWatchRules has one story for each rule about watches.
func TestWatchRules(t *testing.T) {
	sees := func(r *rig, w watch.Interface, want ...string) {
		r.Helper()
		if got := r.seen(w); !slices.Equal(got, want) {
			r.Errorf("the watch delivered %q, want %q", got, want)
		}
	}
	bookmarks := metav1.ListOptions{
		SendInitialEvents: new(true), AllowWatchBookmarks: true, ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan,
	}
	for rule, story := range map[string]func(*rig){
		"a watch goes on from a version": func(r *rig) {
			n := r.newENI("a", "example.com/a")
			w := r.watch(metav1.ListOptions{ResourceVersion: "4"})
			old := r.watch(metav1.ListOptions{ResourceVersion: n.ResourceVersion})
			_, err := r.merge("a", `{"spec":{"deviceIndex":2}}`)
			r.must(err)
			r.must(r.enis.Delete(r.Context(), "a", metav1.DeleteOptions{}))
			_, err = r.merge("a", `{"metadata":{"finalizers":null}}`)
			r.must(err)
			sees(r, w, "ADDED a 5", "MODIFIED a 6", "MODIFIED a 7", "DELETED a 8")
			sees(r, old, "MODIFIED a 6", "MODIFIED a 7", "DELETED a 8")
		},
		"a watch without a version begins with what is there": func(r *rig) {
			r.newENI("b")
			r.newENI("a")
			w := r.watch(metav1.ListOptions{})
			r.newENI("c")
			sees(r, w, "ADDED a 6", "ADDED b 5", "ADDED c 7")
		},
		"initial events end with a bookmark": func(r *rig) {
			r.newENI("a")
			r.newNode("n")
			w := r.watch(bookmarks)
			sees(r, w, "ADDED a 5", "BOOKMARK  6 end")
			r.newENI("b")
			sees(r, w, "ADDED b 7")
		},
		"an old server refuses initial events": func(r *rig) {
			r.client.SetFaults(Faults{NoWatchList: true})
			_, err := r.enis.Watch(r.Context(), bookmarks)
			r.wantErr(apierrors.IsInvalid, err)
		},
		"bookmarks tell that nothing happened": func(r *rig) {
			w := r.watch(metav1.ListOptions{ResourceVersion: "4", AllowWatchBookmarks: true})
			without := r.watch(metav1.ListOptions{ResourceVersion: "4"})
			r.newNode("n")
			later(bookmarkInterval + time.Second)
			sees(r, w, "BOOKMARK  5")
			sees(r, without)
		},
		"selections see what enters and what leaves": func(r *rig) {
			r.newENI("a")
			w := r.watch(metav1.ListOptions{ResourceVersion: "5", LabelSelector: "in=yes"})
			for _, patch := range []string{`{"metadata":{"labels":{"in":"yes"}}}`, `{"spec":{"deviceIndex":2}}`, `{"metadata":{"labels":{"in":"no"}}}`, `{"spec":{"deviceIndex":3}}`} {
				_, err := r.merge("a", patch)
				r.must(err)
			}
			sees(r, w, "ADDED a 6", "MODIFIED a 7", "DELETED a 8")
			named := r.watch(metav1.ListOptions{ResourceVersion: "5", FieldSelector: "metadata.name=b"})
			r.newENI("b")
			sees(r, named, "ADDED b 10")
		},
		"a watch from before a compaction is gone": func(r *rig) {
			w := r.watch(metav1.ListOptions{ResourceVersion: "4"})
			r.newENI("a")
			sees(r, w, "ADDED a 5")
			r.newNode("n")
			r.server.Compact()
			sees(r, w)
			r.newENI("b")
			sees(r, w, "ADDED b 7")
			r.client.SetFaults(Faults{WatchLag: Exactly(10 * time.Second)})
			r.newENI("c")
			synctest.Wait() // c is on its way
			r.newENI("d")
			r.server.Compact()
			later(10 * time.Second)
			sees(r, w, "ADDED c 8", "ERROR 410", "closed")
			_, err := r.enis.Watch(r.Context(), metav1.ListOptions{ResourceVersion: "5"})
			r.wantErr(apierrors.IsResourceExpired, err)
		},
		"a watch ends when it is told to": func(r *rig) {
			seconds := int64(5)
			stopped, timedOut, dropped := r.watch(metav1.ListOptions{}), r.watch(metav1.ListOptions{TimeoutSeconds: &seconds}), r.watch(metav1.ListOptions{})
			stopped.Stop()
			sees(r, stopped, "closed")
			later(4 * time.Second)
			sees(r, timedOut)
			later(time.Second)
			sees(r, timedOut, "closed")
			sees(r, dropped)
			r.newENI("a")
			r.client.DropWatches()
			sees(r, dropped, "closed")
			r.want(r.client.Watches(), 0)
		},
		"a lag keeps the order within a watch": func(r *rig) {
			r.client.SetFaults(Faults{WatchLag: Range{time.Second, 10 * time.Second}})
			w := r.watch(metav1.ListOptions{ResourceVersion: "4"})
			var want []string
			for i := range 20 {
				r.newENI(fmt.Sprint(i))
				want = append(want, fmt.Sprintf("ADDED %d %d", i, 5+i))
			}
			sees(r, w)
			for range 10 {
				later(time.Second)
			}
			sees(r, w, want...)
		},
		"two watches lag apart": func(r *rig) {
			r.client.SetFaults(Faults{WatchLag: Range{0, time.Hour}})
			arrival := func(c *Client) time.Duration {
				w, err := c.NodeENIs().NetworkingV1alpha1().NodeENIs().Watch(r.Context(), metav1.ListOptions{ResourceVersion: "4", TimeoutSeconds: new(int64(7200))})
				r.must(err)
				start := time.Now()
				<-w.ResultChan()
				return time.Since(start)
			}
			other := r.server.NewClient("other")
			other.SetFaults(Faults{WatchLag: Range{0, time.Hour}})
			r.newENI("a")
			first, again := arrival(r.client), time.Duration(0)
			later(0)
			again = arrival(other)
			r.want(first > 0 && first != again, true)
		},
		"a watch may repeat what came before": func(r *rig) {
			r.newENI("a")
			n := r.newENI("b")
			r.client.SetFaults(Faults{Repeats: 1})
			sees(r, r.watch(metav1.ListOptions{ResourceVersion: n.ResourceVersion}), "ADDED b 6")
			r.must(r.enis.Delete(r.Context(), "b", metav1.DeleteOptions{}))
			sees(r, r.watch(metav1.ListOptions{ResourceVersion: r.server.ResourceVersion()}))
		},
		"a server ends watches after a while": func(r *rig) {
			r.client.SetFaults(Faults{WatchLife: Exactly(time.Minute)})
			w := r.watch(metav1.ListOptions{})
			later(59 * time.Second)
			sees(r, w)
			later(time.Second)
			sees(r, w, "closed")
		},
	} {
		t.Run(rule, func(t *testing.T) { inRig(t, story) })
	}
}
