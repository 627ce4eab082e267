package prometheus

import (
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// everything is a story in which all happens that there is a metric for, and what it ends with in both formats.
type everything struct {
	scrapes
	text, openMetrics answer
}

// whole is the story, once it has been told.
var whole *everything

// tellEverything tells the story once for all tests, before all others.
func tellEverything(t *testing.T) *everything {
	t.Helper()
	if whole != nil {
		return whole
	}
	e := &everything{}
	e.scrapes = inFreshLab(t, func(l *lab) {
		l.start()
		l.pass(10 * time.Minute)
		l.troubled()

		l.leak("gone", 0, 3)
		l.leak("nodeeni-a", nodes, 1) // of a former nodeeni-a, which the present one adopts
		l.addNode(nodes)
		l.pass(15 * time.Minute)

		l.fault(ec2sim.Fault{Action: "AttachNetworkInterface", Effect: "throttle", Times: 5})
		l.fault(ec2sim.Fault{Action: "DescribeInstances", Effect: "error", Code: "SomethingNew", Status: 400, Times: 2})
		l.fault(ec2sim.Fault{Action: "DescribeNetworkInterfaces", Effect: "error", Code: "InternalError", Status: 500, Times: 2})
		for i := range 3 {
			l.addNode(nodes + 1 + i)
		}
		l.failAPIServer(true)
		l.pass(10 * time.Minute)
		l.failAPIServer(false)
		l.heal()

		l.label(0, "")
		l.pass(10 * time.Minute)
		for i := range nodes {
			l.label(i, "")
		}
		l.ask("nodeeni-c", 3, func(n *v1alpha1.NodeENI) { n.Spec.SubnetID = "subnet-0ffffffffffffffff" })
		l.pass(10 * time.Minute)
		e.text, e.openMetrics = l.scrape(acceptText), l.scrape(acceptOpenMetrics)
		for i := range nodes {
			l.label(i, "multi-eni")
		}
		l.mended()
		l.pass(10 * time.Minute)
	})
	if !t.Failed() {
		whole = e
	}
	return e
}
