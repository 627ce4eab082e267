package controller

import (
	"os"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// A leader that is told to stop finishes its calls and gives its lease up before the kubelet kills it.
func TestTheDeploymentsGraceOutlastsTheLongestDrain(t *testing.T) {
	data, err := os.ReadFile("../../manifests/40-deployment.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	if err := yaml.Unmarshal(data, &deployment); err != nil {
		t.Fatal(err)
	}
	const renewDeadline = 10 * time.Second // the default: writing the Lease takes no longer
	grace := deployment.Spec.Template.Spec.TerminationGracePeriodSeconds
	if grace == nil || time.Duration(*grace)*time.Second <= drainTime+2*renewDeadline {
		t.Errorf("terminationGracePeriodSeconds %v, want more than %v for the calls and twice %v for the Lease", grace, drainTime, renewDeadline)
	}
}
