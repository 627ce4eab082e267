package controller

import (
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// cause names what makes calls for many nodes fail alike.
type cause struct {
	kind eni.Kind
	// subject is the subnet or the action; empty for what concerns them all.
	subject string
	// nodeENI is whose calls the cause concerns; empty for everybody's.
	nodeENI types.UID
}

// operations are the EC2 actions behind our actions.
var operations = map[plan.ActionKind]string{
	plan.Create:                 "CreateNetworkInterface",
	plan.Attach:                 "AttachNetworkInterface",
	plan.SetDeleteOnTermination: "ModifyNetworkInterfaceAttribute",
	plan.SetSecurityGroups:      "ModifyNetworkInterfaceAttribute",
	plan.SetDescription:         "ModifyNetworkInterfaceAttribute",
	plan.PutTags:                "CreateTags",
	plan.Adopt:                  "CreateTags",
	plan.Claim:                  "CreateTags",
	plan.RemoveTags:             "DeleteTags",
	plan.Detach:                 "DetachNetworkInterface",
	plan.Delete:                 "DeleteNetworkInterface",
}

// changes are the actions that change what exists in place.
var changes = []plan.ActionKind{plan.Adopt, plan.Claim, plan.SetDeleteOnTermination, plan.SetSecurityGroups, plan.SetDescription, plan.PutTags, plan.RemoveTags}

// call is a call that is to be made, as far as it matters to what stands against it.
type call struct {
	kind       plan.ActionKind
	instanceID string
	// nodeENI is set for the attach side, interfaceID for the cleanup side.
	nodeENI     *v1alpha1.NodeENI
	interfaceID string
	// stuck is true when the call is to help what is stuck, of which it is told already what helps.
	stuck bool
}

// subject is what a failure stands against that is nobody else's.
type subject struct {
	slot        plan.SlotKey
	interfaceID string
	// kind is set for what says nothing against calls of another kind: a change of a setting against creating and
	// attaching, a detach that does not end against the delete that follows it.
	kind plan.ActionKind
}

func (c call) subject() subject {
	switch {
	case c.nodeENI == nil:
		return subject{interfaceID: c.interfaceID, kind: c.kind}
	case slices.Contains(changes, c.kind):
		return subject{slot: slotKey(c.nodeENI, c.instanceID), kind: c.kind}
	}
	return subject{slot: slotKey(c.nodeENI, c.instanceID)}
}

// generation is the edit of the spec for which the call is made.
func (c call) generation() int64 {
	if c.nodeENI == nil {
		return 0
	}
	return c.nodeENI.Generation
}

// causes are the shared causes that can stand against the call.
func (c call) causes() []cause {
	operation := operations[c.kind]
	list := []cause{{kind: eni.KindCredentials}, {kind: eni.KindDenied, subject: operation}, {kind: eni.KindNoAccess, subject: operation}, throttleOf(c)}
	// What is sent stands in the spec, so that it is refused for one node as for another; and a policy or a fault of EC2
	// that keeps one interface from being attached or taken away mostly does so with all.
	var uid types.UID
	if c.nodeENI != nil {
		uid = c.nodeENI.UID
	}
	list = append(list, cause{eni.KindInvalid, string(c.kind), uid}, cause{eni.KindUnclear, string(c.kind), uid})
	if c.kind == plan.Create || c.kind == plan.SetSecurityGroups {
		list = append(list, cause{kind: eni.KindGroupNotFound, nodeENI: uid})
	}
	if c.kind == plan.Create {
		subnet := c.nodeENI.Spec.SubnetID
		list = append(list, cause{kind: eni.KindQuotaReached}, cause{kind: eni.KindSubnetFull, subject: subnet}, cause{kind: eni.KindSubnetNotFound, subject: subnet})
	}
	return list
}

// causeOf says whether a failure concerns more than one node, and which cause it has.
func (c call) causeOf(err error) (cause, bool) {
	kind := eni.KindOf(err)
	if kind == eni.KindThrottled { // of an answer to this call alone; the others are no failures (throttle.go)
		return cause{}, false
	}
	i := slices.IndexFunc(c.causes(), func(one cause) bool { return one.kind == kind })
	if i < 0 {
		return cause{}, false
	}
	return c.causes()[i], true
}

// ofSpec reports whether the cause lies in the spec, and ends with its next edit.
func (c cause) ofSpec() bool { return c.nodeENI != "" }

// doubtful reports whether such a refusal may as well concern one interface or node only: its tags, say, by a policy's
// condition. Only time can tell.
func (c cause) doubtful() bool {
	switch c.kind {
	case eni.KindDenied, eni.KindNoAccess, eni.KindInvalid, eni.KindUnclear:
		return true
	}
	return false
}

// headStart is for how long those for whom a call has been refused let others go first: if theirs succeeds, the
// refusal was not for all.
const headStart = 2 * time.Second

// shared is a remembered cause.
type shared struct {
	setback
	// witnesses are those for whom a doubtful call was refused.
	witnesses map[subject]witness
	// clearedAt is when such a call last succeeded for somebody.
	clearedAt time.Time
	// asked is the NodeENI for which the call was refused last; others says that there are more who wait.
	asked  types.UID
	others bool
	// throttledAt is when EC2 last answered with a throttle, where that is the cause.
	throttledAt time.Time
}

type witness struct {
	at         time.Time
	generation int64
	// alone is true when the call was refused for this one again after it had succeeded for another: from then on
	// its refusals are its own.
	alone bool
}

// stands reports whether the cause holds calls up. One that was disproved is only kept for its witnesses.
func (s *shared) stands() bool { return !s.Until.IsZero() }

// dueFor is when one of those who wait may probe: those first for whom the call was not refused yet, and they need not
// wait for long as long as few speak against it. Where it is beyond doubt that all wait for the same, their NodeENIs take
// turns, so that each finds out in time whether something else stands against it.
func (s *shared) dueFor(who subject) time.Time {
	if len(s.witnesses) == 0 {
		if s.others && who.slot.NodeENI != "" && who.slot.NodeENI == s.asked {
			return s.Until.Add(headStart)
		}
		return s.Until
	}
	if _, refused := s.witnesses[who]; refused {
		return s.Until.Add(headStart)
	}
	together := 0
	for _, w := range s.witnesses {
		if !w.alone {
			together++
		}
	}
	return s.Until.Add(min(0, firstSetback<<min(max(together-1, 0), 10)-s.step))
}

// testify records for whom a doubtful call was refused, and reports whether that is this one's own trouble.
func (s *shared) testify(c call, now time.Time) (alone bool) {
	if s.witnesses == nil {
		s.witnesses = map[subject]witness{}
	}
	for who, w := range s.witnesses {
		if !now.Before(w.at.Add(keepIdle)) {
			delete(s.witnesses, who)
		}
	}
	before, known := s.witnesses[c.subject()]
	alone = known && (before.alone || s.clearedAt.After(before.at))
	s.witnesses[c.subject()] = witness{at: now, generation: c.generation(), alone: alone}
	return alone
}

// clear records that the call has succeeded for somebody. What stood against the other witnesses becomes their own,
// and is tried at once.
func (s *shared) clear(own *map[subject]*setback, who subject, now time.Time) {
	delete(s.witnesses, who)
	if s.stands() {
		for other, w := range s.witnesses {
			if (*own)[other] == nil {
				b := remember(own, other)
				b.Setback, b.generation = s.Setback, w.generation
				b.Until = now
			}
		}
	}
	*s = shared{setback: setback{generation: s.generation}, witnesses: s.witnesses, clearedAt: now}
}
