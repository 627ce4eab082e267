package property

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// TestASpoiltPlaceStandsInTheWay: what EC2 does not attach since a detach by force waits, and says so. Nothing else
// excuses it.
func TestASpoiltPlaceStandsInTheWay(t *testing.T) {
	for _, test := range []struct {
		spoilt int
		reason string
		about  string
	}{
		{1, v1alpha1.ReasonAttachFailed, ""},
		{2, v1alpha1.ReasonAttachFailed, "nothing stands against it"},
		{1, v1alpha1.ReasonSlotTaken, "nobody wants it"},
	} {
		s := newScene()
		s.world.Instances[0].Spoilt = []ec2sim.SlotNow{{DeviceIndex: test.spoilt}}
		s.world.Interfaces[0].Attachment = nil
		s.n.Status.Attachments[0] = v1alpha1.Attachment{NodeName: "n", ENIID: "eni-1", State: v1alpha1.AttachmentBlocked, Reason: test.reason}
		var found []string
		for _, v := range Check([]v1alpha1.NodeENI{s.n}, []corev1.Node{s.node}, s.world) {
			if v.Clause == 1 || v.Clause == 2 {
				found = append(found, v.Message)
			}
		}
		if got := strings.Join(found, "; "); !strings.Contains(got, test.about) || (test.about == "") != (got == "") {
			t.Errorf("index %d is spoilt, status says %s: want %q, got %q", test.spoilt, test.reason, test.about, got)
		}
		causes := Causes([]v1alpha1.NodeENI{s.n}, []corev1.Node{s.node}, s.world)
		if got := causes["device index 1 of i-1"]; got != (test.spoilt == 1) {
			t.Errorf("index %d is spoilt: causes are %v", test.spoilt, causes)
		}
	}
}
