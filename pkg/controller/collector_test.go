package controller

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-base/metrics"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// metrics are what a replica's collector tells, by name and the values of the labels; without those that are zero.
func (l *lab) metrics() map[string]float64 {
	l.Helper()
	if l.registry == nil {
		l.registry = metrics.NewKubeRegistry()
		l.registry.CustomMustRegister(l.collectors[0])
	}
	families, err := l.registry.Gather()
	l.must(err)
	out := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := strings.TrimPrefix(family.GetName(), "multi_eni_")
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			if value := metric.GetGauge().GetValue(); value != 0 {
				out[name] = value
			}
		}
	}
	return out
}

func (l *lab) wantMetrics(want map[string]float64) {
	l.Helper()
	if diff := cmp.Diff(want, l.metrics()); diff != "" {
		l.Errorf("metrics, - wanted, + got:\n%s", diff)
	}
}

// TestWhatIsTold follows a NodeENI from before it matches anything to its end. Labels are in the order of their names.
func TestWhatIsTold(t *testing.T) {
	inLab(t, 3, nil, func(l *lab) {
		l.pass(time.Second)
		l.wantMetrics(map[string]float64{})
		before := attachments(t)

		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "throttle"})
		l.ask("a", 1)
		l.pass(50 * time.Second)
		told := l.metrics()
		if wait := told["controller_longest_attach_wait_seconds"]; wait < 49 || wait > 50 {
			t.Errorf("it is told that one waits for %v seconds", wait)
		}
		delete(told, "controller_longest_attach_wait_seconds")
		want := map[string]float64{
			"nodeenis": 1, "nodeeni_attachments a Attaching": 3,
			"nodeeni_conditions a Progressing False Ready": 1, "nodeeni_conditions a Progressing True Reconciling": 1, "nodeeni_conditions a NotStalled False Stalled": 1,
		}
		if diff := cmp.Diff(want, told); diff != "" {
			t.Errorf("while it waits, - wanted, + got:\n%s", diff)
		}

		l.heal()
		l.pass(5 * time.Minute)
		l.wantMetrics(map[string]float64{
			"nodeenis": 1, "nodeeni_attachments a Attached": 3,
			"nodeeni_conditions a AllAttached True Ready": 1, "nodeeni_conditions a Stable False Reconciling": 1, "nodeeni_conditions a NotStalled False Stalled": 1,
		})
		if got := attachments(t) - before; got != 3 {
			t.Errorf("%d attaches were measured, want 3", got)
		}

		l.ask("b", 1) // where a is
		l.pass(30 * time.Second)
		if got := l.metrics()["nodeeni_blocked_attachments b SlotTaken"]; got != 3 {
			t.Errorf("%v of b are told to be blocked, want 3", got)
		}
		l.delete("b")
		l.delete("a")
		l.pass(2 * time.Second)
		if got := l.metrics()["nodeeni_releasing_interfaces a"]; got != 3 {
			t.Errorf("%v of a are told to be on their way out, want 3", got)
		}
		l.pass(5 * time.Minute)
		for _, name := range []string{"a", "b"} {
			l.must(l.client.NetworkingV1alpha1().NodeENIs().Delete(l.Context(), name, metav1.DeleteOptions{}))
		}
		l.pass(time.Second)
		l.wantMetrics(map[string]float64{})
	})
}

// TestNothingIsToldByWhoDoesNotLead, before and after.
func TestNothingIsToldByWhoDoesNotLead(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		l.ask("a", 1)
		l.pass(30 * time.Second)
		if len(l.metrics()) == 0 {
			t.Error("the one that leads tells nothing")
		}
		l.stop()
		l.wantMetrics(map[string]float64{})
		l.start()
		l.pass(30 * time.Second)
	})
}

// attachments is how many attaches were measured.
func attachments(t *testing.T) int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(attachDuration)
	families, err := registry.Gather()
	if err != nil || len(families) != 1 {
		t.Fatalf("%v, %v", families, err)
	}
	return int(families[0].GetMetric()[0].GetHistogram().GetSampleCount())
}

