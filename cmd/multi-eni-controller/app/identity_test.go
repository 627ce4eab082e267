package app

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"

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
