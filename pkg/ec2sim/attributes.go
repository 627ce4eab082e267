package ec2sim

// interfaceAttributes write one attribute each.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeNetworkInterfaceAttribute.html
var interfaceAttributes = map[string]func(*xmlWriter, *networkInterface){
	"description":     func(w *xmlWriter, e *networkInterface) { w.valueOf("description", e.description) },
	"groupSet":        func(w *xmlWriter, e *networkInterface) { set(w, "groupSet", e.groups, w.group) },
	"sourceDestCheck": func(w *xmlWriter, e *networkInterface) { w.flagOf("sourceDestCheck", e.sourceDest) },
	"attachment": func(w *xmlWriter, e *networkInterface) {
		if e.attachment != nil {
			w.in("attachment", func() { w.wholeAttachment(e.attachment) })
		}
	},
	"associatePublicIpAddress": func(w *xmlWriter, e *networkInterface) { w.boolean("associatePublicIpAddress", e.public) },
}

func (w *xmlWriter) valueOf(name, v string) { w.in(name, func() { w.text("value", v) }) }

func (w *xmlWriter) flagOf(name string, v bool) { w.in(name, func() { w.boolean("value", v) }) }

func describeNetworkInterfaceAttribute(s *Simulator, c *call, w *xmlWriter) error {
	id := c.form.get("NetworkInterfaceId")
	e, ok := s.seenByID(c, id)
	if !ok {
		return interfaceID.missing(id)
	}
	w.text("networkInterfaceId", id)
	interfaceAttributes[c.form.get("Attribute")](w, e)
	return nil
}

// seenByID finds an interface as this call's read path shows it, also where it is gone
// but not for everybody.
func (s *Simulator) seenByID(c *call, id string) (*networkInterface, bool) {
	e := s.interfaces.byID[id]
	if h, ok := s.unsettled.interfaces.byID[id]; ok {
		e = h.present
	}
	if e == nil {
		return nil, false
	}
	return s.seenInterface(c)(e)
}

// instanceAttributes are all that EC2 has. What has nothing to do with the network is
// shown as it is on an instance that nobody has changed.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceAttribute.html
var instanceAttributes = map[string]func(*xmlWriter, *instance){
	"instanceType": func(w *xmlWriter, in *instance) { w.valueOf("instanceType", in.typ.name) },
	"groupSet":     func(w *xmlWriter, in *instance) { set(w, "groupSet", in.primaryGroups(), w.group) },
	"sourceDestCheck": func(w *xmlWriter, in *instance) {
		p := in.primary()
		w.flagOf("sourceDestCheck", p == nil || p.sourceDest)
	},
	"blockDeviceMapping":                func(w *xmlWriter, _ *instance) { set(w, "blockDeviceMapping", nil, w.raw) },
	"productCodes":                      func(w *xmlWriter, _ *instance) { set(w, "productCodes", nil, w.raw) },
	"rootDeviceName":                    func(w *xmlWriter, _ *instance) { w.valueOf("rootDeviceName", rootDevice) },
	"instanceInitiatedShutdownBehavior": func(w *xmlWriter, _ *instance) { w.valueOf("instanceInitiatedShutdownBehavior", "stop") },
	"disableApiTermination":             instanceFlag("disableApiTermination", false),
	"disableApiStop":                    instanceFlag("disableApiStop", false),
	"ebsOptimized":                      instanceFlag("ebsOptimized", false),
	"enaSupport":                        func(w *xmlWriter, in *instance) { w.flagOf("enaSupport", in.typ.enaSupport() != "unsupported") },
	"enclaveOptions":                    func(w *xmlWriter, _ *instance) { w.in("enclaveOptions", func() { w.boolean("enabled", false) }) },
	"kernel":                            emptyAttribute("kernel"),
	"ramdisk":                           emptyAttribute("ramdisk"),
	"userData":                          emptyAttribute("userData"),
	"sriovNetSupport":                   emptyAttribute("sriovNetSupport"),
}

const rootDevice = "/dev/xvda"

func instanceFlag(name string, v bool) func(*xmlWriter, *instance) {
	return func(w *xmlWriter, _ *instance) { w.flagOf(name, v) }
}

func emptyAttribute(name string) func(*xmlWriter, *instance) {
	return func(w *xmlWriter, _ *instance) { w.in(name, func() {}) }
}

func (in *instance) primaryGroups() []*securityGroup {
	if p := in.primary(); p != nil {
		return p.groups
	}
	return nil
}

func describeInstanceAttribute(s *Simulator, c *call, w *xmlWriter) error {
	id := c.form.get("InstanceId")
	in := s.instances.byID[id]
	// It may be gone, but not for everybody.
	if h, ok := s.unsettled.instances.byID[id]; ok {
		in = h.present
	}
	ok := in != nil
	if ok {
		in, ok = s.viewInstances(c).seen(in)
	}
	if !ok {
		return instanceID.missing(id)
	}
	w.text("instanceId", id)
	instanceAttributes[c.form.get("Attribute")](w, in)
	return nil
}

var instanceStatusFilters = silent(filterSet[*instance]{
	"availability-zone":            instanceFilters["availability-zone"],
	"availability-zone-id":         instanceFilters["availability-zone-id"],
	"instance-state-code":          instanceFilters["instance-state-code"],
	"instance-state-name":          instanceFilters["instance-state-name"],
	"instance-status.reachability": one((*instance).reachability),
	"instance-status.status":       one((*instance).health),
	"system-status.reachability":   one((*instance).reachability),
	"system-status.status":         one((*instance).health),
	"operator.managed":             always[*instance]("false"),
}, "application-status.status", "attached-ebs-status.status", "event.code", "event.description", "event.instance-event-id",
	"event.not-after", "event.not-before", "event.not-before-deadline", "operator.principal")

// health is initializing while an instance starts, and not looked at while it does not run.
func (in *instance) health() string {
	switch in.state {
	case running:
		return "ok"
	case pending:
		return "initializing"
	}
	return "not-applicable"
}

func (in *instance) reachability() string {
	switch in.state {
	case running:
		return "passed"
	case pending:
		return "initializing"
	}
	return ""
}

// describeInstanceStatus shows running instances, or all where the caller asks for them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceStatus.html
func describeInstanceStatus(s *Simulator, c *call, w *xmlWriter) error {
	view := s.viewInstances(c)
	list := listing[*instance]{
		table: s.instances, missing: instanceID.missing, idParam: "InstanceId", idFilter: "instance-id",
		filters: instanceStatusFilters, indexed: noIndex, pages: usualPages, seen: view.seen, unsettled: view.unsettled,
		shows: func(in *instance) bool { return in.state == running || c.form.boolean("IncludeAllInstances") },
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "instanceStatusSet", found, w.instanceStatus)
	w.nextToken(next)
	return nil
}

func (w *xmlWriter) instanceStatus(in *instance) {
	w.text("instanceId", in.id)
	w.text("availabilityZone", in.subnet.zone)
	w.text("availabilityZoneId", in.subnet.zoneID)
	w.in("instanceState", func() { w.instanceState(in.state) })
	for _, name := range []string{"systemStatus", "instanceStatus"} {
		w.in(name, func() {
			w.text("status", in.health())
			w.open("details")
			if r := in.reachability(); r != "" {
				w.in("item", func() {
					w.text("name", "reachability")
					w.text("status", r)
				})
			}
			w.close("details")
		})
	}
	w.in("operator", func() { w.boolean("managed", false) })
}
