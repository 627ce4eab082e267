package ec2sim

var modifyParams = paramsOf([]param{
	id("NetworkInterfaceId", interfaceID).must(), id("Attachment.AttachmentId", attachmentID),
	boolean("Attachment.DeleteOnTermination"), boolean("SourceDestCheck.Value"), text("Description.Value"),
	id("SecurityGroupId.N", groupID), number("ConnectionTrackingSpecification.TcpEstablishedTimeout"),
	number("ConnectionTrackingSpecification.UdpStreamTimeout"), number("ConnectionTrackingSpecification.UdpTimeout"),
}, unsupported("Attachment.EnaQueueCount", "Attachment.DefaultEnaQueueCount", "EnaSrdSpecification.EnaSrdEnabled",
	"EnaSrdSpecification.EnaSrdUdpSpecification.EnaSrdUdpEnabled", "EnablePrimaryIpv6", "AssociatePublicIpAddress", "AssociatedSubnetId.N"))

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
		return fail("MissingParameter", "The request must contain one attribute to modify")
	}
	e, err := s.interfaceByID(c.form.get("NetworkInterfaceId"))
	if err != nil {
		return err
	}
	if err := run(s, e, c.form); err != nil {
		return err
	}
	w.boolean("return", true)
	return nil
}

func modifyAttachment(s *Simulator, e *networkInterface, form *value) error {
	id := form.get("Attachment.AttachmentId")
	if id == "" {
		return missing("Attachment.AttachmentId")
	}
	if !form.has("Attachment.DeleteOnTermination") {
		return missing("Attachment.DeleteOnTermination")
	}
	if e.attachment == nil || e.attachment.id != id {
		return attachmentID.missing(id)
	}
	s.setAttachment(e, func(a *attachment) { a.deleteOnTermination = form.boolean("Attachment.DeleteOnTermination") })
	return nil
}

func modifySourceDest(s *Simulator, e *networkInterface, form *value) error {
	s.change(e, func() { e.sourceDest = form.boolean("SourceDestCheck.Value") })
	return nil
}

func modifyDescription(s *Simulator, e *networkInterface, form *value) error {
	if d := form.get("Description.Value"); len(d) > 255 {
		return badValue("Description", d[:16]+"…", "Expecting at most 255 characters.")
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

func modifyTracking(s *Simulator, e *networkInterface, form *value) error {
	t, err := readTracking(form)
	if err != nil {
		return err
	}
	s.change(e, func() { e.tracking = t })
	return nil
}

// readTracking reads idle timeouts within the bounds of
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_ConnectionTrackingSpecificationRequest.html
func readTracking(form *value) (t tracking, err error) {
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
	e, err := s.interfaceByID(c.form.get("NetworkInterfaceId"))
	if err != nil {
		return err
	}
	switch {
	case e.managedBy != "":
		return fail("AuthFailure", "You do not have permission to access the specified resource.")
	case e.attachment != nil && s.variants.DeleteInUse == "InvalidNetworkInterface.InUse":
		return fail("InvalidNetworkInterface.InUse", "The network interface '%s' is currently in use.", e.id)
	case e.attachment != nil:
		return fail("InvalidParameterValue", "Network interface '%s' is currently in use.", e.id)
	}
	s.removeInterface(e)
	w.boolean("return", true)
	return nil
}
