package ec2sim

import "time"

func describeInstances(s *Simulator, c *call, w *xmlWriter) error {
	view := s.viewInstances(c)
	list := listing[*instance]{
		table: s.instances, missing: instanceID.missing, idParam: "InstanceId", idFilter: "instance-id",
		filters: instanceFilters, indexed: indexedInstanceFilters, pages: usualPages,
		seen: view.seen, unsettled: view.unsettled,
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	byReservation := map[string][]*instance{}
	var order []string
	for _, in := range found {
		if byReservation[in.reservation] == nil {
			order = append(order, in.reservation)
		}
		byReservation[in.reservation] = append(byReservation[in.reservation], in)
	}
	set(w, "reservationSet", order, func(id string) {
		w.text("reservationId", id)
		w.text("ownerId", s.account)
		set(w, "groupSet", nil, w.raw)
		set(w, "instancesSet", byReservation[id], func(in *instance) { w.instance(in, in.interfaces()) })
	})
	w.nextToken(next)
	return nil
}

func (w *xmlWriter) instance(in *instance, plugged []*networkInterface) {
	w.text("instanceId", in.id)
	w.text("imageId", in.image)
	w.in("instanceState", func() { w.instanceState(in.state) })
	w.text("instanceType", in.typ.name)
	w.instant("launchTime", in.launchedAt)
	w.number("amiLaunchIndex", in.index)
	w.text("clientToken", in.clientTok)
	w.in("placement", func() {
		w.text("availabilityZone", in.subnet.zone)
		w.text("availabilityZoneId", in.subnet.zoneID)
		w.text("groupName", "")
		w.text("tenancy", "default")
	})
	w.text("architecture", in.typ.arch)
	w.text("hypervisor", hypervisor)
	w.text("virtualizationType", "hvm")
	w.text("rootDeviceType", "ebs")
	w.text("rootDeviceName", rootDevice)
	w.boolean("enaSupport", in.typ.enaSupport() != "unsupported")
	w.boolean("ebsOptimized", false)
	w.optional("keyName", in.keyName)
	w.in("monitoring", func() { w.text("state", "disabled") })
	set(w, "blockDeviceMapping", nil, w.raw)
	set(w, "productCodes", nil, w.raw)
	w.text("dnsName", "")
	w.primaryFacts(plugged)
	w.text("reason", in.reason)
	if r := in.stateReason; r.code != "" {
		w.in("stateReason", func() {
			w.text("code", r.code)
			w.text("message", r.message)
		})
	}
	set(w, "networkInterfaceSet", plugged, func(e *networkInterface) {
		w.text("networkInterfaceId", e.id)
		w.text("subnetId", e.subnet.id)
		w.text("vpcId", e.subnet.vpc.id)
		w.interfaceBody(e)
		w.in("attachment", func() { w.attachment(e.attachment) })
	})
	w.someTags(in.tags)
}

// hypervisor is what every instance shows, also on Nitro; only its type says which it is.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html
const hypervisor = "xen"

// primaryFacts are what an instance shows of its primary interface. A terminated one
// has none, and what it shows of it is empty or left out.
func (w *xmlWriter) primaryFacts(plugged []*networkInterface) {
	if len(plugged) == 0 || plugged[0].attachment.slot() != (slot{}) {
		w.text("privateDnsName", "")
		set(w, "groupSet", nil, w.raw)
		return
	}
	e := plugged[0]
	w.text("subnetId", e.subnet.id)
	w.text("vpcId", e.subnet.vpc.id)
	w.text("privateIpAddress", e.privateIP())
	w.text("privateDnsName", e.dnsName())
	if len(e.six) > 0 {
		w.addr("ipv6Address", e.six[0])
	}
	w.boolean("sourceDestCheck", e.sourceDest)
	set(w, "groupSet", e.groups, w.group)
}

func (w *xmlWriter) instanceState(state string) {
	w.number("code", stateCodes[state])
	w.text("name", state)
}

// transition is what one of the life-cycle actions does to an instance. It reports the
// error for an instance in a state that the action does not take.
type transition func(s *Simulator, in *instance, now time.Time) error

func startInstances(s *Simulator, c *call, w *xmlWriter) error {
	return s.turn(c, w, (*Simulator).start)
}

func stopInstances(s *Simulator, c *call, w *xmlWriter) error { return s.turn(c, w, (*Simulator).stop) }

func terminateInstances(s *Simulator, c *call, w *xmlWriter) error {
	return s.turn(c, w, (*Simulator).terminate)
}

// turn applies a transition to every instance, or to none and fails.
func (s *Simulator) turn(c *call, w *xmlWriter, do transition) error {
	list, err := s.instancesOf(c)
	if err != nil {
		return err
	}
	for _, in := range list {
		if err := do(s, in, time.Time{}); err != nil {
			return err
		}
	}
	set(w, "instancesSet", list, func(in *instance) {
		before := in.state
		// The dry pass above has shown that the instance takes it.
		_ = do(s, in, c.now)
		w.text("instanceId", in.id)
		w.in("currentState", func() { w.instanceState(in.state) })
		w.in("previousState", func() { w.instanceState(before) })
	})
	return nil
}

func (s *Simulator) instancesOf(c *call) ([]*instance, error) {
	var out []*instance
	var unknown []string
	for _, id := range c.form.texts("InstanceId") {
		in, err := s.instanceByID(id)
		if err != nil {
			unknown = append(unknown, id)
		}
		out = append(out, in)
	}
	if len(unknown) > 0 {
		return nil, instanceID.missing(unknown...)
	}
	return inOrder(out), nil
}

func wrongState(in *instance, want string) error {
	return fail("IncorrectInstanceState", "The instance '%s' is not in a state from which it can be %s.", in.id, want)
}

// start, stop and terminate only check when now is zero.
func (s *Simulator) start(in *instance, now time.Time) error {
	switch in.state {
	case pending, running:
		return nil
	case stopped:
	default:
		return wrongState(in, "started")
	}
	if !now.IsZero() {
		s.turnTo(in, pending, now, &s.latency.Start)
		in.launchedAt, in.reason, in.stateReason = now, "", stateReason{"pending", "pending"}
	}
	return nil
}

func (s *Simulator) stop(in *instance, now time.Time) error {
	switch in.state {
	case stopping, stopped:
		return nil
	case running:
	default:
		return wrongState(in, "stopped")
	}
	if !now.IsZero() {
		s.turnTo(in, stopping, now, &s.latency.Stop)
		in.userInitiated(now)
	}
	return nil
}

func (s *Simulator) terminate(in *instance, now time.Time) error {
	if !now.IsZero() && in.state != shuttingDown && in.state != terminated {
		s.turnTo(in, shuttingDown, now, &s.latency.Terminate)
		in.userInitiated(now)
	}
	return nil
}

// userInitiated says why an instance stops or ends.
func (in *instance) userInitiated(now time.Time) {
	const code = "Client.UserInitiatedShutdown"
	in.reason = now.UTC().Format("User initiated (2006-01-02 15:04:05 GMT)")
	in.stateReason = stateReason{code, code + ": User initiated shutdown"}
}

func rebootInstances(s *Simulator, c *call, w *xmlWriter) error {
	list, err := s.instancesOf(c)
	if err != nil {
		return err
	}
	for _, in := range list {
		if in.state != running {
			return wrongState(in, "rebooted")
		}
	}
	w.boolean("return", true)
	return nil
}
