package simulation

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// This file is what users do on bad days.

func init() {
	clusterActs = append(clusterActs, []act{
		{"let an invalid spec through", 1, edit(func(a *actor, n *v1alpha1.NodeENI) {
			switch a.IntN(3) {
			case 0:
				n.Spec.DeviceIndex = 0
			case 1:
				n.Spec.SubnetID = "my-subnet"
			default:
				n.Spec.SecurityGroupIDs = []string{"default"}
			}
		})},
		{"correct an invalid spec", 1, (*actor).correct},
		{"force a finalizer off", 1, (*actor).forceOff},
		{"delete a NodeENI and create it again", 2, (*actor).createAgain},
		{"restore all NodeENIs from a backup", 1, (*actor).restore},
		{"allow releases", 1, annotate(v1alpha1.AnnotationAllowReleaseUntil)},
		{"allow detaching by force", 1, annotate(v1alpha1.AnnotationForceDetachUntil)},
	}...)
	ec2Acts = append(ec2Acts, []act{
		{"make an interface with our cluster's tag", 2, (*actor).impostor},
		{"fight over security groups", 1, fight(func(a *actor, e ec2sim.InterfaceNow) string {
			return a.query("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", e.ID, "SecurityGroupId.1", a.world.groups[0])
		})},
		{"fight over an attachment", 1, fight(func(a *actor, e ec2sim.InterfaceNow) string {
			return a.control("POST", "interfaces/"+e.ID+"/detach", nil)
		})},
		{"a tenant fills the Region", 1, (*actor).fillRegion},
	}...)
}

func (a *actor) client() nodeENIClient {
	return a.user.NodeENIs().NetworkingV1alpha1().NodeENIs()
}

type nodeENIClient interface {
	Get(context.Context, string, metav1.GetOptions) (*v1alpha1.NodeENI, error)
	Create(context.Context, *v1alpha1.NodeENI, metav1.CreateOptions) (*v1alpha1.NodeENI, error)
	Update(context.Context, *v1alpha1.NodeENI, metav1.UpdateOptions) (*v1alpha1.NodeENI, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (*v1alpha1.NodeENI, error)
}

// correct gives an invalid spec, or any, what may be.
func (a *actor) correct() string {
	n := a.someNodeENI()
	if n == nil {
		return ""
	}
	n.Spec = a.world.newNodeENI(a.Rand, n.Name).Spec
	_, err := a.client().Update(context.Background(), n, metav1.UpdateOptions{})
	return a.said(err, "%s", n.Name)
}

// forceOff takes a NodeENI's finalizers off and deletes it.
func (a *actor) forceOff() string {
	n := a.someNodeENI()
	if n == nil {
		return ""
	}
	return a.said(a.force(n.Name), "%s", n.Name)
}

// force deletes a NodeENI without waiting for the controller.
func (a *actor) force(name string) error {
	ctx := context.Background()
	if err := a.client().Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return err
	}
	_, err := a.client().Patch(ctx, name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// createAgain deletes a NodeENI as usual, and creates it with the same name and spec as soon as it is gone.
func (a *actor) createAgain() string {
	n := a.someNodeENI()
	if n == nil {
		return ""
	}
	ctx := context.Background()
	if err := a.client().Delete(ctx, n.Name, metav1.DeleteOptions{}); err != nil {
		return a.said(err, "%s", n.Name)
	}
	again := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: n.Name}, Spec: n.Spec}
	for range 120 {
		_, err := a.client().Create(ctx, again, metav1.CreateOptions{})
		if !apierrors.IsAlreadyExists(err) {
			return a.said(err, "%s", n.Name)
		}
		time.Sleep(time.Second)
	}
	return n.Name + " is still being deleted"
}

// restore is what comes of a cluster's backup: all NodeENIs are new, their specs are not.
func (a *actor) restore() string {
	var names []string
	for _, n := range a.nodeENIs() {
		if n.DeletionTimestamp != nil {
			continue
		}
		if err := a.force(n.Name); err != nil {
			return a.said(err, "%s", n.Name)
		}
		again := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels, Annotations: n.Annotations}, Spec: n.Spec}
		if _, err := a.client().Create(context.Background(), again, metav1.CreateOptions{}); err != nil {
			return a.said(err, "%s", n.Name)
		}
		names = append(names, n.Name)
	}
	if len(names) == 0 {
		return ""
	}
	return a.said(nil, "%v", names)
}

