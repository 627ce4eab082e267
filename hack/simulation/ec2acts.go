package simulation

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// ec2Acts are what people and other controllers do in EC2.
var ec2Acts = []act{
	{"the CNI attaches an interface", 5, (*actor).cniAttach},
	{"the CNI takes an interface away", 5, (*actor).cniRelease},
	{"stop an instance", 2, onInstance("stop")},
	{"start an instance", 3, onInstance("start")},
	{"terminate an instance", 1, onInstance("terminate")},
	{"detach an interface by hand", 3, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		return a.control("POST", "interfaces/"+e.ID+"/detach", nil)
	})},
	{"delete an interface by hand", 3, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		return a.control("POST", "interfaces/"+e.ID+"/delete", nil)
	})},
	{"take an ownership tag away", 1, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		answer := a.untag(e.ID, pick(a.Rand, []string{eni.TagClusterID, eni.TagNodeENIUID}))
		a.watch.untagged(e.ID)
		return answer
	})},
	{"take another tag away", 2, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		return a.untag(e.ID, pick(a.Rand, []string{eni.TagSlot, eni.TagInstanceID, eni.TagNodeName, eni.TagNodeENIName, eni.TagNoManage, "team"}))
	})},
	{"add a tag", 1, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		answer := a.tag(e.ID, "seen-by", "somebody")
		if strings.HasSuffix(answer, ": 200") {
			a.ledger.marked(e.ID, "seen-by", "somebody")
		}
		return answer
	})},
	{"change a tag", 1, onOurs(func(a *actor, e ec2sim.InterfaceNow) string { return a.tag(e.ID, "team", "nobody") })},
	{"change security groups by hand", 2, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		return a.query("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", e.ID, "SecurityGroupId.1", pick(a.Rand, a.world.groups))
	})},
	{"change a description by hand", 1, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		return a.query("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", e.ID, "Description.Value", "by hand")
	})},
	{"change delete-on-termination by hand", 2, onOurs(func(a *actor, e ec2sim.InterfaceNow) string {
		if e.Attachment == nil {
			return "not attached"
		}
		return a.query("ModifyNetworkInterfaceAttribute", "NetworkInterfaceId", e.ID, "Attachment.AttachmentId", e.Attachment.ID,
			"Attachment.DeleteOnTermination", fmt.Sprint(!e.Attachment.DeleteOnTermination))
	})},
}

// control uses the simulator's control protocol, which is what goes on in an account without the caller's doing.
func (r *run) control(method, path string, body any) string {
	var reader bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&reader).Encode(body); err != nil {
			return err.Error()
		}
	}
	answer := httptest.NewRecorder()
	r.sim.ServeHTTP(answer, httptest.NewRequest(method, "/_sim/"+path, &reader))
	if answer.Code != http.StatusOK {
		return strings.TrimSpace(answer.Body.String())
	}
	r.noted(path)
	return "ok"
}

// noted has the ledger and the watch know what was done in EC2.
func (r *run) noted(path string) {
	parts := strings.Split(path, "/")
	switch {
	case parts[0] == "instances" && len(parts) == 1: // a launch, with an interface of its own
		for _, e := range r.sim.Snapshot().Interfaces {
			if e.Attachment != nil && e.Attachment.DeviceIndex == 0 {
				r.ledger.made(e)
			}
		}
	case parts[0] == "instances" && parts[2] == "terminate":
		r.watch.dies(parts[1])
	case parts[0] == "interfaces" && parts[len(parts)-1] == "delete":
		r.ledger.gone(parts[1])
	}
}

// query makes a call to EC2 as somebody who is not the controller.
func (r *run) query(action string, pairs ...string) string {
	form := url.Values{"Action": {action}, "Version": {"2016-11-15"}}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	request := httptest.NewRequestWithContext(ctx, "POST", "/", strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	request.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKIDSOMEBODY/"+time.Now().UTC().Format("20060102")+"/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	response, err := r.sim.Transport().RoundTrip(request)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("answered: %d", response.StatusCode)
}

func (r *run) tag(id, key, value string) string {
	return fmt.Sprintf("%s=%s: %s", key, value, r.query("CreateTags", "ResourceId.1", id, "Tag.1.Key", key, "Tag.1.Value", value))
}

func (a *actor) untag(id, key string) string {
	answer := a.query("DeleteTags", "ResourceId.1", id, "Tag.1.Key", key)
	a.watch.lost(a.sim.Snapshot())
	return fmt.Sprintf("%s: %s", key, answer)
}

// onOurs makes an act on an interface of ours.
func onOurs(do func(*actor, ec2sim.InterfaceNow) string) func(*actor) string {
	return func(a *actor) string {
		var ours []ec2sim.InterfaceNow
		s := a.sim.Snapshot()
		a.watch.learn(s)
		for _, e := range s.Interfaces {
			if e.Tags[eni.TagClusterID] == a.cluster && !a.ledger.isForeign(e.ID) {
				ours = append(ours, e)
			}
		}
		if len(ours) == 0 {
			return ""
		}
		e := pick(a.Rand, ours)
		return e.ID + ": " + do(a, e)
	}
}

// onInstance makes an act on the instance of some Node.
func onInstance(verb string) func(*actor) string {
	return func(a *actor) string {
		node := a.someNode()
		if node == nil {
			return ""
		}
		id := lastPart(node.Spec.ProviderID)
		return fmt.Sprintf("%s of %s: %s", id, node.Name, a.control("POST", "instances/"+id+"/"+verb, nil))
	}
}

func lastPart(providerID string) string { return providerID[strings.LastIndexByte(providerID, '/')+1:] }

// cniAttach attaches an interface of the VPC CNI's at the lowest free index of some instance.
func (a *actor) cniAttach() string {
	s := a.sim.Snapshot()
	i := pick(a.Rand, s.Instances)
	if i.State != "running" || len(i.Interfaces) >= limits[i.Type] {
		return ""
	}
	used := map[int]bool{}
	for _, e := range s.Interfaces {
		if e.Attachment != nil && e.Attachment.Instance == i.ID {
			used[e.Attachment.DeviceIndex] = true
		}
	}
	index := 1
	for used[index] {
		index++
	}
	placed, err := a.sim.PlaceInterface(ec2sim.Interface{
		Subnet: i.Subnet, Description: "aws-K8S-" + i.ID, Tags: map[string]string{"node.k8s.amazonaws.com/instance_id": i.ID},
		Attachment: &ec2sim.Attachment{Instance: i.ID, DeviceIndex: index, DeleteOnTermination: true},
	})
	if err == nil {
		a.ledger.made(placed)
		a.cni = append(a.cni, placed.ID)
	}
	return a.said(err, "%s at index %d of %s", placed.ID, index, i.ID)
}

// cniRelease takes one of the VPC CNI's interfaces away.
func (a *actor) cniRelease() string {
	if len(a.cni) == 0 {
		return ""
	}
	at := a.IntN(len(a.cni))
	id := a.cni[at]
	a.cni = append(a.cni[:at:at], a.cni[at+1:]...)
	return id + ": " + a.control("POST", "interfaces/"+id+"/delete", nil)
}
