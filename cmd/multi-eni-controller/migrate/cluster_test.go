package migrate

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

// --old-controller-stopped is a person's word for what can not be looked up.
func TestAPersonMayKnowBetter(t *testing.T) {
	l := newLab(t, community("here", "theirs", 1), held())
	l.want(exitDone, "", append([]string{"-f", "-", "--old-controller-stopped"}, complete...)...)
}

// Ours may have an image of the same name; it never runs without a cluster's name.
func TestOursIsNotTheirs(t *testing.T) {
	ours := community("multi-eni-system", "multi-eni-controller", 2)
	ours.Spec.Template.Spec.Containers[0].Args = []string{"--cluster-name=prod"}
	ours.Spec.Template.Spec.Containers[0].Image = "example.com/multi-eni/aws-multi-eni-controller@sha256:0"
	other := community("default", "other", 1)
	other.Spec.Template.Spec.Containers[0].Image = "example.com/other:v1"
	l := newLab(t, ours, other)
	l.want(exitDone, "", append([]string{"-f", "-"}, complete...)...)
}

// community is a Deployment of the community's controller.
func community(namespace, name string, replicas int32) *appsv1.Deployment {
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{
			Containers: []corev1.Container{{Name: "manager", Image: "ghcr.io/johnlam90/aws-multi-eni-controller:v1.3.8", Args: []string{"--enable-leader-election"}}},
		}}},
	}
}

func held() *coordinationv1.Lease {
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "here", Name: migrate.LeaseName},
		Spec:       coordinationv1.LeaseSpec{LeaseDurationSeconds: new(int32(3600)), RenewTime: &metav1.MicroTime{Time: time.Now()}},
	}
}

func expired() *coordinationv1.Lease {
	lease := held()
	lease.Spec.RenewTime = &metav1.MicroTime{Time: time.Now().Add(-2 * time.Hour)}
	return lease
}
