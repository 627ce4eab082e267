package controller

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

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

// claimCounter counts how often a claim gets as far as asking for a token.
type claimCounter struct {
	Cloud
	count atomic.Int32
}

func (c *claimCounter) ClaimInterface(ctx context.Context, id string, tags map[string]string, confirm func(context.Context) (eni.Interface, error)) (eni.Interface, error) {
	c.count.Add(1)
	return c.Cloud.ClaimInterface(ctx, id, tags, confirm)
}

// countClaims counts those of the controllers that are started from now on.
func (l *lab) countClaims() *claimCounter {
	counter := &claimCounter{}
	l.wrapCloud = func(real Cloud) Cloud {
		counter.Cloud = real
		return counter
	}
	return counter
}

// manyByHand puts an interface at index 1 of each of so many instances.
func manyByHand(count int) func(*ec2sim.World) {
	return func(w *ec2sim.World) {
		for i := range count {
			w.Interfaces = append(w.Interfaces, ec2sim.Interface{
				ID: handMade(i), Subnet: subnetA, SecurityGroups: []string{groupA}, Tags: map[string]string{"team": "telco"},
				Attachment: &ec2sim.Attachment{Instance: instanceID(i), DeviceIndex: 1},
			})
		}
	}
}

func handMade(i int) string { return fmt.Sprintf("eni-0bbbbbbbbbbbb%04x", i) }

// Refused adoptions cost one read for all of them each period, and no room for a call that changes tags.
func TestRefusedAdoptionsShareOneReadEachPeriod(t *testing.T) {
	const many = 30
	inLab(t, many, manyByHand(many), func(l *lab) {
		claims := l.countClaims()
		l.restartAdopting()
		l.ask("a", 1, adopts("tag:team=core"))
		l.pass(10 * time.Minute)
		before := l.calls("DescribeNetworkInterfaces")
		l.pass(time.Hour)
		// Each period has the list of what is ours as well.
		if described := l.calls("DescribeNetworkInterfaces") - before; described < 22 || described > 26 {
			t.Errorf("%d describes in twelve periods for %d refused adoptions, want two a period", described, many)
		}
		if got := claims.count.Load(); got != 0 {
			t.Errorf("%d claims got as far as asking for a token, want none", got)
		}
		if n := l.nodeENI("a"); *n.Status.BlockedNodes != many {
			t.Errorf("%d nodes are blocked, want %d", *n.Status.BlockedNodes, many)
		}
	})
}

// Adoptions that are made decide on live reads, which those share that are made at a time.
func TestManyAdoptionsShareTheirLiveReads(t *testing.T) {
	const many = 30
	inLab(t, many, manyByHand(many), func(l *lab) {
		l.restartAdopting()
		before := l.calls("DescribeNetworkInterfaces")
		l.ask("a", 1, adopts("tag:team=telco"))
		l.pass(2 * time.Minute)
		if n := l.nodeENI("a"); *n.Status.AttachedNodes != many {
			t.Fatalf("%d nodes are attached, want %d", *n.Status.AttachedNodes, many)
		}
		if tagged, made := l.calls("CreateTags"), l.calls("CreateNetworkInterface"); tagged != many || made != 0 {
			t.Errorf("%d calls of CreateTags and %d creates for %d adoptions", tagged, made, many)
		}
		if described := l.calls("DescribeNetworkInterfaces") - before; described > many/2 {
			t.Errorf("%d describes for %d adoptions", described, many)
		}
	})
}

