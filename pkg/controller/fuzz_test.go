package controller

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// A world of odd names, from Kubernetes to EC2 and back: what the API server may hold is attached without a call that EC2
// refuses, or is reported as an invalid spec without any; and once it is there, nothing is put right any more.
func FuzzWorld(f *testing.F) {
	f.Add("a", "node-1", "text", "team", "net", "multi")
	f.Add(strings.Repeat("a", 253), strings.Repeat("n", 253), strings.Repeat("ä", 255), strings.Repeat("k", 128), strings.Repeat("ü", 256), strings.Repeat("v", 63))
	f.Add("a", "n.example.com", "🦊 <b>&\"'</b>", "Name", "a b\tc\nd", "")
	f.Add("a", "n", "bell \a", "key\x01", "value\x1b", "x")
	f.Add("a", "n", " ", " ", "", "x")
	f.Add("a", "n", "]]>", "é\u0301", `\*?`, "x")
	f.Add("a", "n", "=cmd", "AWS:x", "{\"json\":[1]}", "1.2_3-4")
	f.Fuzz(func(t *testing.T, name, nodeName, description, key, value, label string) {
		for _, text := range []string{description, key, value} {
			if !utf8.ValidString(text) || strings.ContainsRune(text, utf8.RuneError) {
				t.Skip("nothing that JSON carries")
			}
		}
		if len(validation.IsDNS1123Subdomain(name)) > 0 || len(validation.IsDNS1123Subdomain(nodeName)) > 0 || len(validation.IsValidLabelValue(label)) > 0 {
			t.Skip("nothing that the API server takes")
		}
		inLab(t, 1, nil, func(l *lab) { l.oddWorld(name, nodeName, description, key, value, label) })
	})
}

func (l *lab) oddWorld(name, nodeName, description, key, value, label string) {
	l.Helper()
	l.must(l.kube.CoreV1().Nodes().Delete(l.Context(), "node-00", metav1.DeleteOptions{}))
	_, err := l.kube.CoreV1().Nodes().Create(l.Context(), &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName, UID: "uid-odd", Labels: map[string]string{"odd": label}},
		Spec:       corev1.NodeSpec{ProviderID: "aws:///us-east-1a/" + instanceID(0)},
	}, metav1.CreateOptions{})
	l.must(err)
	n := l.ask(name, 1, func(n *v1alpha1.NodeENI) {
		n.UID, n.Spec.NodeSelector, n.Spec.Description, n.Spec.Tags = "uid-odd", map[string]string{"odd": label}, &description, map[string]string{key: value}
	})
	l.pass(time.Minute)
	if errs := plan.Validate(n); len(errs) > 0 {
		l.wantCondition(name, v1alpha1.ConditionStalled, "True "+v1alpha1.ReasonInvalidSpec)
		if got := l.mutatingCalls(); got > 0 {
			l.Errorf("%d mutating calls for an invalid spec (%v)", got, errs)
		}
		return
	}
	l.wantOurs(nodeName + " 1 attached")
	l.wantCondition(name, v1alpha1.ConditionReady, "True "+v1alpha1.ReasonAllAttached)
	l.stop()
	l.start()                // who only knows what EC2 shows
	l.pass(10 * time.Second) // until the subnet is described, the status lacks its zone
	mutating, writes := l.mutatingCalls(), l.writes()
	if mutating != 3 {
		l.Errorf("%d mutating calls, want create, attach and the flag", mutating)
	}
	l.pass(10 * time.Minute)
	if got := l.mutatingCalls() - mutating + l.writes() - writes; got > 0 {
		l.Errorf("%d calls and writes although everything is as wanted", got)
	}
	l.delete(name)
	l.pass(2 * time.Minute)
	l.wantOurs()
}
