package controller

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const foreignID = "eni-0aaaaaaaaaaaaaaa1"

// madeByHand puts an interface at index 1 of the first instance that nobody knows the maker of.
func madeByHand(changes ...func(*ec2sim.Interface)) func(*ec2sim.World) {
	iface := ec2sim.Interface{
		ID: foreignID, Subnet: subnetA, SecurityGroups: []string{groupB}, Tags: map[string]string{"team": "telco"},
		Attachment: &ec2sim.Attachment{Instance: instanceID(0), DeviceIndex: 1},
	}
	for _, change := range changes {
		change(&iface)
	}
	return func(w *ec2sim.World) { w.Interfaces = append(w.Interfaces, iface) }
}

func adopts(value string) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) { n.Annotations = map[string]string{v1alpha1.AnnotationAdopt: value} }
}

// restartAdopting starts the controller anew, with leave to adopt.
func (l *lab) restartAdopting() {
	l.Helper()
	l.settleAndStop()
	l.allowAdoption = true
	l.start()
}

func (l *lab) byHand() ec2sim.InterfaceNow {
	l.Helper()
	all := l.sim.Snapshot().Interfaces
	i := slices.IndexFunc(all, func(i ec2sim.InterfaceNow) bool { return i.ID == foreignID })
	if i < 0 {
		l.Fatalf("interface %s is gone", foreignID)
	}
	return all[i]
}

// An interface is taken over where it is, given the wanted settings, and goes with the NodeENI; another node of the
// same NodeENI gets one of its own.
func TestAnInterfaceMadeByHandIsTakenOver(t *testing.T) {
	for _, order := range []string{foreignID, "tag:team=telco"} {
		inLab(t, 2, madeByHand(), func(l *lab) {
			l.restartAdopting()
			l.ask("a", 1, adopts(order))
			l.pass(10 * time.Minute)
			l.wantOurs("node-00 1 attached", "node-01 1 attached")
			adopted := l.byHand()
			if adopted.Tags["team"] != "telco" || adopted.Tags[eni.TagNodeENIUID] != "uid-a" {
				t.Errorf("%s: tags %v", order, adopted.Tags)
			}
			if !slices.Equal(adopted.SecurityGroups, []string{groupA}) {
				t.Errorf("%s: groups %v, want the wanted ones", order, adopted.SecurityGroups)
			}
			if made, detached := l.calls("CreateNetworkInterface"), l.calls("DetachNetworkInterface"); made != 1 || detached != 0 {
				t.Errorf("%s: %d creates and %d detaches, want one create for the other node", order, made, detached)
			}
			if !l.toldOf("Adopted", foreignID) {
				t.Errorf("%s: no event tells of the adoption", order)
			}
			l.delete("a")
			l.pass(10 * time.Minute)
			l.wantOurs()
			if slices.ContainsFunc(l.sim.Snapshot().Interfaces, func(i ec2sim.InterfaceNow) bool { return i.ID == foreignID }) {
				t.Errorf("%s: the interface outlives its NodeENI", order)
			}
		})
	}
}

// toldOf reads all events and reports whether one has the reason and names the subject.
func (l *lab) toldOf(reason, subject string) (told bool) {
	for len(l.events.Events) > 0 {
		event := <-l.events.Events
		told = told || strings.Contains(event, reason) && strings.Contains(event, subject)
	}
	return told
}

// What is somebody's, or does not fit, is not touched, and the status says why; nor is anything touched without leave.
func TestAnInterfaceOfSomebodyIsNotTakenOver(t *testing.T) {
	for _, test := range []struct {
		name    string
		change  func(*ec2sim.Interface)
		order   string
		allowed bool
		message string
	}{
		{"without leave", func(*ec2sim.Interface) {}, foreignID, false, "--allow-adoption"},
		{"another cluster's", func(i *ec2sim.Interface) {
			i.Tags = map[string]string{eni.TagClusterID: "another", eni.TagNodeENIUID: "uid-of-another"}
		}, foreignID, true, eni.TagClusterID},
		{"the VPC CNI's", func(i *ec2sim.Interface) { i.Tags = map[string]string{eni.TagCNIInstance: instanceID(0)} }, foreignID, true, "VPC CNI"},
		{"an AWS service's", func(i *ec2sim.Interface) { i.Requester = "amazon-elb" }, foreignID, true, "AWS service"},
		{"another subnet", func(i *ec2sim.Interface) { i.Subnet = subnetB }, foreignID, true, "spec.subnetID is " + subnetA},
		{"another tag", func(*ec2sim.Interface) {}, "tag:team=core", true, "team=core"},
	} {
		inLab(t, 1, madeByHand(test.change), func(l *lab) {
			if test.allowed {
				l.restartAdopting()
			}
			before := l.byHand()
			l.ask("a", 1, adopts(test.order))
			l.pass(time.Hour)
			if message, err := l.blockedFor("a", v1alpha1.ReasonAdoptionRefused); err != nil || !strings.Contains(message, foreignID) || !strings.Contains(message, test.message) {
				t.Errorf("%s: %v, %q", test.name, err, message)
			}
			if count := l.mutatingCalls(); count != 0 {
				t.Errorf("%s: %d calls that change EC2", test.name, count)
			}
			if described := l.calls("DescribeNetworkInterfaces"); described > 60 {
				t.Errorf("%s: %d describes in an hour", test.name, described)
			}
			if after := l.byHand(); len(after.Tags) != len(before.Tags) || after.Attachment == nil {
				t.Errorf("%s: the interface is %+v, was %+v", test.name, after, before)
			}
			if writes := l.writes(); writes > 8 {
				t.Errorf("%s: %d writes in an hour in which nothing changes", test.name, writes)
			}
		})
	}
}

// A crash, or a lost answer, in the middle of an adoption leaves an interface that is adopted or not, never two.
func TestAnAdoptionWhoseAnswerIsLost(t *testing.T) {
	for _, effect := range []string{"cut-before", "cut-after"} {
		inLab(t, 1, madeByHand(), func(l *lab) {
			l.restartAdopting()
			l.fault(ec2sim.Fault{Action: "CreateTags", Effect: effect, Times: 1})
			l.ask("a", 1, adopts(foreignID))
			l.pass(20 * time.Minute)
			l.wantOurs("node-00 1 attached")
			if made := l.calls("CreateNetworkInterface"); made != 0 {
				t.Errorf("%s: %d creates, want none", effect, made)
			}
		})
	}
}
