package migrate

import (
	"bytes"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	kubefake "k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

var update = flag.Bool("update", false, "write the golden files anew")

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

func TestDryRunTellsAll(t *testing.T) {
	l := newLab(t, community("here", "theirs", 1))
	stdout := l.want(exitPerson, "named can not be migrated yet", "--dry-run")
	golden(t, "incomplete.txt", stdout)
	for _, field := range []string{"mtu", "enableDPDK"} {
		if !strings.Contains(stdout, "lost        "+field+": ") {
			t.Errorf("nothing says that %s is lost", field)
		}
	}
	l.want(exitPerson, "--drop=enableDPDK,mtu", append([]string{"--dry-run"}, complete[:2]...)...)
	l.want(exitPerson, "--drop=enableDPDK", append([]string{"--dry-run", "--drop=mtu"}, complete[:2]...)...)
	golden(t, "complete.txt", l.want(exitDone, "", append([]string{"--dry-run", "--backup=" + l.dir}, complete...)...))
	golden(t, "help.txt", l.want(exitDone, "", "--help"))
	l.untouched()
}

// The backup holds everything, the new file what is to be applied, and neither is ever replaced.
func TestBackup(t *testing.T) {
	l := newLab(t)
	dir := filepath.Join(l.dir, "a", "b")
	l.want(exitDone, "", append([]string{"--dry-run", "--backup=" + dir}, complete...)...)
	file, err := os.Open(filepath.Join(dir, oldFile))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	kept, err := migrate.ReadYAML(file)
	if err != nil || len(kept) != 4 {
		t.Fatalf("%d objects, %v", len(kept), err)
	}
	for _, k := range kept {
		if live := l.get(k.GetName()); !same(live.Object, k.Object) {
			t.Errorf("%s is not as it was: %s", k.GetName(), gocmp.Diff(live.Object, k.Object))
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, newFile))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "new.yaml", string(text))
	l.want(exitNotAsked, "is there already, and is not replaced", append([]string{"--dry-run", "--backup=" + dir}, complete...)...)
	if again, err := os.ReadFile(filepath.Join(dir, newFile)); err != nil || !bytes.Equal(again, text) {
		t.Errorf("it was replaced: %v", err)
	}
}

// A file can be looked at without any cluster.
func TestDryRunOfAFileAsksNoCluster(t *testing.T) {
	l := newLab(t)
	stdout := l.want(exitDone, "", append([]string{"--dry-run", "-f", "-"}, complete...)...)
	if !strings.Contains(stdout, "dpdk: becomes dpdk (subnet-0aaaaaaaaaaaaaaa1, device index 2), dpdk-2 (subnet-0aaaaaaaaaaaaaaa2, device index 3)") {
		t.Error(stdout)
	}
	if len(l.dynamic.Actions())+len(l.core.Actions()) > 0 {
		t.Errorf("it asked: %v %v", l.dynamic.Actions(), l.core.Actions())
	}
}

