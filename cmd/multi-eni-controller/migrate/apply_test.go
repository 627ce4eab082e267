package migrate

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

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
