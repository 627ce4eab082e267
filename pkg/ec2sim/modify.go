package ec2sim

import "slices"

var modifyParams = paramsOf([]param{
	id("NetworkInterfaceId", interfaceID).must(), id("Attachment.AttachmentId", attachmentID),
	boolean("Attachment.DeleteOnTermination"), number("Attachment.EnaQueueCount"), boolean("Attachment.DefaultEnaQueueCount"),
	boolean("SourceDestCheck.Value"), checked("Description.Value", aDescription), id("SecurityGroupId.N", groupID),
	checked("EnablePrimaryIpv6", onlyTrue), boolean("AssociatePublicIpAddress"), id("AssociatedSubnetId.N", subnetID),
}, trackingParams(""), enaParams).needing(oneAttribute)

// modifiers are the attributes that can be modified, one in a call.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ModifyNetworkInterfaceAttribute.html
var modifiers = []struct {
	param string
	run   func(*Simulator, *networkInterface, *value) error
}{
	{"Attachment", modifyAttachment},
	{"SourceDestCheck", modifySourceDest},
	{"Description", modifyDescription},
	{"SecurityGroupId", modifyGroups},
	{"ConnectionTrackingSpecification", modifyTracking},
	{"EnaSrdSpecification", modifyENASrd},
	{"EnablePrimaryIpv6", modifyPrimary6},
	{"AssociatePublicIpAddress", modifyPublic},
	{"AssociatedSubnetId", modifySubnets},
}

// modifiedAttribute is the attribute's name for the condition key ec2:Attribute: the
// parameter's own, but for groups.
func modifiedAttribute(form *value) string {
	for _, m := range modifiers {
		if form.has(m.param) {
			return map[bool]string{true: "Groups", false: m.param}[m.param == "SecurityGroupId"]
		}
	}
	return ""
}

func modifyNetworkInterfaceAttribute(s *Simulator, c *call, w *xmlWriter) error {
	var run func(*Simulator, *networkInterface, *value) error
	for _, m := range modifiers {
		if !c.form.has(m.param) {
			continue
		}
		if run != nil {
			return fail("InvalidParameterCombination", "Only one attribute can be modified at a time")
		}
		run = m.run
	}
	e, err := s.ownInterface(c)
	if err != nil {
		return err
	}
	if err := run(s, e, c.form); err != nil {
		return err
	}
	w.boolean("return", true)
	return nil
}

// oneAttribute: a call modifies something, and says of an attachment which and what.
func oneAttribute(form *value) error {
	switch {
	case modifiedAttribute(form) == "":
		return fail("InvalidParameterCombination", "No attributes specified.")
	case !form.has("Attachment"):
	case form.get("Attachment.AttachmentId") == "":
		return missing("Attachment.AttachmentId")
	case !form.has("Attachment.DeleteOnTermination") && !setsQueues(form):
		return missing("Attachment.DeleteOnTermination")
	}
	return nil
}

func setsQueues(form *value) bool {
	return form.has("Attachment.EnaQueueCount") || form.boolean("Attachment.DefaultEnaQueueCount")
}

// modifyAttachment changes delete-on-termination, the number of ENA queues, or both.
func modifyAttachment(s *Simulator, e *networkInterface, form *value) error {
	id, queues := form.get("Attachment.AttachmentId"), setsQueues(form)
	if e.attachment == nil || e.attachment.id != id {
		return attachmentID.missing(id)
	}
	next := *e.attachment
	if form.has("Attachment.DeleteOnTermination") {
		next.deleteOnTermination = form.boolean("Attachment.DeleteOnTermination")
	}
	if queues {
		next.ena.queues = form.number("Attachment.EnaQueueCount", 0)
	}
	if err := next.ena.check(next.instance.typ); err != nil {
		return err
	}
	if err := checkQueues(e, next.ena.queues); err != nil {
		return err
	}
	s.change(e, func() { e.attachment = &next })
	return nil
}

// checkQueues refuses to take back the queues that make room for interfaces which are
// there by now.
func checkQueues(e *networkInterface, queues int) error {
	a, in := e.attachment, e.attachment.instance
	if n := in.onCard(a.card); a.ena.queues > 0 && queues == 0 && n > in.roomWithout(a.card, e) {
		return fail("AttachmentLimitExceeded", "Interface count %d exceeds the limit for %s", n, in.typ.name)
	}
	return nil
}

