package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// steps writes actions as prose: kind and interface.
func steps(actions []Action) []string {
	var list []string
	for _, a := range actions {
		list = append(list, strings.TrimSpace(string(a.Kind)+" "+a.InterfaceID))
	}
	return list
}

// standing writes reports as prose: NodeENI, state, and what is the matter.
func standing(reports []AttachmentReport) []string {
	var list []string
	for _, r := range reports {
		words := []string{r.NodeENIName, string(r.Attachment.State)}
		if r.Attachment.Reason != "" {
			words = append(words, r.Attachment.Reason)
		}
		if r.Settled {
			words = append(words, "settled")
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

func TestWhatAnInstanceShouldHave(t *testing.T) {
	a := nodeENI("a")
	younger := nodeENI("younger", func(n *v1alpha1.NodeENI) { n.CreationTimestamp = metav1.NewTime(now) })
	second := nodeENI("second", func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex, n.Spec.SubnetID = 2, subnetB })
	setback := func(createOnly bool) func(*Snapshot) {
		return func(s *Snapshot) {
			s.CreateSetbacks = map[SlotKey]Setback{{a.UID, instanceA, eni.Slot{Index: 1}}: {Reason: v1alpha1.ReasonSubnetFull, Message: "full", Until: now.Add(time.Minute)}}
			if !createOnly {
				s.Setbacks = s.CreateSetbacks
			}
		}
	}
	change := func(kind ActionKind) func(*Snapshot) {
		return func(s *Snapshot) {
			s.ChangeSetbacks = map[SlotKey]map[ActionKind]Setback{{a.UID, instanceA, eni.Slot{Index: 1}}: {
				kind: {Reason: v1alpha1.ReasonPermissionDenied, Message: "denied", Until: now.Add(time.Minute)},
			}}
		}
	}
	failure := func(s *Snapshot) {
		s.Setbacks = map[SlotKey]Setback{{a.UID, instanceA, eni.Slot{Index: 1}}: {Message: "no answer", Until: now.Add(time.Minute)}}
		s.CreateSetbacks = s.Setbacks
	}
	for _, test := range []struct {
		name    string
		world   Snapshot
		actions []string
		reports []string
		refresh Refresh
		again   time.Duration
		message string
	}{
		{name: "nobody asks", world: world()},
		{name: "create", world: world(with(a)), actions: []string{"Create"}, reports: []string{"a Creating"}},
		{name: "two slots", world: world(with(a, second)), actions: []string{"Create", "Create"}, reports: []string{"a Creating", "second Creating"}},
		{name: "attach", world: world(with(a), having(interfaceOf(a, "eni-1"))), actions: []string{"Attach eni-1"}, reports: []string{"a Attaching"}},
		{
			name: "flag while attaching", world: world(with(a), having(interfaceOf(a, "eni-1", attachment(eni.Attaching), func(i *eni.ObservedInterface) { i.Attachment.DeleteOnTermination = false }))),
			actions: []string{"SetDeleteOnTermination eni-1"}, reports: []string{"a Attaching"}, again: 4 * time.Minute,
		},
		{name: "attaching", world: world(with(a), having(interfaceOf(a, "eni-1", attachment(eni.Attaching)))), reports: []string{"a Attaching"}, again: 4 * time.Minute},
		{name: "attached", world: world(with(a), having(interfaceOf(a, "eni-1", attached))), reports: []string{"a Attached settled"}},
		{name: "attachment unknown", world: world(with(a), having(interfaceOf(a, "eni-1", attachment(eni.UnknownAttachment)))), reports: []string{"a Attaching"}},
		{name: "detached by somebody", world: world(with(a), having(interfaceOf(a, "eni-1", attachment(eni.Detaching)))), reports: []string{"a Attaching"}, again: 9 * time.Minute, message: "attaches it again"},
		{name: "detached by somebody, for long", world: world(with(a), having(interfaceOf(a, "eni-1", attachment(eni.Detaching), since(11*time.Minute)))), reports: []string{"a Blocked DetachStuck"}, message: "by force"},
		{name: "attachment gone since the instance was described", world: world(with(a), having(interfaceOf(a, "eni-1", lostItsAttachment, since(0)))), reports: []string{"a Attaching"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "attachment gone, and the instance alive", world: world(with(a), having(interfaceOf(a, "eni-1", lostItsAttachment))), actions: []string{"Attach eni-1"}, reports: []string{"a Attaching"}},
		{name: "missing", world: world(with(a), having(interfaceOf(a, "eni-1", attached, func(i *eni.ObservedInterface) { i.Missing = true }))), reports: []string{"a Attached"}},
		{name: "an earlier cluster ID is ours", world: world(with(a), having(interfaceOf(a, "eni-1", attached, tagged(eni.TagClusterID, "cluster-0")))), reports: []string{"a Attached settled"}},
		{name: "another cluster's is not", world: world(with(a), having(interfaceOf(a, "eni-1", tagged(eni.TagClusterID, "cluster-2")))), actions: []string{"Create"}, reports: []string{"a Creating"}},
		{name: "no finalizer yet", world: world(with(nodeENI("a", func(n *v1alpha1.NodeENI) { n.Finalizers = nil }))), reports: []string{"a Creating"}},
		{name: "tag keys not recorded yet", world: world(with(nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.Tags = map[string]string{"team": "x"} }))), reports: []string{"a Creating"}},
		{name: "being deleted", world: world(with(nodeENI("a", beingDeleted)))},
		{name: "not selected", world: world(with(a), func(s *Snapshot) { s.Node = node("a", unlabelled) })},

		{name: "instance not described", world: world(with(a), func(s *Snapshot) { s.Instance = nil }), reports: []string{"a Creating"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "description too old", world: world(with(a), describedAgo(6*time.Minute)), reports: []string{"a Creating"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "instance not found", world: world(with(a), func(s *Snapshot) { s.Instance.NotFound = true }), reports: []string{"a Blocked InstanceNotFound"}, again: recheckAbsent},
		{name: "instance in a state unheard of", world: world(with(a), instanceState("hibernating")), reports: []string{"a Creating"}, again: recheck},
		{name: "instance not found, looked at long ago", world: world(with(a), describedAgo(2*recheckAbsent), func(s *Snapshot) { s.Instance.NotFound = true }), reports: []string{"a Blocked InstanceNotFound"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "instance pending", world: world(with(a), instanceState(eni.InstancePending)), reports: []string{"a Creating"}, again: recheck},
		{name: "instance stopped", world: world(with(a), instanceState(eni.InstanceStopped)), actions: []string{"Create"}, reports: []string{"a Creating"}},
		{name: "instance dying", world: world(with(a), instanceState(eni.InstanceShuttingDown)), reports: []string{"a Blocked InstanceNotRunning"}, message: "delete the Node"},
		{name: "subnet not described", world: world(with(a), func(s *Snapshot) { delete(s.Subnets, subnetA) }), reports: []string{"a Creating"}, refresh: Refresh{Subnets: []string{subnetA}}, again: retryRefresh},
		{
			name: "subnet not found", world: world(with(a), func(s *Snapshot) { s.Subnets[subnetA] = eni.ObservedSubnet{NotFound: true, ObservedAt: now} }),
			reports: []string{"a Blocked SubnetNotFound"}, again: recheckAbsent, message: "correct spec.subnetID",
		},
		{
			name: "subnet in another zone", world: world(with(a), func(s *Snapshot) { s.Instance.Zone = "us-east-1b" }),
			reports: []string{"a Blocked SubnetInOtherZone"}, message: "us-east-1b",
		},

		{name: "slot of somebody else", world: world(with(a), foreign("eni-cni", 1)), reports: []string{"a Blocked DeviceIndexInUse"}, again: recheckHolder, message: "WARM_ENI_TARGET"},
		{name: "slot of somebody else, looked at long ago", world: world(with(a), foreign("eni-cni", 1), describedAgo(time.Minute)), reports: []string{"a Blocked DeviceIndexInUse"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "slot of one that reads do not show, and the instance does", world: world(with(a), foreign("eni-ours", 1), func(s *Snapshot) { s.Doubted = map[string]bool{"eni-ours": true} }), reports: []string{"a Creating"}, refresh: Refresh{Interfaces: []string{"eni-ours"}}, again: recheck, message: "whether eni-ours has left"},
		{name: "slot of one that we have deleted", world: world(with(a), foreign("eni-ours", 1), func(s *Snapshot) { s.Departed = map[string]bool{"eni-ours": true} }), actions: []string{"Create"}, reports: []string{"a Creating"}},
		{
			name: "slot of one that was detached since", world: world(with(a), foreign("eni-old", 1), having(interfaceOf(a, "eni-old"))),
			actions: []string{"Attach eni-old"}, reports: []string{"a Attaching"},
		},
		{name: "other slot of somebody else", world: world(with(a), foreign("eni-cni", 2)), actions: []string{"Create"}, reports: []string{"a Creating"}},
		{name: "no place left", world: world(with(a), foreign("eni-cni", 2), foreign("eni-cni2", 3), foreign("eni-cni3", 4)), reports: []string{"a Blocked InterfaceLimitReached"}, again: recheckHolder, message: "MAX_ENI"},
		{name: "one place left for two", world: world(with(a, second), foreign("eni-cni", 3), foreign("eni-cni2", 4)), actions: []string{"Create"}, reports: []string{"a Creating", "second Blocked InterfaceLimitReached"}, again: recheckHolder},
		{
			name: "one place left for two, for whom the subnet was full", world: world(with(a, second), foreign("eni-cni", 3), foreign("eni-cni2", 4), func(s *Snapshot) {
				s.CreateSetbacks = map[SlotKey]Setback{}
				for _, n := range s.NodeENIs {
					s.CreateSetbacks[SlotKey{n.UID, instanceA, SlotOf(n)}] = Setback{Reason: v1alpha1.ReasonSubnetFull, Message: "full", Until: now}
				}
			}),
			actions: []string{"Create"}, reports: []string{"a Blocked SubnetFull", "second Blocked SubnetFull"}, again: recheckHolder,
		},

		{name: "one slot wanted twice: the older gets it", world: world(with(younger, a)), actions: []string{"Create"}, reports: []string{"a Creating", "younger Blocked SlotTaken"}, message: "NodeENI a has device index 1"},
		{name: "one slot wanted twice: who is attached keeps it", world: world(with(a, younger), having(interfaceOf(younger, "eni-y", attached))), reports: []string{"a Blocked SlotTaken", "younger Attached settled"}},

		{name: "refused lately", world: world(with(a), setback(false)), reports: []string{"a Blocked SubnetFull"}, again: time.Minute, message: "full"},
		{name: "refusal of creates does not concern an attach", world: world(with(a), setback(true), having(interfaceOf(a, "eni-1"))), actions: []string{"Attach eni-1"}, reports: []string{"a Attaching"}},
		{name: "refusal does not concern one that is as wanted", world: world(with(a), setback(false), having(interfaceOf(a, "eni-1", attached))), reports: []string{"a Attached settled"}},
		{name: "refused lately, attached nowhere", world: world(with(a), setback(false), having(interfaceOf(a, "eni-1"))), reports: []string{"a Blocked SubnetFull"}, again: time.Minute},
		{name: "refusal whose time is over: asked again, and reported until EC2 agrees", world: world(with(a), setback(false), func(s *Snapshot) { s.Now = now.Add(time.Minute) }), actions: []string{"Create"}, reports: []string{"a Blocked SubnetFull"}, message: "full"},
		{name: "failure that may pass", world: world(with(a), failure), reports: []string{"a Creating"}, again: time.Minute, message: "no answer"},
		{name: "a lasting failure is told while the attachment is unknown", world: world(with(a), setback(false), having(interfaceOf(a, "eni-1", attachment(eni.UnknownAttachment)))), reports: []string{"a Blocked SubnetFull"}, again: time.Minute, message: "full"},
		{name: "a lasting failure is told while the interface is missing", world: world(with(a), setback(false), having(interfaceOf(a, "eni-1", func(i *eni.ObservedInterface) { i.Missing = true }))), reports: []string{"a Blocked SubnetFull"}, again: time.Minute, message: "full"},
		{name: "an attached one that is missing has not failed", world: world(with(a), setback(false), having(interfaceOf(a, "eni-1", attached, func(i *eni.ObservedInterface) { i.Missing = true }))), reports: []string{"a Attached"}, message: "does not show"},
		{
			name: "refusal of a change", world: world(with(a), change(SetSecurityGroups), having(interfaceOf(a, "eni-1", attached, func(i *eni.ObservedInterface) { i.SecurityGroupIDs = []string{groupB} }))),
			reports: []string{"a Attached PermissionDenied"}, again: time.Minute,
		},
		{
			name: "refusal of another change", world: world(with(a), change(PutTags), having(interfaceOf(a, "eni-1", attached, func(i *eni.ObservedInterface) { i.SecurityGroupIDs = []string{groupB} }))),
			actions: []string{"SetSecurityGroups eni-1"}, reports: []string{"a Attached"},
		},
		{
			name: "refusal of a change says nothing against the attach", world: world(with(a), change(SetSecurityGroups), having(interfaceOf(a, "eni-1", func(i *eni.ObservedInterface) { i.SecurityGroupIDs = []string{groupB} }))),
			actions: []string{"Attach eni-1"}, reports: []string{"a Attaching"}, again: time.Minute,
		},
		{
			name:  "refusal of a change whose time is over",
			world: world(with(a), change(SetSecurityGroups), func(s *Snapshot) { s.Now = now.Add(time.Minute) }, having(interfaceOf(a, "eni-1", attached, func(i *eni.ObservedInterface) { i.SecurityGroupIDs = []string{groupB} }))), actions: []string{"SetSecurityGroups eni-1"}, reports: []string{"a Attached PermissionDenied"},
		},
		{name: "instance not known for long", world: world(with(a), func(s *Snapshot) {
			s.Instance.NotFound, s.Instance.NotFoundSince = true, now.Add(-time.Hour)
		}), reports: []string{"a Blocked InstanceNotFound"}, again: recheckAbsent},
		{
			name: "invalid stored spec", world: world(with(nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.DeviceIndex = 0 }))),
			reports: []string{"a Blocked InvalidSpec"}, message: "spec.deviceIndex",
		},
		{
			name: "duplicate node", world: world(with(a), func(s *Snapshot) { s.Duplicates = []*corev1.Node{node("b")} }),
			actions: []string{"Create"}, reports: []string{"a Creating", "a Blocked DuplicateInstance"}, message: "Node a is newer",
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.actions, steps(got.Attach)); diff != "" {
				t.Errorf("actions (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reports, standing(got.Attachments)); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.refresh, got.Refresh); diff != "" {
				t.Errorf("refresh (-want +got):\n%s", diff)
			}
			if len(got.Release) > 0 {
				t.Errorf("releases planned: %v", steps(got.Release))
			}
			wantAgain := time.Time{}
			if test.again != 0 {
				wantAgain = now.Add(test.again)
			}
			if !got.Again.Equal(wantAgain) {
				t.Errorf("again at %v, want %v", got.Again, wantAgain)
			}
			if !messageIn(got.Attachments, test.message) {
				t.Errorf("no message has %q: %+v", test.message, got.Attachments)
			}
		})
	}
}

func messageIn(reports []AttachmentReport, text string) bool {
	for _, r := range reports {
		if strings.Contains(r.Attachment.Message, text) {
			return true
		}
	}
	return text == ""
}

func TestCreateCarriesEverythingThatIsFixedAtCreation(t *testing.T) {
	description := "ENI for subnet A"
	n := nodeENI("a", func(n *v1alpha1.NodeENI) {
		n.Spec.SecurityGroupIDs = []string{groupB, groupA}
		n.Spec.Description = &description
		n.Spec.Tags = map[string]string{"team": "core", "Name": "mine"}
		n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: `["Name","team"]`}
	})
	want := []Action{{
		Kind: Create, NodeENI: "uid-a", NodeENIName: "a", NodeName: "a", InstanceID: instanceA, Slot: eni.Slot{Index: 1},
		SubnetID: subnetA, SecurityGroupIDs: []string{groupA, groupB}, Description: description,
		Tags: map[string]string{
			"networking.k8s.aws/cluster-id": "cluster-1", "networking.k8s.aws/cluster-name": "prod", "networking.k8s.aws/nodeeni-uid": "uid-a",
			"networking.k8s.aws/nodeeni-name": "a", "networking.k8s.aws/node-name": "a", "networking.k8s.aws/instance-id": instanceA,
			"networking.k8s.aws/slot": "0-1", "node.k8s.amazonaws.com/no_manage": "true", "Name": "mine", "team": "core",
		},
	}}
	if diff := cmp.Diff(want, Instance(world(with(n))).Attach); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSettingsArePutRight(t *testing.T) {
	tags := func(tags map[string]string, managed string) func(*v1alpha1.NodeENI) {
		return func(n *v1alpha1.NodeENI) {
			n.Spec.Tags = tags
			n.Annotations = map[string]string{v1alpha1.AnnotationManagedTagKeys: managed}
		}
	}
	off := false
	for _, test := range []struct {
		name string
		n    *v1alpha1.NodeENI
		edit func(*eni.ObservedInterface)
		want []Action
	}{
		{"security groups", nodeENI("a"), func(i *eni.ObservedInterface) { i.SecurityGroupIDs = []string{groupB} }, []Action{{Kind: SetSecurityGroups, SecurityGroupIDs: []string{groupA}}}},
		{"description", nodeENI("a"), func(i *eni.ObservedInterface) { i.Description = "edited" }, []Action{{Kind: SetDescription}}},
		{"flag on", nodeENI("a"), func(i *eni.ObservedInterface) { i.Attachment.DeleteOnTermination = false }, []Action{{Kind: SetDeleteOnTermination, AttachmentID: "eni-attach-eni-1", DeleteOnTermination: true}}},
		{"flag off", nodeENI("a", func(n *v1alpha1.NodeENI) { n.Spec.DeleteOnTermination = &off }), func(*eni.ObservedInterface) {}, []Action{{Kind: SetDeleteOnTermination, AttachmentID: "eni-attach-eni-1"}}},
		{"our tag edited", nodeENI("a"), tagged(eni.TagNoManage, "false"), []Action{{Kind: PutTags, Tags: map[string]string{eni.TagNoManage: "true"}}}},
		{"our tag removed", nodeENI("a"), func(i *eni.ObservedInterface) { delete(i.Tags, eni.TagNoManage) }, []Action{{Kind: PutTags, Tags: map[string]string{eni.TagNoManage: "true"}}}},
		{"ownership is not rewritten", nodeENI("a"), func(i *eni.ObservedInterface) { delete(i.Tags, eni.TagNodeName) }, nil},
		{"user's tag changed", nodeENI("a", tags(map[string]string{"team": "new"}, `["team"]`)), tagged("team", "old"), []Action{{Kind: PutTags, Tags: map[string]string{"team": "new"}}}},
		{"user's tag not recorded yet", nodeENI("a", tags(map[string]string{"team": "new"}, `[]`)), func(i *eni.ObservedInterface) { delete(i.Tags, "team") }, nil},
		{"key left the spec", nodeENI("a", tags(nil, `["team"]`)), tagged("team", "old"), []Action{{Kind: RemoveTags, TagKeys: []string{"team"}}}},
		{"name left the spec", nodeENI("a", tags(nil, `["Name"]`)), tagged("Name", "mine"), []Action{{Kind: PutTags, Tags: map[string]string{"Name": "a/a"}}}},
		{"somebody else's tag", nodeENI("a"), tagged("cost-centre", "42"), nil},
		{"annotation names a tag of ours", nodeENI("a", tags(nil, `["networking.k8s.aws/node-name","aws:x"]`)), tagged("aws:x", "1"), nil},
		{"malformed annotation", nodeENI("a", tags(nil, `{`)), tagged("team", "old"), nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			for i := range test.want {
				a := &test.want[i]
				a.NodeENI, a.NodeENIName, a.NodeName, a.InstanceID, a.Slot, a.InterfaceID = "uid-a", "a", "a", instanceA, eni.Slot{Index: 1}, "eni-1"
			}
			got := Instance(world(with(test.n), having(interfaceOf(test.n, "eni-1", attached, test.edit))))
			if diff := cmp.Diff(test.want, got.Attach); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if settled := got.Attachments[0].Settled; settled != (len(test.want) == 0) {
				t.Errorf("settled is %v", settled)
			}
		})
	}
}

func TestNodesWithoutAnInstanceAreBlocked(t *testing.T) {
	for providerID, message := range map[string]string{"": "has no spec.providerID yet", "gce://p/z/i": `"gce://p/z/i"`} {
		got := UnplacedReports(node("a", func(n *corev1.Node) { n.Spec.ProviderID = providerID }), []*v1alpha1.NodeENI{nodeENI("a"), nodeENI("b", beingDeleted)})
		if diff := cmp.Diff([]string{"a Blocked NoAWSProviderID"}, standing(got)); diff != "" || !messageIn(got, message) {
			t.Errorf("providerID %q: %+v", providerID, got)
		}
	}
}
