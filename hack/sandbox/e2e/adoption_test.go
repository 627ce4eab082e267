package e2e

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// An interface that Terraform attached is first said to fit, then adopted where it is, and goes with its NodeENI.
func TestAnInterfaceMadeByOtherMeansIsAdopted(t *testing.T) {
	node := machines(1)[0]
	l := newLab(t, node)
	id, err := l.sim.AddInterface(l.ctx, ec2sim.Interface{
		Subnet: sandbox.SubnetA, Tags: map[string]string{"team": "telco"}, Attachment: &ec2sim.Attachment{Instance: node.InstanceID, DeviceIndex: 1},
	})
	l.must(err)
	dry := l.startController()
	object := nodeENI("a", sandbox.SubnetA, 1)
	object.Annotations = map[string]string{v1alpha1.AnnotationAdopt: "tag:team=telco"}
	l.create(object)
	l.eventually("said to fit", func(ctx context.Context) error {
		object, err := l.get(ctx, "a")
		if err != nil {
			return err
		}
		if a := object.Status.Attachments; len(a) != 1 || a[0].Reason != v1alpha1.ReasonAdoptionRefused || !strings.Contains(a[0].Message, id) ||
			!strings.Contains(a[0].Message, "--allow-adoption") {
			return fmt.Errorf("attachments %+v", a)
		}
		return nil
	})
	l.must(dry.Kill(l.ctx))
	l.startController("--allow-adoption")
	l.converge(on(node, "a", sandbox.SubnetA, 1))
	if adopted := l.the(); adopted.ID != id || adopted.Tags["team"] != "telco" {
		t.Errorf("the interface is %s with tags %v, want %s as it was made", adopted.ID, adopted.Tags, id)
	}
	l.delete("a")
	l.gone("a")
	world, err := l.sim.World(l.ctx)
	l.must(err)
	for _, iface := range world.Interfaces {
		if iface.ID == id {
			t.Errorf("interface %s outlives its NodeENI", id)
		}
	}
}
