package plan

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// leaving writes reports as prose: interface, state, why, and whether it is held.
func leaving(reports []ReleaseReport) []string {
	var list []string
	for _, r := range reports {
		words := []string{r.Release.ENIID, string(r.Release.State), r.Release.Reason}
		if r.Held {
			words = append(words, "held")
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func TestWhatNobodyWantsGoes(t *testing.T) {
	a := nodeENI("a")
	deleted := nodeENI("a", beingDeleted)
	elsewhere := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
	otherIndex := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 2 })
	plain := func(changes ...func(*eni.ObservedInterface)) func(*Snapshot) {
		return having(interfaceOf(a, "eni-1", changes...))
	}
	refused := func(reason string, until time.Duration) func(*Snapshot) {
		return func(s *Snapshot) {
			s.ReleaseSetbacks = map[string]Setback{"eni-1": {Reason: reason, Message: "denied", Until: now.Add(until)}}
		}
	}
	unknownFor := func(d time.Duration) func(*Snapshot) {
		return func(s *Snapshot) {
			s.Instance.NotFound, s.Instance.NotFoundSince = true, s.Instance.ObservedAt.Add(-d)
		}
	}
	for _, test := range []struct {
		name    string
		world   Snapshot
		actions []string
		reports []string
		refresh Refresh
		again   time.Duration
	}{
		{name: "wanted", world: world(with(a), plain(attached))},
		{name: "NodeENI deleted, attached", world: world(with(deleted), plain(attached)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIDeleted"}},
		{name: "NodeENI deleted, attached nowhere", world: world(with(deleted), plain()), actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting NodeENIDeleted"}},
		{name: "NodeENI deleted, detaching", world: world(with(deleted), plain(attachment(eni.Detaching))), reports: []string{"eni-1 Detaching NodeENIDeleted"}, again: 9 * time.Minute},
		{name: "NodeENI deleted, detaching for long", world: world(with(deleted), plain(attachment(eni.Detaching), since(11*time.Minute))), reports: []string{"eni-1 Detaching DetachStuck held"}},
		{name: "NodeENI deleted, attaching", world: world(with(deleted), plain(attachment(eni.Attaching))), reports: []string{"eni-1 Detaching NodeENIDeleted"}, again: 4 * time.Minute},
		{name: "NodeENI deleted, attaching for long", world: world(with(deleted), plain(attachment(eni.Attaching), since(6*time.Minute))), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIDeleted"}},
		{name: "NodeENI deleted, attachment unknown", world: world(with(deleted), plain(attachment(eni.UnknownAttachment))), reports: []string{"eni-1 Detaching NodeENIDeleted"}},
		{name: "NodeENI deleted, missing", world: world(with(deleted), plain(attached, func(i *eni.ObservedInterface) { i.Missing = true }))},
		{name: "NodeENI deleted, somebody else's interface", world: world(with(deleted), plain(attached, tagged(eni.TagClusterID, "cluster-2")))},
		{name: "NodeENI deleted, no UID in the tags", world: world(with(deleted), plain(attached, tagged(eni.TagNodeENIUID, "")))},

		{name: "NodeENI gone", world: world(plain(attached), ownerless(time.Hour, 1)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIGone"}},
		{name: "NodeENI gone, listed once", world: world(plain(attached), ownerless(time.Hour, 2)), again: recheckOrphan},
		{name: "NodeENI gone, seen for the first time", world: world(plain(attached)), again: recheckOrphan},
		{name: "NodeENI gone lately", world: world(plain(attached), ownerless(time.Minute, 1)), again: 4 * time.Minute},
		{name: "NodeENI made again in another subnet", world: world(with(nodeENI("a", again, inSubnet(subnetB))), plain(attached), ownerless(time.Hour, 1)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIGone"}},

		{name: "label gone", world: world(with(a), plain(attached), func(s *Snapshot) { s.Node = node("a", unlabelled) }), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeNotSelected"}},
		{name: "subnet changed", world: world(with(elsewhere), plain(attached)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching SpecChanged"}},
		{name: "index changed", world: world(with(otherIndex), plain(attached)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching SpecChanged"}},
		{name: "invalid stored spec releases nothing", world: world(with(nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "x" })), plain(attached))},
		{name: "refused lately", world: world(with(deleted), plain(attached), refused(v1alpha1.ReasonPermissionDenied, time.Minute)), reports: []string{"eni-1 Detaching PermissionDenied held"}, again: time.Minute},
		{name: "refused before", world: world(with(deleted), plain(attached), refused(v1alpha1.ReasonPermissionDenied, 0)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching PermissionDenied held"}},
		{name: "delete refused lately", world: world(with(deleted), plain(), refused(v1alpha1.ReasonPermissionDenied, time.Minute)), reports: []string{"eni-1 Deleting PermissionDenied held"}, again: time.Minute},
		{name: "failed lately", world: world(with(deleted), plain(), refused("", time.Minute)), reports: []string{"eni-1 Deleting NodeENIDeleted"}, again: time.Minute},

		{name: "tags lost", world: world(with(a), plain(attached, lost)), reports: []string{"eni-1 Detaching TagsLost held"}},
		{name: "tags lost, NodeENI deleted", world: world(with(deleted), plain(lost)), reports: []string{"eni-1 Deleting TagsLost held"}},
		{name: "tags lost, missing", world: world(with(deleted), plain(lost, func(i *eni.ObservedInterface) { i.Missing = true }))},
		{name: "no instance in the tags, attached nowhere", world: Snapshot{Now: now, Cluster: cluster, NodeENIs: []*v1alpha1.NodeENI{a}, Interfaces: []eni.ObservedInterface{interfaceOf(a, "eni-1", tagged(eni.TagInstanceID, ""))}}, actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting Misplaced"}},

		{name: "invalid stored spec, Node gone", world: world(with(nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "x" })), plain(attached), nodeGone), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeGone"}},
		{name: "Node there, instance terminated, attached", world: world(with(a), plain(attached), instanceState(eni.InstanceTerminated), func(s *Snapshot) { s.Instance.StateSince = now.Add(-time.Minute) }), reports: []string{"eni-1 WaitingForTermination InstanceGone"}, again: recheck - time.Second},
		{name: "Node there, instance terminated, available", world: world(with(a), plain(), instanceState(eni.InstanceTerminated)), actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting InstanceGone"}},
		{name: "Node there, instance not found, available", world: world(with(a), plain(), unknownFor(time.Minute)), again: recheckAbsent},
		{name: "Node there, instance not found for long, available", world: world(with(a), plain(), unknownFor(goneAfter)), actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting InstanceGone"}, again: recheckAbsent},
		{name: "surplus", world: world(with(a), having(interfaceOf(a, "eni-1"), interfaceOf(a, "eni-2", attached))), actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting Surplus"}},
		{name: "surplus stays until the keeper is attached", world: world(with(a), having(interfaceOf(a, "eni-1"), interfaceOf(a, "eni-2")))},
		{name: "surplus stays while the keeper is missing", world: world(with(a), having(interfaceOf(a, "eni-1"), interfaceOf(a, "eni-2", attached, func(i *eni.ObservedInterface) { i.Missing = true })))},
		{name: "attached at another index", world: world(with(a), plain(attached, func(i *eni.ObservedInterface) { i.Attachment.Slot.Index = 3 })), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching Misplaced"}},
		{name: "attached to another instance: that one's workers detach it", world: world(with(a), plain(attached, func(i *eni.ObservedInterface) { i.Attachment.InstanceID = "i-other" })), again: recheckHolder},
		{
			name: "slot lost for long", world: world(with(a), foreign("eni-cni", 1), plain(since(6*time.Minute))),
			actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting DeviceIndexInUse"}, again: recheckHolder,
		},
		{name: "slot lost for long, as an old description has it", world: world(with(a), foreign("eni-cni", 1), plain(since(6*time.Minute)), describedAgo(time.Minute)), refresh: Refresh{Instance: true}, again: retryRefresh},
		{
			name: "slot lost for long, to one that lost its tags", world: world(with(a), foreign("eni-2", 1), having(interfaceOf(a, "eni-2", attached, lost)), plain(since(6*time.Minute))),
			actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting DeviceIndexInUse", "eni-2 Detaching TagsLost held"}, again: recheckHolder,
		},
		{
			name:    "slot lost for long, to one that lost its tags, as an old description has it",
			world:   world(with(a), foreign("eni-2", 1), having(interfaceOf(a, "eni-2", attached, lost)), plain(since(6*time.Minute)), describedAgo(time.Minute)),
			reports: []string{"eni-2 Detaching TagsLost held"}, refresh: Refresh{Instance: true}, again: retryRefresh,
		},
		{name: "slot lost for long, and nothing made for it", world: world(with(a), foreign("eni-2", 1), having(interfaceOf(a, "eni-2", attached, lost)), describedAgo(time.Minute)), reports: []string{"eni-2 Detaching TagsLost held"}},
		{name: "slot lost lately", world: world(with(a), foreign("eni-cni", 1), plain()), again: recheckHolder},

		{name: "Node gone, instance running", world: world(with(a), plain(attached), nodeGone), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeGone"}},
		{name: "Node gone, instance described before", world: world(with(a), plain(attached), nodeGone, func(s *Snapshot) { s.NodeGoneSince = now }), reports: []string{"eni-1 Detaching NodeGone"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "Node gone, instance never described", world: world(with(a), plain(), nodeGone, func(s *Snapshot) { s.Instance = nil }), reports: []string{"eni-1 Deleting NodeGone"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "Node gone, instance not found, available", world: world(with(a), plain(), nodeGone, func(s *Snapshot) { s.Instance.NotFound = true }), actions: []string{"Delete eni-1"}, reports: []string{"eni-1 Deleting NodeGone"}},
		{name: "Node gone, instance not found, attached", world: world(with(a), plain(attached), nodeGone, func(s *Snapshot) { s.Instance.NotFound = true }), reports: []string{"eni-1 WaitingForTermination NodeGone"}, again: recheck - time.Second},
		{name: "Node gone, instance shutting down", world: world(with(a), plain(attached), nodeGone, instanceState(eni.InstanceShuttingDown)), reports: []string{"eni-1 WaitingForTermination NodeGone"}, again: recheck - time.Second},
		{
			name: "Node gone, instance terminated lately", world: world(with(a), plain(attached), nodeGone, instanceState(eni.InstanceTerminated), func(s *Snapshot) { s.Instance.StateSince = now.Add(-9 * time.Minute) }),
			reports: []string{"eni-1 WaitingForTermination NodeGone"}, again: recheck - time.Second,
		},
		{name: "Node gone, instance terminated for long", world: world(with(a), plain(attached), nodeGone, instanceState(eni.InstanceTerminated)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeGone"}},
		{name: "dying instance whose NodeENI is deleted", world: world(with(deleted), plain(attached), instanceState(eni.InstanceShuttingDown)), reports: []string{"eni-1 WaitingForTermination NodeENIDeleted"}, again: recheck - time.Second},
		{name: "instance stopping", world: world(with(deleted), plain(attached), instanceState(eni.InstanceStopping)), reports: []string{"eni-1 Detaching NodeENIDeleted"}, again: recheck - time.Second},
		{name: "instance pending", world: world(with(deleted), plain(attached), instanceState(eni.InstancePending)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIDeleted"}},
		{name: "instance in a state unheard of", world: world(with(deleted), plain(attached), instanceState("hibernating")), reports: []string{"eni-1 Detaching NodeENIDeleted"}, again: recheck - time.Second},
		{name: "instance stopped", world: world(with(deleted), plain(attached), instanceState(eni.InstanceStopped)), actions: []string{"Detach eni-1"}, reports: []string{"eni-1 Detaching NodeENIDeleted"}},
		{name: "description of the instance is stale", world: world(with(deleted), plain(attached), describedAgo(31*time.Second)), reports: []string{"eni-1 Detaching NodeENIDeleted"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{
			name: "wait is over: look again", world: world(with(deleted), plain(attached), instanceState(eni.InstanceShuttingDown), describedAgo(recheck)),
			reports: []string{"eni-1 WaitingForTermination NodeENIDeleted"}, refresh: Refresh{Instance: true, Interfaces: []string{"eni-1"}}, again: retryRefresh,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.actions, steps(got.Release)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reports, leaving(got.Releases)); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.refresh, got.Refresh); diff != "" {
				t.Errorf("refresh (-want +got):\n%s", diff)
			}
			wantAgain := time.Time{}
			if test.again != 0 {
				wantAgain = now.Add(test.again)
			}
			if !got.Again.Equal(wantAgain) {
				t.Errorf("again at %v, want %v", got.Again, wantAgain)
			}
			for _, i := range test.world.Interfaces {
				reason, wanted := Wanted(i, test.world)
				planned := len(got.Releases) > 0 && i.ID == got.Releases[0].Release.ENIID && i.LastOwner == nil
				if planned && (wanted || (reason != got.Releases[0].Release.Reason && !got.Releases[0].Held)) {
					t.Errorf("Wanted says %q, %v of %s, the plan releases it for %s", reason, wanted, i.ID, got.Releases[0].Release.Reason)
				}
			}
		})
	}
}

func TestReplacementWaitsForTheSlot(t *testing.T) {
	a := nodeENI("a")
	moved := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = subnetB })
	s := world(with(moved), having(interfaceOf(a, "eni-1", attached)))
	got := Instance(s)
	if diff := cmp.Diff([]string{"Detach eni-1"}, steps(got.Release)); diff != "" || len(got.Attach) > 0 {
		t.Errorf("while the old one is attached: attach %v, release %v", steps(got.Attach), steps(got.Release))
	}
	s.Interfaces[0].Attachment = nil
	got = Instance(s)
	if diff := cmp.Diff([]string{"Delete eni-1"}, steps(got.Release)); diff != "" {
		t.Errorf("release when it is available: %s", diff)
	}
	if len(got.Attach) > 0 {
		t.Errorf("attach when it is available: %v", steps(got.Attach))
	}
	s.Interfaces = nil
	if diff := cmp.Diff([]string{"Create"}, steps(Instance(s).Attach)); diff != "" {
		t.Errorf("attach when it is gone: %s", diff)
	}
}

// Another device index is free, but the subnet may have no address for two.
func TestReplacementAtAnotherIndexIsReleasedFirst(t *testing.T) {
	moved := nodeENI("a", atIndex(2))
	s := world(with(moved), having(interfaceOf(nodeENI("a"), "eni-1", attached)))
	got := decidedOf(Instance(s))
	want := decided{Release: []string{"Detach eni-1"}, Reports: []string{"a Creating"}, Leaving: []string{"eni-1 Detaching SpecChanged"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("while the old one is there (-want +got):\n%s", diff)
	}
	s.ReleaseSetbacks = map[string]Setback{"eni-1": {Reason: v1alpha1.ReasonPermissionDenied, Message: "denied", Until: now.Add(time.Minute)}}
	got = decidedOf(Instance(s))
	want = decided{Reports: []string{"a Blocked PermissionDenied"}, Leaving: []string{"eni-1 Detaching PermissionDenied held"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("while it can not be released (-want +got):\n%s", diff)
	}
}

func TestInstanceIDOfAProviderID(t *testing.T) {
	for providerID, want := range map[string]string{
		"aws:///us-east-1a/i-0123456789abcdef0":   "i-0123456789abcdef0",
		"aws:////i-0123456789abcdef0":             "i-0123456789abcdef0",
		"i-0123456789abcdef0":                     "i-0123456789abcdef0",
		"aws:///us-east-1a/i-01234567":            "i-01234567",
		"":                                        "",
		"aws://":                                  "",
		"aws:///us-east-1a/":                      "",
		"aws:///i-0123456789abcdef0":              "",
		"aws:///us-east-1a/i-0123456789abcdef0/x": "",
		"aws:///us-east-1a/i-0123456789ABCDEF0":   "",
		"aws:///us-east-1a/i-0123":                "",
		"aws:///us-east-1a/1234/fargate-ip-10-0-0-1.ec2.internal":     "",
		"eks-hybrid:///us-east-1/prod/mi-0123456789abcdef0":           "",
		"gce://project/us-central1-a/gke-node":                        "",
		"azure:///subscriptions/x/resourceGroups/y/virtualMachines/z": "",
	} {
		if got, ok := InstanceID(providerID); got != want || ok != (want != "") {
			t.Errorf("InstanceID(%q) = %q, %v; want %q", providerID, got, ok, want)
		}
	}
}

// instanceIDPattern is the rule of the CRD, in other words than the plan's.
var instanceIDPattern = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

func FuzzIDs(f *testing.F) {
	f.Add("i-01234567")
	f.Add("i-0123456789abcdef0")
	f.Add("i-0123456789abcdef01")
	f.Add("i-0123456")
	f.Add("i-0123456g")
	f.Add("i-0123g567")
	f.Add("i-g1234567")
	f.Add("i-0123456A")
	f.Add("i-0123456é")
	f.Add("i-01234567\n")
	f.Add("i-01234567\xff")
	f.Add("xi-01234567")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		if got, want := isID(text, "i-"), instanceIDPattern.MatchString(text); got != want {
			t.Errorf("isID(%q) is %v, want %v", text, got, want)
		}
	})
}

func FuzzInstanceID(f *testing.F) {
	f.Add("aws:///us-east-1a/i-0123456789abcdef0")
	f.Add("aws:////i-0123456789abcdef0")
	f.Add("i-01234567")
	f.Add("aws://us-east-1a/i-01234567")
	f.Add("aws:///i-01234567/")
	f.Add("aws:///us-east-1a/fargate-ip-10-0-0-1\x00")
	f.Add("i-0123456789abcdef0\n")
	f.Fuzz(func(t *testing.T, providerID string) {
		id, ok := InstanceID(providerID)
		if ok && (!strings.HasSuffix(providerID, id) || !instanceIDPattern.MatchString(id)) {
			t.Errorf("InstanceID(%q) = %q", providerID, id)
		}
		if again, okAgain := InstanceID(id); ok && (!okAgain || again != id) {
			t.Errorf("InstanceID of its own result %q is %q, %v", id, again, okAgain)
		}
		if ok && strings.ContainsFunc(id, func(r rune) bool { return r != 'i' && r != '-' && !strings.ContainsRune("0123456789abcdef", r) }) {
			t.Errorf("InstanceID(%q) is %q, no instance ID", providerID, id)
		}
	})
}

func TestSelects(t *testing.T) {
	labelled := func(labels map[string]string) *corev1.Node {
		return node("a", func(n *corev1.Node) { n.Labels = labels })
	}
	selecting := func(selector map[string]string) *v1alpha1.NodeENI {
		return nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.NodeSelector = selector })
	}
	for _, test := range []struct {
		name string
		n    *v1alpha1.NodeENI
		node *corev1.Node
		want bool
	}{
		{"all labels", selecting(map[string]string{"a": "1", "b": ""}), labelled(map[string]string{"a": "1", "b": "", "c": "3"}), true},
		{"one label missing", selecting(map[string]string{"a": "1", "b": ""}), labelled(map[string]string{"a": "1"}), false},
		{"another value", selecting(map[string]string{"a": "1"}), labelled(map[string]string{"a": "2"}), false},
		{"no labels", selecting(map[string]string{"a": "1"}), labelled(nil), false},
		{"empty selector", selecting(nil), labelled(map[string]string{"a": "1"}), false},
		{"being deleted", nodeENI("a", beingDeleted), node("a"), false},
	} {
		if got := Selects(test.n, test.node); got != test.want {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
}
