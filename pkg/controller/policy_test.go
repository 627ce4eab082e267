package controller

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// everyStatement is a life of a NodeENI in which each statement of the policy is needed. It returns why the NodeENI
// was stalled on the way.
func everyStatement(l *lab) (stalled []metav1.Condition) {
	look := func() {
		l.pass(time.Minute)
		for _, c := range l.nodeENI("a").Status.Conditions {
			if c.Type == v1alpha1.ConditionStalled && c.Status == metav1.ConditionTrue {
				stalled = append(stalled, c)
			}
		}
	}
	l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "a"} })
	look()
	for _, change := range []func(*v1alpha1.NodeENI){
		func(n *v1alpha1.NodeENI) { n.Spec.SecurityGroupIDs = []string{groupB} },
		func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "b"} },
		func(n *v1alpha1.NodeENI) { n.Spec.Tags = nil },
	} {
		l.edit("a", change)
		look()
	}
	// Restored from a backup: the same, with another UID.
	spec := l.nodeENI("a").Spec
	l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), "a", metav1.DeleteOptions{}))
	l.ask("a", 1, func(n *v1alpha1.NodeENI) { n.UID, n.Spec = "uid-restored", spec })
	l.pass(10 * time.Minute)
	look()
	return stalled
}

func TestThePolicySufficesForALifeThatNeedsEachStatement(t *testing.T) {
	inLab(t, 1, shippedPolicy(t).under, func(l *lab) {
		if stalled := everyStatement(l); len(stalled) > 0 {
			t.Errorf("stalled: %+v", stalled)
		}
		for action, codes := range l.sim.Calls() {
			if codes["UnauthorizedOperation"] > 0 {
				t.Errorf("%s was denied: %v", action, codes)
			}
		}
		l.wantOurs("node-00 1 attached")
		if status := l.nodeENI("a").Status; !meta.IsStatusConditionTrue(status.Conditions, v1alpha1.ConditionReady) {
			t.Errorf("status %+v", status)
		}
	})
}

// Each statement is needed, and who leaves one out is told which action is missing.
func TestAMissingStatementIsToldByTheActionThatItAllows(t *testing.T) {
	policy := shippedPolicy(t)
	missing := map[string]string{
		"CreateOwnInterfaces": "ec2:CreateNetworkInterface", "CreateInSubnetsWithSecurityGroups": "ec2:CreateNetworkInterface",
		"TagOwnInterfacesOnCreate": "ec2:CreateTags", "ManageOwnInterfaces": "ec2:AttachNetworkInterface",
		"AttachToInstances": "ec2:AttachNetworkInterface", "ChangeSecurityGroups": "ec2:ModifyNetworkInterfaceAttribute",
		"TagOwnInterfaces": "ec2:CreateTags", "AdoptOwnInterfaces": "ec2:CreateTags", "UntagOwnInterfaces": "ec2:DeleteTags",
	}
	for _, statement := range policy.Statement {
		sid := statement["Sid"].(string)
		if sid == "Describe" {
			continue // TestADeniedDescribeIsTold
		}
		action, ok := missing[sid]
		if !ok {
			t.Errorf("statement %s has no case: nothing shows that it is needed", sid)
			continue
		}
		delete(missing, sid)
		t.Run(sid, func(t *testing.T) {
			inLab(t, 1, policy.without(sid).under, func(l *lab) {
				stalled := everyStatement(l)
				if !slices.ContainsFunc(stalled, func(c metav1.Condition) bool {
					return c.Reason == v1alpha1.ReasonPermissionDenied && strings.Contains(c.Message, "manifests/iam") &&
						strings.Contains(c.Message, "not authorized to perform: "+action+" on ")
				}) {
					t.Errorf("stalled for %+v, want %s with %s and where to look", stalled, v1alpha1.ReasonPermissionDenied, action)
				}
			})
		})
	}
	if len(missing) > 0 {
		t.Errorf("cases of statements that are not there: %v", missing)
	}
}

// withoutAction is the policy less one action of the statement that allows reading.
func (p policy) withoutAction(action any) policy {
	i := slices.IndexFunc(p.Statement, func(s map[string]any) bool { return s["Sid"] == "Describe" })
	left := maps.Clone(p.Statement[i])
	left["Action"] = slices.DeleteFunc(slices.Clone(left["Action"].([]any)), func(a any) bool { return a == action })
	statements := slices.Clone(p.Statement)
	statements[i] = left
	return policy{p.Version, statements}
}

// Each action of the statement that allows reading is needed: without it nothing is attached, and the log names it.
func TestADeniedDescribeIsTold(t *testing.T) {
	policy := shippedPolicy(t)
	i := slices.IndexFunc(policy.Statement, func(s map[string]any) bool { return s["Sid"] == "Describe" })
	for _, action := range policy.Statement[i]["Action"].([]any) {
		t.Run(action.(string), func(t *testing.T) {
			inLab(t, 1, policy.withoutAction(action).under, func(l *lab) {
				l.settleAndStop()
				log := l.log(0)
				l.start()
				l.ask("a", 1)
				l.pass(time.Minute)
				l.wantOurs()
				if len(log.with("not authorized to perform: "+action.(string)+" on ")) == 0 {
					t.Errorf("the log does not name %s", action)
				}
			})
		})
	}
}
