package app

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

func TestIdentityDefaultsToTheUIDOfKubeSystem(t *testing.T) {
	kube := fake.NewClientset(&corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "kube-system", UID: "uid-1"}})
	for _, test := range []struct{ flag, want string }{{"", "uid-1"}, {"chosen", "chosen"}} {
		cluster, err := clusterIdentity(t.Context(), kube, &Options{ClusterName: "prod", ClusterID: test.flag})
		if err != nil || cluster.ID != test.want || cluster.Name != "prod" {
			t.Errorf("--cluster-id=%q: %+v, %v; want ID %q", test.flag, cluster, err, test.want)
		}
	}
}

func TestIdentityIsFixedAtFirstUse(t *testing.T) {
	for _, test := range []struct {
		name  string
		first plan.Cluster
		then  plan.Cluster
		// refused is part of the error's text; empty when the second start is to succeed.
		refused string
	}{
		{"same", plan.Cluster{ID: "a", Name: "prod"}, plan.Cluster{ID: "a", Name: "prod"}, ""},
		{"another ID", plan.Cluster{ID: "a", Name: "prod"}, plan.Cluster{ID: "b", Name: "prod"}, "--also-owned-cluster-ids=a"},
		{"another ID that owns the first", plan.Cluster{ID: "a", Name: "prod"}, plan.Cluster{ID: "b", Name: "prod", AlsoOwned: []string{"a"}}, ""},
		{"another name", plan.Cluster{ID: "a", Name: "prod"}, plan.Cluster{ID: "a", Name: "dev"}, "--cluster-name=prod"},
	} {
		t.Run(test.name, func(t *testing.T) {
			kube := fake.NewClientset()
			if err := fixIdentity(t.Context(), kube, "ns", "lease", test.first); err != nil {
				t.Fatal(err)
			}
			err := fixIdentity(t.Context(), kube, "ns", "lease", test.then)
			want := test.then
			if test.refused != "" {
				want = test.first
				if err == nil || !strings.Contains(err.Error(), test.refused) {
					t.Errorf("second start: %v, want an error with %q", err, test.refused)
				}
			} else if err != nil {
				t.Errorf("second start: %v", err)
			}
			lease, err := kube.CoordinationV1().Leases("ns").Get(t.Context(), "lease", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if id, name := lease.Annotations[eni.TagClusterID], lease.Annotations[eni.TagClusterName]; id != want.ID || name != want.Name {
				t.Errorf("recorded %q, %q; want %q, %q", id, name, want.ID, want.Name)
			}
		})
	}
}

// The leader renews the Lease between our read and our write of it.
func TestIdentityIsRecordedAlthoughTheLeaderRenewsInBetween(t *testing.T) {
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: "lease"}}
	inscribe(lease, plan.Cluster{ID: "a", Name: "prod"})
	kube := fake.NewClientset(lease)
	conflicts := 0
	kube.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
		if conflicts++; conflicts > 2 {
			return false, nil, nil
		}
		return true, nil, apierrors.NewConflict(schema.GroupResource{Resource: "leases"}, "lease", errors.New("changed"))
	})
	b := plan.Cluster{ID: "b", Name: "prod", AlsoOwned: []string{"a"}}
	if err := fixIdentity(t.Context(), kube, "ns", "lease", b); err != nil {
		t.Fatal(err)
	}
	now, err := kube.CoordinationV1().Leases("ns").Get(t.Context(), "lease", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got := now.Annotations; got[eni.TagClusterID] != "b" || got[annotationFormerIDs] != "a" || conflicts != 3 {
		t.Errorf("recorded %v after %d updates", got, conflicts)
	}
}

// A read of the Lease that fails is made again for as long as this replica leads.
func TestALeaseThatCanNotBeReadAtOnceIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		kube, reads, ran := fake.NewClientset(), 0, false
		a := plan.Cluster{ID: "a", Name: "prod"}
		if err := fixIdentity(t.Context(), kube, "ns", "lease", a); err != nil {
			t.Fatal(err)
		}
		kube.PrependReactor("get", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
			reads++
			return reads <= 3, nil, apierrors.NewInternalError(errors.New("etcdserver: request timed out"))
		})
		began := time.Now()
		run := underIdentity(kube, "ns", "lease", a, func(context.Context) error { ran = true; return nil })
		if err := run(t.Context()); err != nil || !ran || reads != 4 || time.Since(began) != 3*retryIdentity {
			t.Errorf("it works: %v after %d reads in %v, error %v", ran, reads, time.Since(began), err)
		}
	})
}

// A replica that stood by while another one recorded a new identity does not lead under the old one, which would not know
// the new one's interfaces for its own.
func TestNobodyLeadsUnderAnIdentityThatWasReplaced(t *testing.T) {
	a := plan.Cluster{ID: "a", Name: "prod"}
	for _, test := range []struct {
		name    string
		since   plan.Cluster
		refused string
	}{
		{"nothing was recorded since", a, ""},
		{"another one that owns ours", plan.Cluster{ID: "b", Name: "prod", AlsoOwned: []string{"a"}}, `tagged with cluster ID "b", and --cluster-id now is "a"`},
	} {
		kube := fake.NewClientset()
		ran := false
		run := underIdentity(kube, "ns", "lease", a, func(context.Context) error { ran = true; return nil })
		unreadable, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		if err := run(unreadable); err != nil || ran {
			t.Errorf("%s: it works, or ends for good, although nobody could read the Lease until it was lost: %v", test.name, err)
		}
		cancel()
		for _, start := range []plan.Cluster{a, test.since} {
			if err := fixIdentity(t.Context(), kube, "ns", "lease", start); err != nil {
				t.Fatal(err)
			}
		}
		err := run(t.Context())
		if ran != (test.refused == "") || (err != nil) != (test.refused != "") || (err != nil && !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("%s: it works: %v; error %v, want one with %q", test.name, ran, err, test.refused)
		}
	}
}
