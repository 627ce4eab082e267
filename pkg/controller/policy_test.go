package controller

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// policyDocument is the IAM policy that is shipped.
type policyDocument struct {
	Version   string
	Statement []map[string]any
}

func shippedPolicy(t *testing.T) policyDocument {
	t.Helper()
	data, err := os.ReadFile("../../manifests/iam/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy policyDocument
	if err := json.Unmarshal([]byte(strings.ReplaceAll(string(data), "CLUSTER_NAME", "prod")), &policy); err != nil {
		t.Fatal(err)
	}
	return policy
}

// without is the policy less one statement.
func (p policyDocument) without(t *testing.T, sid string) string {
	t.Helper()
	left := slices.DeleteFunc(slices.Clone(p.Statement), func(s map[string]any) bool { return s["Sid"] == sid })
	if len(left) != len(p.Statement)-1 && sid != "" {
		t.Fatalf("no statement %q", sid)
	}
	document, err := json.Marshal(policyDocument{p.Version, left})
	if err != nil {
		t.Fatal(err)
	}
	return string(document)
}

// enforce has the controller's calls judged by a policy; somebody else may do anything.
func enforce(document string) func(*ec2sim.World) {
	return func(w *ec2sim.World) {
		w.Principals = []ec2sim.Principal{{Name: "controller", AccessKey: "AKIDTEST", Documents: []string{document}}}
		for i := range w.Instances {
			w.Instances[i].Tags = map[string]string{"kubernetes.io/cluster/prod": "owned"}
		}
	}
}

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
	inLab(t, 1, enforce(shippedPolicy(t).without(t, "")), func(l *lab) {
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
			inLab(t, 1, enforce(policy.without(t, sid)), func(l *lab) {
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
func (p policyDocument) withoutAction(t *testing.T, action any) string {
	t.Helper()
	i := slices.IndexFunc(p.Statement, func(s map[string]any) bool { return s["Sid"] == "Describe" })
	left := maps.Clone(p.Statement[i])
	left["Action"] = slices.DeleteFunc(slices.Clone(left["Action"].([]any)), func(a any) bool { return a == action })
	statements := slices.Clone(p.Statement)
	statements[i] = left
	return policyDocument{p.Version, statements}.without(t, "")
}

// lockedLog is a log that several write and one reads.
type lockedLog struct {
	sync.Mutex
	bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.Lock()
	defer l.Unlock()
	return l.Buffer.Write(p)
}

func (l *lockedLog) text() string {
	l.Lock()
	defer l.Unlock()
	return l.String()
}

// Each action of the statement that allows reading is needed: without it nothing is attached, and the log names it.
func TestADeniedDescribeIsTold(t *testing.T) {
	policy := shippedPolicy(t)
	i := slices.IndexFunc(policy.Statement, func(s map[string]any) bool { return s["Sid"] == "Describe" })
	for _, action := range policy.Statement[i]["Action"].([]any) {
		t.Run(action.(string), func(t *testing.T) {
			inLab(t, 1, enforce(policy.withoutAction(t, action)), func(l *lab) {
				log := &lockedLog{}
				l.settleAndStop()
				l.log = log
				l.start()
				l.ask("a", 1)
				l.pass(time.Minute)
				l.wantOurs()
				if !strings.Contains(log.text(), "not authorized to perform: "+action.(string)+" on ") {
					t.Errorf("the log does not name %s:\n%s", action, log.text())
				}
			})
		})
	}
}