func modifySourceDest(s *Simulator, e *networkInterface, form *value) error {
	s.change(e, func() { e.sourceDest = form.boolean("SourceDestCheck.Value") })
	return nil
}

func modifyDescription(s *Simulator, e *networkInterface, form *value) error {
	s.change(e, func() { e.description = form.get("Description.Value") })
	return nil
}

// modifyGroups replaces the whole set.
func modifyGroups(s *Simulator, e *networkInterface, form *value) error {
	groups, err := s.groupsOf(e.subnet.vpc, form.texts("SecurityGroupId"))
	if err != nil {
		return err
	}
	if err := s.checkGroupLimit(len(groups)); err != nil {
		return err
	}
	s.change(e, func() { e.groups = groups })
	return nil
}

// modifyTracking changes the timeouts that are given and leaves the others.
func modifyTracking(s *Simulator, e *networkInterface, form *value) error {
	s.change(e, func() { e.tracking = readTracking(form, e.tracking) })
	return nil
}

// modifyENASrd turns ENA Express on or off, with or without UDP.
func modifyENASrd(s *Simulator, e *networkInterface, form *value) error {
	if e.attachment == nil {
		return fail("IncorrectState", "The interface '%s' is not attached.", e.id)
	}
	given, next := readENA(form), *e.attachment
	if form.has("EnaSrdSpecification.EnaSrdEnabled") {
		next.ena.srd, next.ena.udp = given.srd, next.ena.udp && given.srd
	}
	if form.has("EnaSrdSpecification.EnaSrdUdpSpecification") {
		next.ena.udp = given.udp
	}
	if err := next.ena.check(next.instance.typ); err != nil {
		return err
	}
	s.change(e, func() { e.attachment = &next })
	return nil
}

// modifyPrimary6 makes the first IPv6 address the primary one, for good.
func modifyPrimary6(s *Simulator, e *networkInterface, _ *value) error {
	if len(e.six) == 0 {
		return fail("InvalidParameterCombination", "A primary IPv6 address needs an IPv6 address")
	}
	s.change(e, func() { e.primary6 = true })
	return nil
}

// modifyPublic notes the wish for a public address. There are none here to give.
func modifyPublic(s *Simulator, e *networkInterface, form *value) error {
	s.change(e, func() { e.public = form.boolean("AssociatePublicIpAddress") })
	return nil
}

// modifySubnets replaces the subnets that the interface is associated with.
func modifySubnets(s *Simulator, e *networkInterface, form *value) error {
	ids := distinct(form.texts("AssociatedSubnetId"))
	var found []*subnet
	for _, id := range ids {
		sn, err := s.subnetByID(id)
		if err != nil {
			return err
		}
		found = append(found, sn)
	}
	for _, sn := range found {
		if sn.vpc != e.subnet.vpc || sn.zone != e.subnet.zone {
			return fail("InvalidParameterCombination", "The subnet '%s' and the network interface must be in the same VPC and availability zone", sn.id)
		}
	}
	s.change(e, func() { e.associated = slices.Clone(ids) })
	return nil
}

// readTracking reads idle timeouts over those of before.
func readTracking(form *value, t tracking) tracking {
	for name, to := range map[string]*int{"TcpEstablishedTimeout": &t.tcpEstablished, "UdpStreamTimeout": &t.udpStream, "UdpTimeout": &t.udp} {
		*to = form.number("ConnectionTrackingSpecification."+name, *to)
	}
	return t
}

func deleteNetworkInterface(s *Simulator, c *call, w *xmlWriter) error {
	e, err := s.ownInterface(c)
	if err != nil {
		return err
	}
	switch {
	case e.attachment != nil && s.variants.DeleteInUse == "InvalidNetworkInterface.InUse":
		return fail("InvalidNetworkInterface.InUse", "The network interface '%s' is currently in use.", e.id)
	case e.attachment != nil:
		return fail("InvalidParameterValue", "Network interface '%s' is currently in use.", e.id)
	}
	s.removeInterface(e)
	w.boolean("return", true)
	return nil
}
