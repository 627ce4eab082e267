package virtual

import (
	"context"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// newcomer has the interfaces of one NodeENI get other security groups, and gives a Node the label while that goes on:
// the quotas of what it needs are free, and everybody who works is at something else.
func (l *lab) newcomer(phase string) error {
	if err := l.launch(false); err != nil {
		return err
	}
	late := l.next - 1
	n := len(l.selected)
	before, least := l.meter.now(), l.queueing(n, modify)
	patch := fmt.Appendf(nil, `{"spec":{"securityGroupIDs":[%q]}}`, otherGroup)
	if _, err := l.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Patch(context.Background(), newNodeENI(0).Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := l.until(patience(least), "half way", func() bool { return l.meter.finished(modify)-before.done[modify] >= n/2 }); err != nil {
		return err
	}
	labelled := time.Now()
	if err := l.label(true, late); err != nil {
		return err
	}
	if err := l.until(patience(least), "edited", func() bool { return l.meter.finished(modify)-before.done[modify] >= n+l.Each }); err != nil {
		return err
	}
	if err := l.settled(patience(least)); err != nil {
		return err
	}
	own := time.Duration(1+2*l.Each)*callTakes + attachTakes
	refill := time.Duration(float64(time.Second) / documented[attach].Refill)
	l.atMost(phase, newcomerFigure, "s", l.standing().latest[instanceID(late)].Add(attachTakes).Sub(labelled).Seconds(), (2*own + refill).Seconds())
	// One call for each interface that was there, and three for each new one.
	l.costs(phase, before, n+3*l.Each, 1)
	return nil
}
