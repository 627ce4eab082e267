package controller

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/component-base/metrics"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

const (
	// maxTold is how many NodeENIs have time series of their own. Those come first that need attention, then the
	// largest; the others are told together under the name otherNodeENIs, which no object can have.
	maxTold       = 100
	otherNodeENIs = "_other"
)

var (
	nodeENIsDesc = metrics.NewDesc("multi_eni_nodeenis",
		"NodeENIs that there are.", nil, nil, metrics.ALPHA, "")
	attachmentsDesc = metrics.NewDesc("multi_eni_nodeeni_attachments",
		"Wanted interfaces, one for each matching Node, by NodeENI and state. Beyond 100 NodeENIs those that are well are told together as _other.",
		[]string{"nodeeni", "state"}, nil, metrics.ALPHA, "")
	blockedDesc = metrics.NewDesc("multi_eni_nodeeni_blocked_attachments",
		"Wanted interfaces for which nothing goes on without help, by NodeENI (or _other) and reason.",
		[]string{"nodeeni", "reason"}, nil, metrics.ALPHA, "")
	releasingDesc = metrics.NewDesc("multi_eni_nodeeni_releasing_interfaces",
		"Interfaces on their way out, by NodeENI (or _other).", []string{"nodeeni"}, nil, metrics.ALPHA, "")
	heldDesc = metrics.NewDesc("multi_eni_nodeeni_held_releases",
		"Interfaces on their way out with which nothing goes on without help, by NodeENI (or _other) and reason.",
		[]string{"nodeeni", "reason"}, nil, metrics.ALPHA, "")
	conditionsDesc = metrics.NewDesc("multi_eni_nodeeni_conditions",
		"The present conditions of a NodeENI: 1, or of _other how many NodeENIs have that condition.",
		[]string{"nodeeni", "type", "status", "reason"}, nil, metrics.ALPHA, "")
	refusedDesc = metrics.NewDesc("multi_eni_controller_refused_adoptions",
		"Interfaces that the annotation of a NodeENI asks to take over and that may not be, by what stands against it (NotAllowed: only that --allow-adoption is not given).",
		[]string{"reason"}, nil, metrics.ALPHA, "")
	haltedDesc = metrics.NewDesc("multi_eni_controller_cleanup_halted",
		"1 while cleanup is halted because too many interfaces would go at once, else 0.", nil, nil, metrics.ALPHA, "")
	leakedDesc = metrics.NewDesc("multi_eni_controller_leaked_interfaces",
		"Interfaces that bear our cluster's tags and whose NodeENI does not exist, and that are not gone or adopted yet.", nil, nil, metrics.ALPHA, "")
	longestWaitDesc = metrics.NewDesc("multi_eni_controller_longest_attach_wait_seconds",
		"For how long the wanted interface has been waited for that has been waited for longest, 0 when none is.", nil, nil, metrics.ALPHA, "")
)

// collector tells how things stand, when it is asked: what nobody asks for costs nothing. Only a replica that leads knows.
type collector struct {
	metrics.BaseStableCollector
	*Controller
}

// Collectors are what tell this replica's metrics. The process's own are registered by New.
func (c *Controller) Collectors() []metrics.StableCollector {
	return []metrics.StableCollector{&collector{Controller: c}, c.inventory.Collector()}
}

// DescribeWithStability implements metrics.StableCollector.
func (c *collector) DescribeWithStability(descs chan<- *metrics.Desc) {
	for _, desc := range []*metrics.Desc{
		nodeENIsDesc, attachmentsDesc, blockedDesc, releasingDesc, heldDesc, conditionsDesc, refusedDesc, haltedDesc, leakedDesc, longestWaitDesc,
	} {
		descs <- desc
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *collector) CollectWithStability(out chan<- metrics.Metric) {
	if !c.leading.Load() {
		return
	}
	gauge := func(desc *metrics.Desc, value float64, labels ...string) {
		out <- metrics.NewLazyConstMetric(desc, metrics.GaugeValue, value, labels...)
	}
	all := c.byAttention()
	gauge(nodeENIsDesc, float64(len(all)))
	refused := map[plan.AdoptionRefusal]int{}
	for _, s := range standings(all) {
		s.tell(gauge)
		addCounts(&refused, s.tally.refused)
	}
	for _, reason := range plan.AdoptionRefusals {
		gauge(refusedDesc, float64(refused[reason]), string(reason))
	}
	halted := 0.0
	if c.exodus.halted() != nil {
		halted = 1
	}
	gauge(haltedDesc, halted)
	gauge(leakedDesc, float64(c.ownerless.count()))
	wait := 0.0
	if oldest := c.waits.oldest(); !oldest.IsZero() {
		wait = time.Since(oldest).Seconds()
	}
	gauge(longestWaitDesc, wait)
}

// standing is how one NodeENI stands, or several together.
type standing struct {
	name       string
	tally      tally
	conditions map[conditionLabels]int
}

type conditionLabels struct{ kind, status, reason string }

// tell gives every state a time series, so that a sum over none is 0, and of reasons those that there are.
func (s *standing) tell(gauge func(*metrics.Desc, float64, ...string)) {
	for _, state := range []v1alpha1.AttachmentState{
		v1alpha1.AttachmentCreating, v1alpha1.AttachmentAttaching, v1alpha1.AttachmentAttached, v1alpha1.AttachmentBlocked,
	} {
		gauge(attachmentsDesc, float64(s.tally.states[state]), s.name, string(state))
	}
	gauge(releasingDesc, float64(s.tally.releasing), s.name)
	for reason, n := range s.tally.blocked {
		gauge(blockedDesc, float64(n), s.name, reason)
	}
	for reason, n := range s.tally.held {
		gauge(heldDesc, float64(n), s.name, reason)
	}
	for of, n := range s.conditions {
		gauge(conditionsDesc, float64(n), s.name, of.kind, of.status, of.reason)
	}
}

// standings keeps the first and sums the others up.
func standings(all []ranked) []standing {
	var list []standing
	for i, r := range all {
		name := r.Name
		if i >= maxTold {
			name = otherNodeENIs
		}
		if i <= maxTold {
			list = append(list, standing{name: name})
		}
		last := &list[len(list)-1]
		last.tally.add(r.tally)
		for _, condition := range r.Status.Conditions {
			count(&last.conditions, conditionLabels{condition.Type, string(condition.Status), condition.Reason}, 1)
		}
	}
	return list
}

// ranked is a NodeENI with what decides whether it is told by its name.
type ranked struct {
	*v1alpha1.NodeENI
	tally tally
}

// byAttention has all NodeENIs: those first that are stalled, then those that are not ready, then by size and name.
func (c *Controller) byAttention() []ranked {
	var all []ranked
	for _, n := range c.allNodeENIs() {
		all = append(all, ranked{n, c.tallies.of(n.UID)})
	}
	slices.SortFunc(all, compareRanked)
	return all
}

func compareRanked(a, b ranked) int {
	return cmp.Or(cmp.Compare(a.urgency(), b.urgency()), cmp.Compare(b.tally.matching(), a.tally.matching()), cmp.Compare(a.Name, b.Name))
}

func (r *ranked) urgency() int {
	switch conditions := r.Status.Conditions; {
	case meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionStalled):
		return 0
	case !meta.IsStatusConditionTrue(conditions, v1alpha1.ConditionReady):
		return 1
	}
	return 2
}
