package ec2sim

import "slices"

var modifyParams = paramsOf([]param{
	id("NetworkInterfaceId", interfaceID).must(), id("Attachment.AttachmentId", attachmentID),
	boolean("Attachment.DeleteOnTermination"), number("Attachment.EnaQueueCount"), boolean("Attachment.DefaultEnaQueueCount"),
	boolean("SourceDestCheck.Value"), text("Description.Value"), id("SecurityGroupId.N", groupID),
	number("ConnectionTrackingSpecification.TcpEstablishedTimeout"),
	number("ConnectionTrackingSpecification.UdpStreamTimeout"), number("ConnectionTrackingSpecification.UdpTimeout"),
	boolean("EnablePrimaryIpv6"), boolean("AssociatePublicIpAddress"), id("AssociatedSubnetId.N", subnetID),
}, enaParams)

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
	if run == nil {
		return fail("InvalidParameterCombination", "No attributes specified.")
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

// modifyAttachment changes delete-on-termination, the number of ENA queues, or both.
func modifyAttachment(s *Simulator, e *networkInterface, form *value) error {
	id, queues := form.get("Attachment.AttachmentId"), form.has("Attachment.EnaQueueCount") || form.boolean("Attachment.DefaultEnaQueueCount")
	if id == "" {
		return missing("Attachment.AttachmentId")
	}
	if !form.has("Attachment.DeleteOnTermination") && !queues {
		return missing("Attachment.DeleteOnTermination")
	}
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
	s.change(e, func() { e.attachment = &next })
	return nil
}

func modifySourceDest(s *Simulator, e *networkInterface, form *value) error {
	s.change(e, func() { e.sourceDest = form.boolean("SourceDestCheck.Value") })
	return nil
}

func modifyDescription(s *Simulator, e *networkInterface, form *value) error {
	if err := checkDescription(form.get("Description.Value")); err != nil {
		return err
	}
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
	t, err := readTracking(form, e.tracking)
	if err != nil {
		return err
	}
	s.change(e, func() { e.tracking = t })
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
func modifyPrimary6(s *Simulator, e *networkInterface, form *value) error {
	switch {
	case !form.boolean("EnablePrimaryIpv6"):
		return badValue("EnablePrimaryIpv6", "false", "A primary IPv6 address cannot be disabled.")
	case len(e.six) == 0:
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
	for _, id := range ids {
		sn, err := s.subnetByID(id)
		if err != nil {
			return err
		}
		if sn.vpc != e.subnet.vpc || sn.zone != e.subnet.zone {
			return fail("InvalidParameterCombination", "The subnet '%s' and the network interface must be in the same VPC and availability zone", id)
		}
	}
	s.change(e, func() { e.associated = slices.Clone(ids) })
	return nil
}

// readTracking reads idle timeouts over those of before, within the bounds of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingSpecificationRequest.html
func readTracking(form *value, t tracking) (tracking, error) {
	for _, f := range []struct {
		name     string
		min, max int
		to       *int
	}{{"TcpEstablishedTimeout", 60, 432000, &t.tcpEstablished}, {"UdpStreamTimeout", 60, 180, &t.udpStream}, {"UdpTimeout", 30, 60, &t.udp}} {
		path := "ConnectionTrackingSpecification." + f.name
		if !form.has(path) {
			continue
		}
		*f.to = form.number(path, 0)
		if *f.to < f.min || *f.to > f.max {
			return t, fail("InvalidParameterValue", "Value (%d) for parameter %s is invalid. Expecting a value between %d and %d.", *f.to, f.name, f.min, f.max)
		}
	}
	return t, nil
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
