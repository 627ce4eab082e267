package plan

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// clone copies everything that a plan could change by mistake.
func clone(s Snapshot) Snapshot {
	s.NodeENIs = slices.Clone(s.NodeENIs)
	for i := range s.NodeENIs {
		s.NodeENIs[i] = s.NodeENIs[i].DeepCopy()
	}
	instance := *s.Instance
	instance.Interfaces = slices.Clone(instance.Interfaces)
	s.Instance = &instance
	s.Interfaces = slices.Clone(s.Interfaces)
	for i := range s.Interfaces {
		iface := &s.Interfaces[i]
		iface.Tags, iface.SecurityGroupIDs = maps.Clone(iface.Tags), slices.Clone(iface.SecurityGroupIDs)
		if iface.Attachment != nil {
			a := *iface.Attachment
			iface.Attachment = &a
		}
	}
	s.Setbacks, s.ReleaseSetbacks = maps.Clone(s.Setbacks), maps.Clone(s.ReleaseSetbacks)
	s.CreateSetbacks = maps.Clone(s.CreateSetbacks)
	s.ChangeSetbacks, s.ReleaseCauses = maps.Clone(s.ChangeSetbacks), maps.Clone(s.ReleaseCauses)
	return s
}

// apply does to the snapshot what EC2 would do on the actions.
func apply(s *Snapshot, actions []Action) {
	for _, a := range actions {
		if a.Kind == Create {
			delete(s.Setbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
			delete(s.CreateSetbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
			s.Interfaces = append(s.Interfaces, eni.ObservedInterface{Interface: eni.Interface{
				ID: freshID(s), SubnetID: a.SubnetID, Zone: "us-east-1a",
				SecurityGroupIDs: a.SecurityGroupIDs, Description: a.Description, Tags: maps.Clone(a.Tags),
			}, Epochs: 1, AttachmentSince: s.Now})
			continue
		}
		delete(s.ReleaseSetbacks, a.InterfaceID)
		delete(s.ReleaseCauses, a.InterfaceID)
		delete(s.ChangeSetbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
		delete(s.Setbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
		delete(s.CreateSetbacks, SlotKey{a.NodeENI, a.InstanceID, a.Slot})
		i := slices.IndexFunc(s.Interfaces, func(i eni.ObservedInterface) bool { return i.ID == a.InterfaceID })
		iface := &s.Interfaces[i]
		switch a.Kind {
		case Attach:
			iface.Attachment = &eni.Attachment{ID: "eni-attach-" + a.InterfaceID, InstanceID: a.InstanceID, Slot: a.Slot, Status: eni.Attaching}
			iface.AttachmentSince = s.Now
		case SetDeleteOnTermination:
			iface.Attachment.DeleteOnTermination = a.DeleteOnTermination
		case SetSecurityGroups:
			iface.SecurityGroupIDs = a.SecurityGroupIDs
		case SetDescription:
			iface.Description = a.Description
		case PutTags, Adopt:
			maps.Copy(iface.Tags, a.Tags)
		case RemoveTags:
			maps.DeleteFunc(iface.Tags, func(key, _ string) bool { return slices.Contains(a.TagKeys, key) })
		case Detach:
			iface.Attachment.Status, iface.AttachmentSince = eni.Detaching, s.Now
		case Delete:
			s.Interfaces = slices.Delete(s.Interfaces, i, i+1)
		}
	}
}

func freshID(s *Snapshot) string {
	for n := 0; ; n++ {
		id := fmt.Sprint("eni-new-", n)
		if !slices.ContainsFunc(s.Interfaces, func(i eni.ObservedInterface) bool { return i.ID == id }) {
			return id
		}
	}
}

// settle lets two minutes pass, in which EC2 finishes what it is at and everything is described anew.
func settle(s *Snapshot) {
	s.Now = s.Now.Add(2 * time.Minute)
	s.Instance.ObservedAt = s.Now.Add(-time.Second)
	for i := range s.Interfaces {
		iface := &s.Interfaces[i]
		iface.Missing, iface.ShownAt = false, s.Now.Add(-time.Second)
		iface.Epochs++
		if iface.Attachment == nil {
			continue
		}
		switch iface.Attachment.Status {
		case eni.Attaching, eni.UnknownAttachment:
			iface.Attachment.ID, iface.Attachment.Status, iface.AttachmentSince = "eni-attach-"+iface.ID, eni.Attached, s.Now
		case eni.Detaching:
			iface.Attachment, iface.AttachmentSince = nil, s.Now
		}
	}
}