// An edit of the annotation is judged at once, and on what EC2 shows then: whoever has mended the interface need not wait.
func TestAnEditedOrderIsJudgedAtOnce(t *testing.T) {
	for _, test := range []struct {
		name         string
		order, edit  string
		mend         func(*lab)
		wantsAdopted bool
	}{
		{name: "another tag is asked for", order: "tag:team=core", edit: "tag:team=telco", wantsAdopted: true},
		{name: "another interface was named", order: "eni-0cccccccccccccccc", edit: foreignID, wantsAdopted: true},
		{name: "the interface was mended", order: "tag:team=core", edit: "tag:team=core,tag:env=prod", wantsAdopted: true, mend: func(l *lab) {
			_, err := l.somebody().CreateTags(l.Context(), &ec2.CreateTagsInput{
				Resources: []string{foreignID}, Tags: []types.Tag{{Key: new("team"), Value: new("core")}, {Key: new("env"), Value: new("prod")}},
			})
			l.must(err)
		}},
		{name: "still another tag", order: "tag:team=core", edit: "tag:team=edge"},
	} {
		inLab(t, 1, madeByHand(), func(l *lab) {
			l.restartAdopting()
			l.ask("a", 1, adopts(test.order))
			l.pass(17 * time.Minute) // a refusal has stood for so long that it is looked at seldom
			l.wantOurs()
			if test.mend != nil {
				test.mend(l)
			}
			n := l.nodeENI("a")
			n.Annotations[v1alpha1.AnnotationAdopt] = test.edit
			_, err := l.client.NetworkingV1alpha1().NodeENIs().Update(l.Context(), n, metav1.UpdateOptions{})
			l.must(err)
			l.pass(5 * time.Second)
			if test.wantsAdopted {
				l.wantOurs("node-00 1 attached")
				return
			}
			l.wantOurs()
			if message, err := l.blockedFor("a", v1alpha1.ReasonAdoptionRefused); err != nil || !strings.Contains(message, "team=edge") {
				t.Errorf("%s: %v, %q", test.name, err, message)
			}
		})
	}
}

// What stood against an adoption and is gone is seen with the next period, without an edit.
func TestAnInterfaceThatIsMendedIsAdopted(t *testing.T) {
	inLab(t, 1, madeByHand(), func(l *lab) {
		l.restartAdopting()
		l.ask("a", 1, adopts("tag:team=core"))
		l.pass(time.Hour)
		l.wantOurs()
		_, err := l.somebody().CreateTags(l.Context(), &ec2.CreateTagsInput{Resources: []string{foreignID}, Tags: []types.Tag{{Key: new("team"), Value: new("core")}}})
		l.must(err)
		l.pass(5*time.Minute + 10*time.Second)
		l.wantOurs("node-00 1 attached")
	})
}

// Whoever takes the interface between the shared read and the call is seen by the live one.
func TestAnInterfaceThatIsTakenMeanwhileIsNotTakenOver(t *testing.T) {
	inLab(t, 1, madeByHand(), func(l *lab) {
		claims := l.countClaims()
		l.wrapCloud = func(real Cloud) Cloud {
			claims.Cloud = real
			return &slowToClaim{claims, func() {
				_, err := l.somebody().CreateTags(l.Context(), &ec2.CreateTagsInput{Resources: []string{foreignID}, Tags: []types.Tag{{Key: new(eni.TagClusterID), Value: new("another")}}})
				l.must(err)
			}}
		}
		l.restartAdopting()
		l.ask("a", 1, adopts(foreignID))
		l.pass(10 * time.Minute)
		l.wantOurs()
		if got := l.byHand().Tags[eni.TagClusterID]; got != "another" {
			t.Errorf("the interface is of cluster %q, want it to stay the other one's", got)
		}
		if got := claims.count.Load(); got != 1 {
			t.Errorf("%d claims, want the one that the live read has ended", got)
		}
		if _, err := l.blockedFor("a", v1alpha1.ReasonAdoptionRefused); err != nil {
			t.Error(err)
		}
	})
}

// slowToClaim has something happen before a claim is made.
type slowToClaim struct {
	*claimCounter
	before func()
}

func (s *slowToClaim) ClaimInterface(ctx context.Context, id string, tags map[string]string, confirm func(context.Context) (eni.Interface, error)) (eni.Interface, error) {
	s.before()
	return s.claimCounter.ClaimInterface(ctx, id, tags, confirm)
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