func TestApply(t *testing.T) {
	l := newLab(t, community("here", "stopped", 0), expired())
	stdout := l.want(exitDone, "", append([]string{"--backup=" + l.dir}, complete...)...)
	for _, line := range []string{"dpdk-2 created", "dpdk changed", "named changed", "plain unchanged", "going unchanged", "multi-eni-controller audit --subnet=subnet-0aaaaaaaaaaaaaaa3"} {
		if !strings.Contains(stdout, line) {
			t.Errorf("nothing says %q:\n%s", line, stdout)
		}
	}
	first, second := l.get("dpdk"), l.get("dpdk-2")
	want := map[string]any{
		"nodeSelector": map[string]any{"ng": "multi-eni"}, "subnetID": "subnet-0aaaaaaaaaaaaaaa1", "securityGroupIDs": []any{"sg-0aaaaaaaaaaaaaaa1"},
		"deviceIndex": int64(2), "deleteOnTermination": true,
	}
	if diff := gocmp.Diff(want, spec(first)); diff != "" {
		t.Error(diff)
	}
	if first.GetUID() != "uid-dpdk" || !slices.Contains(first.GetFinalizers(), migrate.Finalizer) || first.Object["status"] != nil {
		t.Errorf("UID %s, finalizers %v, status %v: want those of the old object, and no status", first.GetUID(), first.GetFinalizers(), first.Object["status"])
	}
	if text(second, "subnetID") != "subnet-0aaaaaaaaaaaaaaa2" || len(second.GetFinalizers()) > 0 {
		t.Errorf("%+v", second)
	}
	if going := l.get("going"); !slices.Contains(going.GetFinalizers(), migrate.Finalizer) || len(spec(going)) != 1 {
		t.Errorf("what is being deleted was touched: %+v", going)
	}
	// Again, from the backup, it changes nothing; and the finalizer goes only when that is said.
	l.dynamic.ClearActions()
	again := append([]string{"-f", filepath.Join(l.dir, oldFile)}, complete...)
	if stdout := l.want(exitDone, "", again...); strings.Contains(stdout, " changed\n") || strings.Contains(stdout, " created\n") {
		t.Errorf("again:\n%s", stdout)
	}
	l.didNot("update", "create")
	l.want(exitDone, "", append(again, "--remove-old-finalizer")...)
	for _, name := range []string{"dpdk", "going"} {
		if f := l.get(name).GetFinalizers(); len(f) > 0 {
			t.Errorf("finalizers of %s: %v", name, f)
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

// What fails halfway can be given again, since what an object becomes beside itself is made first.
func TestApplyAfterAFailure(t *testing.T) {
	l := newLab(t)
	fail := true
	l.dynamic.PrependReactor("update", "nodeenis", func(action k8stesting.Action) (bool, runtime.Object, error) {
		return fail && action.GetSubresource() == "", nil, errors.New("no route")
	})
	l.want(exitNotAsked, "after 1 of 5 objects; the same command may be given again: updating NodeENI dpdk: no route", append([]string{"--backup=" + l.dir}, complete...)...)
	fail = false
	stdout := l.want(exitDone, "", append([]string{"--backup=" + l.dir + "/2"}, complete...)...)
	if !strings.Contains(stdout, "dpdk-2 unchanged\ndpdk changed\n") {
		t.Error(stdout)
	}
}

// Objects that are not in the cluster any more are made anew.
func TestApplyFromABackup(t *testing.T) {
	l := newLab(t)
	for _, name := range []string{"dpdk", "named", "plain", "going"} {
		if err := l.dynamic.Resource(nodeENIs).Delete(t.Context(), name, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	stdout := l.want(exitDone, "", append([]string{"-f", "-"}, complete...)...)
	if strings.Count(stdout, " created\n") != 4 || strings.Contains(stdout, "going created") {
		t.Error(stdout)
	}
}

// Whatever stands against it, nothing is changed at all.
func TestNothingIsChanged(t *testing.T) {
	for name, test := range map[string]struct {
		core  []runtime.Object
		args  []string
		world func(*lab)
		code  int
		want  string
	}{
		"a name without an ID":   {nil, []string{"-f", "-"}, nil, exitPerson, "named can not be migrated yet"},
		"a loss not accepted":    {nil, append([]string{"-f", "-"}, complete[:2]...), nil, exitPerson, "--drop=enableDPDK,mtu"},
		"the other one runs":     {[]runtime.Object{community("here", "theirs", 1)}, append([]string{"-f", "-"}, complete...), nil, exitPerson, "kubectl -n here scale deployment/theirs --replicas=0"},
		"it is still ending":     {[]runtime.Object{func() runtime.Object { d := community("here", "theirs", 0); d.Status.Replicas = 1; return d }()}, append([]string{"-f", "-"}, complete...), nil, exitPerson, "the community controller runs"},
		"it holds its Lease":     {[]runtime.Object{held()}, append([]string{"-f", "-"}, complete...), nil, exitPerson, "holds Lease here/nodeeni-controller-leader-election"},
		"who knows what runs":    {nil, append([]string{"-f", "-"}, complete...), denies("deployments"), exitNotAsked, "--old-controller-stopped"},
		"who knows who leads":    {nil, append([]string{"-f", "-"}, complete...), denies("leases"), exitNotAsked, "--old-controller-stopped"},
		"no API server":          {nil, []string{"--dry-run"}, deniesObjects, exitNotAsked, "listing NodeENIs: no route"},
		"none of one's own":      {nil, append([]string{"-f", "-"}, complete...), deniesObjects, exitNotAsked, "reading NodeENI dpdk-2: no route"},
		"an edit since":          {nil, append([]string{"-f", "-"}, complete...), edits("named", "nodeSelector", map[string]any{"ng": "other"}), exitPerson, "spec.nodeSelector of named is not what it was"},
		"a field since":          {nil, append([]string{"-f", "-"}, complete...), edits("plain", "description", "mine"), exitPerson, "spec.description of plain is not what it was"},
		"a field less since":     {nil, append([]string{"-f", "-"}, complete...), edits("plain", "securityGroupIDs", nil), exitPerson, "spec.securityGroupIDs of plain is not what it was"},
		"a subnet since":         {nil, append([]string{"-f", "-"}, complete...), edits("dpdk", "subnetIDs", []any{"subnet-0aaaaaaaaaaaaaaa7"}), exitPerson, "spec.subnetIDs of dpdk is not what it was"},
		"a name since":           {nil, append([]string{"-f", "-"}, complete...), edits("plain", "subnetNames", []any{"net b"}), exitPerson, "spec.subnetNames of plain is not what it was"},
		"another loss since":     {nil, append([]string{"-f", "-"}, complete...), edits("dpdk", "mtu", int64(1500)), exitPerson, "spec.mtu of dpdk is not what it was"},
		"a name that is taken":   {nil, append([]string{"-f", "-"}, complete...), another("dpdk-2"), exitPerson, "there is another NodeENI of that name"},
		"no file":                {nil, []string{"-f", "/no/such/file", "--dry-run"}, nil, exitNotAsked, "/no/such/file"},
		"nothing in the file":    {nil, []string{"-f", "-", "--dry-run"}, func(l *lab) { l.stdin = "kind: Pod" }, exitNotAsked, "has no NodeENI"},
		"no YAML":                {nil, []string{"-f", "-", "--dry-run"}, func(l *lab) { l.stdin = "{" }, exitNotAsked, "reading YAML"},
		"a backup in a backup":   {nil, []string{"-f", "-", "--dry-run", "--backup=/dev/null/x"}, nil, exitNotAsked, "the folder of the backup"},
		"two that want one name": {nil, append([]string{"-f", "-"}, complete...), func(l *lab) { l.stdin += "---\n" + strings.ReplaceAll(plain, "NAME", "dpdk-2") }, exitPerson, "dpdk can not be migrated yet"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t, test.core...)
			if test.world != nil {
				test.world(l)
			}
			l.dynamic.ClearActions()
			l.want(test.code, test.want, test.args...)
			l.untouched()
		})
	}
}

const plain = `{apiVersion: networking.k8s.aws/v1alpha1, kind: NodeENI, metadata: {name: NAME}, spec: {nodeSelector: {ng: z}, subnetID: subnet-0aaaaaaaaaaaaaaa9, securityGroupIDs: [sg-0aaaaaaaaaaaaaaa1]}}`

// --old-controller-stopped is a person's word for what can not be looked up.
func TestAPersonMayKnowBetter(t *testing.T) {
	l := newLab(t, community("here", "theirs", 1), held())
	l.want(exitDone, "", append([]string{"-f", "-", "--old-controller-stopped"}, complete...)...)
}

func TestWrongFlags(t *testing.T) {
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"nothing":      {nil, "give --dry-run, or --backup=FOLDER"},
		"no such flag": {[]string{"--force"}, "--force"},
		"an argument":  {[]string{"--dry-run", "x"}, `unexpected argument "x"`},
		"no such file": {[]string{"--dry-run", "--kubeconfig=/no/such/file"}, `--kubeconfig="/no/such/file"`},
		"no ID":        {[]string{"--dry-run", "--subnet-id=a="}, `there is no ID for "a"`},
		"no name":      {[]string{"--dry-run", "--subnet-id=a"}, "--subnet-id"},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLab(t)
			if stdout := l.want(exitUsage, test.want, test.args...); stdout != "" {
				t.Errorf("stdout %q", stdout)
			}
		})
	}
}