// TestAllThatIsDescribedIsTold: else the README's table of metrics would lack it.
func TestAllThatIsDescribedIsTold(t *testing.T) {
	inLab(t, 12, nil, func(l *lab) {
		l.ask("a", 1)
		l.ask("b", 1)
		l.pass(2 * time.Minute)
		nodes := l.kube.CoreV1().Nodes()
		list, err := nodes.List(l.Context(), metav1.ListOptions{})
		l.must(err)
		for i := range list.Items {
			list.Items[i].Labels = nil
			_, err := nodes.Update(l.Context(), &list.Items[i], metav1.UpdateOptions{})
			l.must(err)
		}
		l.addNode(20) // without an instance
		l.pass(2 * time.Minute)

		registry := metrics.NewKubeRegistry()
		registry.CustomMustRegister(l.collectors...)
		families, err := registry.Gather()
		l.must(err)
		var told, described []string
		for _, family := range families {
			told = append(told, family.GetName())
		}
		descs := make(chan *metrics.Desc, 100)
		for _, c := range l.collectors {
			c.DescribeWithStability(descs)
		}
		close(descs)
		for desc := range descs {
			described = append(described, regexp.MustCompile(`fqName: "([^"]+)"`).FindStringSubmatch(desc.String())[1])
		}
		slices.Sort(described)
		if diff := cmp.Diff(described, told); diff != "" {
			t.Errorf("- described, + told:\n%s", diff)
		}
	})
}

func TestStandingsKeepThoseThatNeedAttention(t *testing.T) {
	all := make([]ranked, 0, maxTold+50)
	for i := range maxTold + 50 {
		n := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("n%03d", i), UID: types.UID(fmt.Sprint(i))}}
		n.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: v1alpha1.ReasonAllAttached}}
		all = append(all, ranked{n, tally{states: map[v1alpha1.AttachmentState]int{v1alpha1.AttachmentAttached: 1 + i}}})
	}
	stalled, unready := all[0], all[1]
	stalled.Status.Conditions = []metav1.Condition{{Type: v1alpha1.ConditionStalled, Status: metav1.ConditionTrue}, {Type: v1alpha1.ConditionReady, Status: metav1.ConditionFalse}}
	unready.Status.Conditions[0].Status = metav1.ConditionFalse
	slices.SortFunc(all, compareRanked)
	list := standings(all)
	if len(list) != maxTold+1 || list[0].name != "n000" || list[1].name != "n001" || list[2].name != "n149" || list[maxTold].name != otherNodeENIs {
		t.Errorf("%d are told, the first %s, %s, %s", len(list), list[0].name, list[1].name, list[2].name)
	}
	sum := 0
	for _, s := range list {
		sum += s.tally.matching()
	}
	if want := 150 * 151 / 2; sum != want {
		t.Errorf("%d attachments are told in all, want %d", sum, want)
	}
	if got := list[maxTold].conditions[conditionLabels{"Ready", "True", "AllAttached"}]; got != 50 {
		t.Errorf("%d of the others are told to be ready, want 50", got)
	}
	if got := all[maxTold].tally.matching(); got != 52 {
		t.Errorf("summing up has changed a tally, to %d", got)
	}
}

func TestWaits(t *testing.T) {
	report := func(uid, node string, state v1alpha1.AttachmentState) plan.AttachmentReport {
		return plan.AttachmentReport{NodeENI: types.UID(uid), Attachment: v1alpha1.Attachment{NodeName: node, State: state}}
	}
	at := func(seconds int) time.Time { return setbackStart.Add(time.Duration(seconds) * time.Second) }
	var w waits
	want := func(ended []time.Duration, waiting int, want ...time.Duration) {
		t.Helper()
		held := 0
		for _, of := range w.byInstance {
			held += len(of)
		}
		if !slices.Equal(ended, want) || held != waiting {
			t.Errorf("ended %v, %d wait; want %v and %d", ended, held, want, waiting)
		}
	}
	creating, attaching, attached, blocked := v1alpha1.AttachmentCreating, v1alpha1.AttachmentAttaching, v1alpha1.AttachmentAttached, v1alpha1.AttachmentBlocked
	want(w.update("i-1", []plan.AttachmentReport{report("a", "n", attached)}, at(0)), 0) // found as it should be
	want(w.update("i-1", []plan.AttachmentReport{report("a", "n", attached), report("b", "n", creating)}, at(1)), 1)
	want(w.update("i-2", []plan.AttachmentReport{report("b", "m", blocked)}, at(3)), 2)
	if got := w.oldest(); !got.Equal(at(1)) {
		t.Errorf("the oldest waits since %v", got)
	}
	want(w.update("i-1", []plan.AttachmentReport{report("a", "n", attaching), report("b", "n", attached)}, at(9)), 2, 8*time.Second)
	want(w.update("i-1", []plan.AttachmentReport{report("a", "n", attached), report("b", "n", attached)}, at(10)), 1, time.Second)
	want(w.update("i-2", nil, at(11)), 0) // not wanted any more
	w.update("i-2", []plan.AttachmentReport{report("b", "m", blocked), report("a", "m", blocked)}, at(12))
	w.forget("b")
	want(nil, 1)
	w.forget("a")
	want(nil, 0)
	if !w.oldest().IsZero() || len(w.byInstance) != 0 {
		t.Error("something is left of those that are gone")
	}
}