// annotate makes an act of an annotation, of which many a one says nothing.
func annotate(key string) func(*actor) string {
	return func(a *actor) string {
		n := a.someNodeENI()
		if n == nil {
			return ""
		}
		value := pick(a.Rand, []string{
			time.Now().Add(between(a.Rand, -time.Hour, 3*time.Hour)).UTC().Format(time.RFC3339), "tomorrow", "",
		})
		patch, _ := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{key: value}}})
		_, err := a.client().Patch(context.Background(), n.Name, types.MergePatchType, patch, metav1.PatchOptions{})
		return a.said(err, "%s=%q on %s", key, value, n.Name)
	}
}

// impostor makes an interface that bears our cluster's tag, and no NodeENI's: it is nobody's of ours.
func (a *actor) impostor() string {
	subnet := a.world.subnets[3*a.IntN(len(a.world.zones))+1]
	placed, err := a.sim.PlaceInterface(ec2sim.Interface{Subnet: subnet.ID, Description: "pasted tags", Tags: map[string]string{
		eni.TagClusterID: a.cluster, eni.TagClusterName: clusterName, eni.TagNodeENIName: "eni-a", eni.TagSlot: "0-1",
	}})
	if err == nil {
		a.ledger.made(placed)
	}
	return a.said(err, "%s in %s", placed.ID, subnet.ID)
}

// fight has somebody change an interface of ours back again and again, for a while.
func fight(strike func(*actor, ec2sim.InterfaceNow) string) func(*actor) string {
	return func(a *actor) string {
		e, ok := a.someAttached()
		if !ok {
			return ""
		}
		rounds, pause := 10+a.IntN(20), between(a.Rand, 5*time.Second, 20*time.Second)
		go func() {
			for range rounds {
				strike(a, e)
				time.Sleep(pause)
			}
		}()
		a.took = true
		return fmt.Sprintf("%s, %d rounds, one each %v", e.ID, rounds, pause)
	}
}

// someAttached is an attached interface of ours.
func (a *actor) someAttached() (ec2sim.InterfaceNow, bool) {
	s := a.sim.Snapshot()
	a.watch.learn(s)
	var list []ec2sim.InterfaceNow
	for _, e := range s.Interfaces {
		if e.Attachment != nil && e.Tags[eni.TagClusterID] == a.cluster && !a.ledger.isForeign(e.ID) {
			list = append(list, e)
		}
	}
	if len(list) == 0 {
		return ec2sim.InterfaceNow{}, false
	}
	return pick(a.Rand, list), true
}

// fillRegion uses up the account's quota of interfaces, where it is small, for a while or for good.
func (a *actor) fillRegion() string {
	quota := a.world.ec2.Quotas.InterfacesPerRegion
	var ids []string
	for quota > 0 && len(a.sim.Snapshot().Interfaces) < quota {
		placed, err := a.sim.PlaceInterface(ec2sim.Interface{Subnet: tenantSubnet, Description: "a tenant's"})
		if err != nil {
			break
		}
		a.ledger.made(placed)
		ids = append(ids, placed.ID)
	}
	if len(ids) == 0 {
		return ""
	}
	if chance(a.Rand, 0.7) {
		time.AfterFunc(between(a.Rand, time.Minute, 8*time.Minute), func() {
			for _, id := range ids {
				a.control("POST", "interfaces/"+id+"/delete", nil)
			}
		})
	}
	return a.said(nil, "%d interfaces", len(ids))
}

// approveOrphans is what a person does about interfaces whose NodeENIs are gone: the approval is on the Lease.
func (r *run) approveOrphans() string {
	leases := r.user.Kube().CoordinationV1().Leases("kube-system")
	list, err := leases.List(context.Background(), metav1.ListOptions{})
	if err != nil {
		return err.Error()
	}
	patch := fmt.Sprintf(`{"metadata":{"annotations":{%q:%q}}}`, v1alpha1.AnnotationAllowReleaseUntil, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	for _, l := range list.Items {
		if _, err := leases.Patch(context.Background(), l.Name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return err.Error()
		}
	}
	return "approved on the Lease"
}
