package e2e

import (
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// grant is one thing that the manifests' RBAC allows. Empty fields do not narrow it.
type grant struct{ namespace, group, resource, name, verb string }

func (g grant) String() string {
	text := g.verb + " " + strings.TrimSuffix(g.resource+"."+g.group, ".")
	if g.name != "" {
		text += " " + g.name
	}
	if g.namespace != "" {
		text += " in " + g.namespace
	}
	return text
}

// covers reports whether the grant allows a call.
func (g grant) covers(call sandbox.AuditedCall) bool {
	object := call.Object
	resource := strings.TrimSuffix(object.Resource+"/"+object.Subresource, "/")
	return g.verb == call.Verb && g.group == object.Group && g.resource == resource &&
		(g.name == "" || g.name == object.Name) && (g.namespace == "" || g.namespace == object.Namespace)
}

// spared are grants that need not be used: client-go lists where the server is too old to stream what there is as
// the beginning of a watch, and where it refuses to.
func (g grant) spared() bool { return g.verb == "list" }

func grantsOf(namespace string, rules []rbacv1.PolicyRule) (list []grant) {
	for _, rule := range rules {
		names := rule.ResourceNames
		if len(names) == 0 {
			names = []string{""}
		}
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, name := range names {
					for _, verb := range rule.Verbs {
						list = append(list, grant{namespace, group, resource, name, verb})
					}
				}
			}
		}
	}
	return list
}

// grants are all that the installed manifests allow the controller.
func grants(ctx context.Context, cluster *sandbox.Cluster) ([]grant, error) {
	ours := metav1.ListOptions{LabelSelector: "app.kubernetes.io/name=aws-multi-eni-controller"}
	clusterRoles, err := cluster.Kube.RbacV1().ClusterRoles().List(ctx, ours)
	if err != nil {
		return nil, err
	}
	roles, err := cluster.Kube.RbacV1().Roles(metav1.NamespaceAll).List(ctx, ours)
	if err != nil {
		return nil, err
	}
	var list []grant
	for _, role := range clusterRoles.Items {
		list = append(list, grantsOf("", role.Rules)...)
	}
	for _, role := range roles.Items {
		list = append(list, grantsOf(role.Namespace, role.Rules)...)
	}
	return list, nil
}

// judgePermissions compares what the controllers of all tests asked of the API servers, as their audit logs have it,
// with what the manifests allow: nothing may have been forbidden, and, when every test has run, nothing may be left
// over.
func judgePermissions(ctx context.Context, clusters []*sandbox.Cluster, everyTestRan bool) error {
	allowed, err := grants(ctx, clusters[0])
	if err != nil {
		return err
	}
	var errs []error
	unused := map[grant]bool{}
	for _, g := range allowed {
		unused[g] = !g.spared()
	}
	calls := 0
	for _, cluster := range clusters {
		audited, err := cluster.Audited()
		errs = append(errs, err)
		for _, call := range audited {
			if call.Object == nil {
				continue // discovery
			}
			calls++
			if call.Annotations["authorization.k8s.io/decision"] != "allow" {
				errs = append(errs, fmt.Errorf("the manifests' RBAC forbids what the controller does: %s %s", call.Verb, call.URI))
			}
			for _, g := range allowed {
				if g.covers(call) {
					unused[g] = false
				}
			}
		}
	}
	maps.DeleteFunc(unused, func(_ grant, left bool) bool { return !left })
	switch {
	case !everyTestRan:
	case calls == 0 || len(allowed) == 0:
		errs = append(errs, fmt.Errorf("%d calls were audited, and %d are allowed: nothing was compared", calls, len(allowed)))
	case len(unused) > 0:
		left := slices.SortedFunc(maps.Keys(unused), func(a, b grant) int { return cmp.Compare(a.String(), b.String()) })
		errs = append(errs, fmt.Errorf("the manifests' RBAC allows what no controller of any test has done: %v", left))
	}
	return errors.Join(errs...)
}

// everyTestRuns reports that no flag picks tests.
func everyTestRuns() bool {
	for _, name := range []string{"test.run", "test.skip", "test.list"} {
		if picks := flag.Lookup(name); picks == nil || picks.Value.String() != "" {
			return false
		}
	}
	return true
}