// Ours may have an image of the same name; it never runs without a cluster's name.
func TestOursIsNotTheirs(t *testing.T) {
	ours := community("multi-eni-system", "multi-eni-controller", 2)
	ours.Spec.Template.Spec.Containers[0].Args = []string{"--cluster-name=prod"}
	ours.Spec.Template.Spec.Containers[0].Image = "example.com/multi-eni/aws-multi-eni-controller@sha256:0"
	other := community("default", "other", 1)
	other.Spec.Template.Spec.Containers[0].Image = "example.com/other:v1"
	l := newLab(t, ours, other)
	l.want(exitDone, "", append([]string{"-f", "-"}, complete...)...)
}

// community is a Deployment of the community's controller.
func community(namespace, name string, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "manager", Image: "ghcr.io/johnlam90/aws-multi-eni-controller:v1.3.8", Args: []string{"--enable-leader-election"}}},
		}}},
	}
}

func held() *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: migrate.LeaseName},
		Spec:       coordinationv1.LeaseSpec{LeaseDurationSeconds: new(int32(3600)), RenewTime: &metav1.MicroTime{Time: time.Now()}},
	}
}

func expired() *coordinationv1.Lease {
	lease := held()
	lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(-2 * time.Hour)}
	return lease
}

func denies(resource string) func(*lab) {
	return func(l *lab) {
		l.core.PrependReactor("*", resource, func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no route") })
	}
}

func deniesObjects(l *lab) {
	l.dynamic.PrependReactor("*", "nodeenis", func(k8stesting.Action) (bool, runtime.Object, error) { return true, nil, errors.New("no route") })
}

func edits(name, field string, value any) func(*lab) {
	return func(l *lab) {
		u := l.get(name)
		if spec(u)[field] = value; value == nil {
			delete(spec(u), field)
		}
		if _, err := l.dynamic.Resource(nodeENIs).Update(l.Context(), u, metav1.UpdateOptions{}); err != nil {
			l.Fatal(err)
		}
	}
}

func another(name string) func(*lab) {
	return func(l *lab) {
		objects, err := migrate.ReadYAML(strings.NewReader(strings.ReplaceAll(plain, "NAME", name)))
		if err != nil {
			l.Fatal(err)
		}
		if _, err := l.dynamic.Resource(nodeENIs).Create(l.Context(), objects[0], metav1.CreateOptions{}); err != nil {
			l.Fatal(err)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s, to be written anew with -update (-want +got):\n%s", path, diff)
	}
}
