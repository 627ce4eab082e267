package simulation

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// How many Nodes may lack their labels, be stopped, or be terminated, how many NodeENIs there may be beside the first
// ones, and how many interfaces of the VPC CNI's. So the cluster is about as large on each day, and what grows is not
// the cluster.
const (
	mostUnlabelled = 4
	mostStopped    = 3
	mostTerminated = 2
	mostExtra      = 3
	mostCNI        = 4
)

// soakActs are the churn: what the seeds do as well, as far as it does not wear the cluster out, and what undoes itself
// after a while.
func (s *soak) soakActs() []act {
	list := []act{
		{"replace a Node by another one", 8, s.replaceByAnother},
		{"flip labels", 8, s.flipLabels},
		{"stop or start an instance", 4, s.stopOrStart},
		{"terminate an instance or replace its Node", 3, s.terminateOrReplace},
		{"create or delete a NodeENI", 6, s.createOrDelete},
		{"edit the subnet within the zone", 2, edit(s.otherSubnet)},
		{"the CNI comes or goes", 4, s.cniComesOrGoes},
	}
	for _, a := range slices.Concat(clusterActs, ec2Acts) {
		switch {
		case a.name == "edit selector and subnet", a.name == "edit the subnet", strings.Contains(a.name, "instance"), strings.Contains(a.name, "CNI"):
		case strings.HasPrefix(a.name, "edit"), strings.HasSuffix(a.name, "by hand"), strings.HasSuffix(a.name, "tag"), strings.HasSuffix(a.name, "tag away"), a.name == "wipe a status":
			list = append(list, act{a.name, 1, a.do})
		}
	}
	return list
}

func (s *soak) act() {
	r := s.of("act", s.acts)
	chosen := draw(r.IntN, s.soakActs(), func(a act) int { return a.weight })
	s.trace.add("ACT", "%d: %s: %s", s.acts, chosen.name, chosen.do(&actor{run: s.run, Rand: s.of("doing", s.acts), number: s.acts}))
	s.acts++
}

// oldest takes the oldest of a list if it has as many as it may have; empty if it has not.
func oldest(list *[]string, most int) string {
	if len(*list) < most {
		return ""
	}
	first := (*list)[0]
	*list = slices.Delete(*list, 0, 1)
	return first
}

func (s *soak) node(name string) *corev1.Node {
	node, err := s.user.Kube().CoreV1().Nodes().Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return nil
	}
	return node
}

// replaceByAnother terminates a Node's instance, and another Node of another name takes its place.
func (s *soak) replaceByAnother(a *actor) string {
	return s.replace(a, a.someNode())
}

func (s *soak) replace(a *actor, node *corev1.Node) string {
	zone := max(0, slices.Index(s.world.zones, node.Labels["zone"]))
	answer := a.control("POST", "instances/"+lastPart(node.Spec.ProviderID)+"/terminate", nil)
	err := a.user.Kube().CoreV1().Nodes().Delete(context.Background(), node.Name, metav1.DeleteOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return a.said(err, "%s", node.Name)
	}
	labels := map[string]string{"zone": s.world.zones[zone], "ng": "multi", "tier": pick(a.Rand, []string{"x", "y"})}
	next := newNode(fmt.Sprintf("node-%d", s.nodeN), s.world.zones[zone], instanceName(s.nodeN), labels)
	s.nodeN++
	launched, err := s.sim.Launch(ec2sim.Instance{
		ID: lastPart(next.Spec.ProviderID), Type: pick(a.Rand, instanceTypes), Subnet: s.world.subnets[3*zone].ID, State: "running",
	})
	if err != nil {
		return a.said(err, "%s is terminated (%s)", node.Name, answer)
	}
	return fmt.Sprintf("%s is terminated (%s); %s for %s", node.Name, answer, a.createNode(next), launched.ID)
}

// flipLabels takes a Node's label away; once there are many without, it gives one its label again.
func (s *soak) flipLabels(a *actor) string {
	if node := s.node(oldest(&s.unlabelled, mostUnlabelled)); node != nil {
		return a.said(a.label(node.Name, "ng", "multi"), "%s ng=multi", node.Name)
	}
	node := a.someNode()
	if node.Labels["ng"] == "" {
		return a.said(a.label(node.Name, "ng", "multi"), "%s ng=multi", node.Name)
	}
	s.unlabelled = append(s.unlabelled, node.Name)
	return a.said(a.label(node.Name, "ng", ""), "%s ng is taken away", node.Name)
}

func (s *soak) stopOrStart(a *actor) string {
	node, verb := s.node(oldest(&s.stopped, mostStopped)), "start"
	if node == nil {
		node, verb = a.someNode(), "stop"
		s.stopped = append(s.stopped, node.Name)
	}
	return fmt.Sprintf("%s %s: %s", verb, node.Name, a.control("POST", "instances/"+lastPart(node.Spec.ProviderID)+"/"+verb, nil))
}

// terminateOrReplace terminates an instance whose Node stays for a while.
func (s *soak) terminateOrReplace(a *actor) string {
	if node := s.node(oldest(&s.terminated, mostTerminated)); node != nil {
		return s.replace(a, node)
	}
	node := a.someNode()
	s.terminated = append(s.terminated, node.Name)
	return fmt.Sprintf("%s: %s", node.Name, a.control("POST", "instances/"+lastPart(node.Spec.ProviderID)+"/terminate", nil))
}

func (s *soak) createOrDelete(a *actor) string {
	if name := oldest(&s.extra, mostExtra); name != "" {
		err := a.user.NodeENIs().NetworkingV1alpha1().NodeENIs().Delete(context.Background(), name, metav1.DeleteOptions{})
		return a.said(err, "%s is deleted", name)
	}
	s.extra = append(s.extra, fmt.Sprintf("eni-%d", a.number))
	return a.createNodeENI()
}

// otherSubnet changes the subnet for another one of the zone that has room.
func (s *soak) otherSubnet(_ *actor, n *v1alpha1.NodeENI) {
	for i := range s.world.zones {
		roomy := []string{s.world.subnets[3*i].ID, s.world.subnets[3*i+1].ID}
		if k := slices.Index(roomy, n.Spec.SubnetID); k >= 0 {
			n.Spec.SubnetID = roomy[1-k]
			return
		}
	}
}

func (s *soak) cniComesOrGoes(a *actor) string {
	if len(s.cni) >= mostCNI {
		return a.cniRelease()
	}
	return a.cniAttach()
}
