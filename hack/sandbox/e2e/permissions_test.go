package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
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
// the beginning of a watch, and where it refuses to. What the events about the Lease tell takes more minutes than a test
// of this package waits; that they could be written TestEventsMayBeWrittenWhereTheyBelong asks.
func (g grant) spared() bool {
	return g.verb == "list" || g.namespace == sandbox.Namespace && g.resource == "events"
}

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
// with what the manifests allow.
func judgePermissions(ctx context.Context, clusters []*sandbox.Cluster, everyTestRan bool) error {
	allowed, err := grants(ctx, clusters[0])
	if err != nil {
		return err
	}
	var calls []sandbox.AuditedCall
	for _, cluster := range clusters {
		audited, err := cluster.Audited()
		if err != nil {
			return err
		}
		calls = append(calls, audited...)
	}
	return compare(allowed, calls, everyTestRan)
}

// compare demands that nothing was forbidden, and, when every test has run, that nothing is left over.
func compare(allowed []grant, calls []sandbox.AuditedCall, everyTestRan bool) error {
	var errs []error
	used := map[grant]bool{}
	for _, call := range calls {
		if call.Object == nil {
			continue // discovery
		}
		if call.Annotations["authorization.k8s.io/decision"] != "allow" {
			errs = append(errs, fmt.Errorf("the manifests' RBAC forbids what the controller does: %s %s", call.Verb, call.URI))
		}
		for _, g := range allowed {
			used[g] = used[g] || g.covers(call)
		}
	}
	left := slices.DeleteFunc(slices.Clone(allowed), func(g grant) bool { return used[g] || g.spared() })
	if everyTestRan && len(left) > 0 {
		errs = append(errs, fmt.Errorf("the manifests' RBAC allows what no controller of any test has done: %v", left))
	}
	if everyTestRan && len(allowed) == 0 {
		errs = append(errs, errors.New("the manifests' RBAC allows nothing: nothing was compared"))
	}
	return errors.Join(errs...)
}

// An event is written to the namespace of what it is about, and to "default" where that has none. No other is open.
func TestEventsMayBeWrittenWhereTheyBelong(t *testing.T) {
	for namespace, want := range map[string]bool{sandbox.Namespace: true, metav1.NamespaceDefault: true, metav1.NamespaceSystem: false, metav1.NamespaceAll: false} {
		for _, verb := range []string{"create", "patch"} {
			review, err := shared.cluster.Kube.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), &authorizationv1.SubjectAccessReview{
				Spec: authorizationv1.SubjectAccessReviewSpec{
					User:               "system:serviceaccount:" + sandbox.Namespace + ":" + sandbox.ServiceAccount,
					ResourceAttributes: &authorizationv1.ResourceAttributes{Namespace: namespace, Verb: verb, Resource: "events"},
				},
			}, metav1.CreateOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if review.Status.Allowed != want {
				t.Errorf("%s events in %q: allowed %t, want %t", verb, namespace, review.Status.Allowed, want)
			}
		}
	}
}

func TestComparePermissions(t *testing.T) {
	call := func(decision, verb, resource, subresource, name string) sandbox.AuditedCall {
		return sandbox.AuditedCall{
			Verb: verb, URI: "/" + resource, Annotations: map[string]string{"authorization.k8s.io/decision": decision},
			Object: &sandbox.AuditedObject{Group: "g", Resource: resource, Subresource: subresource, Namespace: "n", Name: name},
		}
	}
	allowed := grantsOf("n", []rbacv1.PolicyRule{
		{APIGroups: []string{"g"}, Resources: []string{"things"}, Verbs: []string{"get", "list"}},
		{APIGroups: []string{"g"}, Resources: []string{"things/status"}, ResourceNames: []string{"x"}, Verbs: []string{"patch"}},
	})
	get, patch := call("allow", "get", "things", "", "x"), call("allow", "patch", "things", "status", "x")
	for name, test := range map[string]struct {
		calls []sandbox.AuditedCall
		every bool
		want  string
	}{
		"everything is used":       {[]sandbox.AuditedCall{get, patch, {Verb: "get", URI: "/version"}}, true, ""},
		"surplus":                  {[]sandbox.AuditedCall{get}, true, "no controller of any test has done: [patch things/status.g x in n]"},
		"another name":             {[]sandbox.AuditedCall{get, call("allow", "patch", "things", "status", "y")}, true, "[patch things/status.g x in n]"},
		"another subresource":      {[]sandbox.AuditedCall{get, call("allow", "patch", "things", "", "x")}, true, "[patch things/status.g x in n]"},
		"a part of the tests":      {[]sandbox.AuditedCall{get}, false, ""},
		"lack":                     {[]sandbox.AuditedCall{get, patch, call("forbid", "create", "things", "", "")}, false, "forbids what the controller does: create /things"},
		"nothing was asked at all": {nil, true, "no controller of any test"},
	} {
		t.Run(name, func(t *testing.T) {
			err := compare(allowed, test.calls, test.every)
			if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
				t.Errorf("%v, want %q", err, test.want)
			}
		})
	}
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
