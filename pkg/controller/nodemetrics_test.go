package controller

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// counted are the values of a counter, by its labels in the order of their names; nil when it tells nothing.
func counted(t *testing.T, counter prometheus.Collector) map[string]int {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(counter)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var values map[string]int
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetValue())
			}
			put(&values, strings.Join(labels, " "), int(metric.GetCounter().GetValue()))
		}
	}
	return values
}

// increase is what has been counted since, without what has not.
func increase(before, after map[string]int) map[string]int {
	more := map[string]int{}
	for labels, n := range after {
		if n > before[labels] {
			more[labels] = n - before[labels]
		}
	}
	return more
}

// versionNodes gives the Node, and each write of it by the controller, a resource version, as the API server does and the
// fake does not: by it the controller knows that the cache does not show its last write yet.
func (l *lab) versionNodes() {
	l.Helper()
	version := 1
	l.changeNode(0, func(n *corev1.Node) { n.ResourceVersion = strconv.Itoa(version) })
	l.still()
	react := clienttesting.ObjectReaction(l.kube.Tracker())
	l.kube.PrependReactor("patch", "nodes", func(action clienttesting.Action) (bool, runtime.Object, error) {
		patch, body := action.(clienttesting.PatchActionImpl), map[string]any{}
		if err := json.Unmarshal(patch.Patch, &body); err != nil {
			return true, nil, err
		}
		version++
		metadata, _ := body["metadata"].(map[string]any)
		if metadata == nil {
			metadata = map[string]any{}
		}
		body["metadata"], metadata["resourceVersion"] = metadata, strconv.Itoa(version)
		var err error
		if patch.Patch, err = json.Marshal(body); err != nil {
			return true, nil, err
		}
		return react(patch)
	})
}

func TestWritesOfNodesAreCounted(t *testing.T) {
	inLab(t, 1, nil, func(l *lab) {
		before := counted(t, nodeWrites)
		if len(before) != 9 {
			t.Errorf("before anything is written there are the series %v, want one for each change", before)
		}
		// A condition is written as often as its message changes.
		want := func(what string, want map[string]int) {
			t.Helper()
			now := counted(t, nodeWrites)
			got := increase(before, now)
			for _, labels := range []string{"false condition", "true condition"} {
				if n, is := got[labels]; is {
					got[labels] = min(n, 1)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
			before = now
		}
		l.settleAndStop() // nobody may read the reactors while one is added
		l.versionNodes()
		l.onNodes = plan.NodeOptions{Taint: v1alpha1.TaintNotReady, Retaint: true, Condition: true, Annotation: true}
		l.start()
		l.fault(ec2sim.Fault{Action: "CreateNetworkInterface", Effect: "error", Code: "InternalError", Status: 500})
		l.ask("a", 1)
		l.pass(time.Minute)
		want("while it waits", map[string]int{"added taint": 1, "false condition": 1, "written annotation": 1})
		l.heal()
		l.pass(10 * time.Minute)
		want("attached", map[string]int{"removed taint": 1, "false condition": 1, "true condition": 1, "written annotation": 1})
		l.delete("a")
		l.pass(5 * time.Minute)
		want("withdrawn", map[string]int{"true condition": 1, "removed annotation": 1})

		l.stop() // nobody may read the reactors while one is added
		l.still()
		l.kube.PrependReactor("patch", "nodes", func(clienttesting.Action) (bool, runtime.Object, error) {
			return true, nil, apierrors.NewForbidden(corev1.Resource("nodes"), "", errors.New("no leave"))
		})
		l.start()
		l.ask("b", 2)
		l.pass(time.Minute)
		now := increase(before, counted(t, nodeWrites))
		for _, shown := range []string{shownAnnotation, shownTaint} {
			if now["denied "+shown] < 1 {
				t.Errorf("denied, and counted is %v", now)
			}
		}
		for labels := range now {
			if !strings.HasPrefix(labels, changeDenied+" ") {
				t.Errorf("denied, and counted is %v", now)
			}
		}
	})
}

// Adoptions that people ask for are told: those made, and by reason those that may not be.
func TestAdoptionsAreCounted(t *testing.T) {
	const name = "controller_refused_adoptions "
	refused := func(l *lab) map[string]float64 {
		found := map[string]float64{}
		for of, n := range l.metrics() {
			if reason, is := strings.CutPrefix(of, name); is {
				found[reason] = n
			}
		}
		return found
	}
	inLab(t, 3, manyByHand(2), func(l *lab) {
		before := counted(t, orderedAdoptions)
		l.ask("a", 1, adopts("tag:team=telco"))
		l.pass(time.Minute)
		if diff := cmp.Diff(map[string]float64{string(plan.RefusedNotAllowed): 2}, refused(l)); diff != "" {
			t.Errorf("refused without leave (-want +got):\n%s", diff)
		}
		l.restartAdopting()
		l.pass(time.Minute)
		if got := refused(l); len(got) > 0 {
			t.Errorf("refused with leave: %v", got)
		}
		if got := increase(before, counted(t, orderedAdoptions)); got[""] != 2 {
			t.Errorf("%v adoptions are counted, want 2", got)
		}
	})
	inLab(t, 1, madeByHand(), func(l *lab) {
		l.ask("a", 1, adopts("tag:team=core"))
		l.pass(time.Minute)
		if diff := cmp.Diff(map[string]float64{string(plan.RefusedOtherTags): 1}, refused(l)); diff != "" {
			t.Errorf("refused (-want +got):\n%s", diff)
		}
		l.edit("a", func(n *v1alpha1.NodeENI) { n.Annotations = nil })
		l.pass(time.Minute)
		if got := refused(l); len(got) > 0 {
			t.Errorf("refused when nobody asks for it any more: %v", got)
		}
		all, err := l.registry.Gather()
		l.must(err)
		series := 0
		for _, family := range all {
			if family.GetName() == "multi_eni_"+strings.TrimSpace(name) {
				series = len(family.GetMetric())
			}
		}
		if series != len(plan.AdoptionRefusals) {
			t.Errorf("there is not one series for each reason")
		}
	})
}
