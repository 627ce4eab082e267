package migrate

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

// olds are objects of the community's controller: one with what has no counterpart here, one that only names things, one
// that is as good as ours, and one that is going.
const olds = `
apiVersion: networking.k8s.aws/v1alpha1
kind: NodeENI
metadata:
  name: dpdk
  uid: uid-dpdk
  finalizers: [nodeeni.networking.k8s.aws/finalizer]
spec:
  nodeSelector: {ng: multi-eni}
  subnetIDs: [subnet-0aaaaaaaaaaaaaaa1, subnet-0aaaaaaaaaaaaaaa2]
  securityGroupIDs: [sg-0aaaaaaaaaaaaaaa1]
  deviceIndex: 2
  mtu: 9001
  enableDPDK: true
status:
  attachments:
  - {nodeID: node1, instanceID: i-0aaaaaaaaaaaaaaa1, eniID: eni-0aaaaaaaaaaaaaaa1, attachmentID: eni-attach-1, status: attached}
---
apiVersion: networking.k8s.aws/v1alpha1
kind: NodeENI
metadata: {name: named}
spec:
  nodeSelector: {ng: multi-eni}
  subnetName: net a
  securityGroupNames: [web]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: none-of-our-business}
---
apiVersion: v1
kind: List
items:
- apiVersion: networking.k8s.aws/v1alpha1
  kind: NodeENI
  metadata: {name: plain, labels: {team: net}}
  spec: {nodeSelector: {ng: x}, subnetID: subnet-0aaaaaaaaaaaaaaa1, securityGroupIDs: [sg-0aaaaaaaaaaaaaaa1], deviceIndex: 1, deleteOnTermination: true}
- apiVersion: networking.k8s.aws/v1alpha1
  kind: NodeENI
  metadata: {name: going, finalizers: [nodeeni.networking.k8s.aws/finalizer], deletionTimestamp: "2026-01-02T03:04:05Z"}
  spec: {nodeSelector: {ng: x}}
`

// complete are the flags with which all of it can be migrated.
var complete = []string{"--subnet-id=net a=subnet-0aaaaaaaaaaaaaaa3", "--security-group-id=web=sg-0aaaaaaaaaaaaaaa2", "--drop=mtu,enableDPDK"}

type lab struct {
	*testing.T
	core    *kubefake.Clientset
	dynamic *dynamicfake.FakeDynamicClient
	dir     string
	stdin   string
}

func newLab(t *testing.T, core ...runtime.Object) *lab {
	t.Helper()
	objects, err := migrate.ReadYAML(strings.NewReader(olds))
	if err != nil || len(objects) != 4 {
		t.Fatalf("%d objects, %v", len(objects), err)
	}
	l := &lab{T: t, core: kubefake.NewClientset(core...), dir: t.TempDir(), stdin: olds}
	var list []runtime.Object
	for _, o := range objects {
		list = append(list, o)
	}
	kinds := map[schema.GroupVersionResource]string{nodeENIs: "NodeENIList"}
	l.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(), kinds, list...)
	return l
}

var nodeENIs = v1alpha1.SchemeGroupVersion.WithResource("nodeenis")

func (l *lab) run(args ...string) (code int, stdout, stderr string) {
	l.Helper()
	var out, errs bytes.Buffer
	code = main(l.Context(), args, strings.NewReader(l.stdin), &out, &errs, func(string) (*cluster, error) { return newCluster(l.core, l.dynamic), nil })
	return code, strings.ReplaceAll(out.String(), l.dir, "DIR"), strings.ReplaceAll(errs.String(), l.dir, "DIR")
}

// want runs the command and demands its exit code, and a word on standard error.
func (l *lab) want(code int, word string, args ...string) string {
	l.Helper()
	got, stdout, stderr := l.run(args...)
	if got != code || !strings.Contains(stderr, word) || (word == "") != (stderr == "") || strings.Count(stderr, "\n") > 1 {
		l.Fatalf("%q: exit code %d, stdout %q, stderr %q; want %d and %q", args, got, stdout, stderr, code, word)
	}
	return stdout
}

func (l *lab) get(name string) *unstructured.Unstructured {
	l.Helper()
	u, err := l.dynamic.Resource(nodeENIs).Get(l.Context(), name, metav1.GetOptions{})
	if err != nil {
		l.Fatal(err)
	}
	return u
}

// untouched demands that nothing was written.
func (l *lab) untouched() {
	l.Helper()
	for _, a := range slices.Concat(l.dynamic.Actions(), l.core.Actions()) {
		if a.GetVerb() != "get" && a.GetVerb() != "list" {
			l.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	}
}

// didNot demands that nothing was done by one of the verbs since the actions were cleared.
func (l *lab) didNot(verbs ...string) {
	l.Helper()
	for _, a := range l.dynamic.Actions() {
		if slices.Contains(verbs, a.GetVerb()) {
			l.Errorf("it did %s %s", a.GetVerb(), a.GetResource().Resource)
		}
	}
}
