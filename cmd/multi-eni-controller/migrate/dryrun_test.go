package migrate

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/internal/golden"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

func TestDryRunTellsAll(t *testing.T) {
	l := newLab(t, community("here", "theirs", 1))
	stdout := l.want(exitPerson, "named can not be migrated yet", "--dry-run")
	golden.Check(t, "incomplete.txt", stdout)
	for _, field := range []string{"mtu", "enableDPDK"} {
		if !strings.Contains(stdout, "lost        "+field+": ") {
			t.Errorf("nothing says that %s is lost", field)
		}
	}
	l.want(exitPerson, "--drop=enableDPDK,mtu", append([]string{"--dry-run"}, complete[:2]...)...)
	l.want(exitPerson, "--drop=enableDPDK", append([]string{"--dry-run", "--drop=mtu"}, complete[:2]...)...)
	golden.Check(t, "complete.txt", l.want(exitDone, "", append([]string{"--dry-run", "--backup=" + l.dir}, complete...)...))
	golden.Check(t, "help.txt", l.want(exitDone, "", "--help"))
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
	golden.Check(t, "new.yaml", string(text))
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
