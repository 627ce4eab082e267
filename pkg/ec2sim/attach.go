package ec2sim

import "slices"

// plug puts an interface into a slot, in whatever state the attachment has. An attach
// of its own starts attaching and without delete-on-termination: it has no such
// parameter, and EC2's default is false.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_AttachNetworkInterface.html
func (s *Simulator) plug(e *networkInterface, in *instance, a attachment) *attachment {
	a.id, a.instance, a.at = newID(s.rng, attachmentID), in, s.when
	if _, there := s.interfaces.byID[e.id]; there {
		s.change(e, func() { e.attachment = &a })
	} else {
		e.attachment = &a
	}
	s.attachments[a.id] = e
	in.slots[slot{a.card, a.device}] = e
	return &a
}

// unplug makes an interface available again.
func (s *Simulator) unplug(e *networkInterface) {
	a := e.attachment
	delete(s.attachments, a.id)
	delete(a.instance.slots, slot{a.card, a.device})
	s.change(e, func() { e.attachment = nil })
}

func (s *Simulator) setAttachment(e *networkInterface, alter func(*attachment)) {
	next := *e.attachment
	alter(&next)
	s.change(e, func() { e.attachment = &next })
}

// attached completes an attach, unless a detach has overtaken it.
func (s *Simulator) attached(id string) {
	if e, ok := s.attachments[id]; ok && e.attachment.status == attaching {
		s.setAttachment(e, func(a *attachment) { a.status = attached })
	}
}

// detached completes a detach.
func (s *Simulator) detached(id string) {
	if e, ok := s.attachments[id]; ok && e.attachment.status == detaching {
		s.unplug(e)
	}
}

// checkPlace refuses a slot that does not exist, that somebody holds, or that is above
// what the type takes, in this order.
func (s *Simulator) checkPlace(e *networkInterface, in *instance, at slot, cardGiven bool) error {
	if at.card < 0 || at.card >= in.typ.cards {
		return fail("InvalidParameterValue", "Network card index %d is not valid for instance type %s, which has %d network card(s)", at.card, in.typ.name, in.typ.cards)
	}
	if s.slotTaken(in, at, cardGiven) {
		return fail("InvalidParameterValue", "Instance '%s' already has an interface attached at device index '%d'.", in.id, at.device)
	}
	if n := in.onCard(at.card) + 1; n > in.roomOn(at.card) {
		return fail("AttachmentLimitExceeded", "Interface count %d exceeds the limit for %s", n, in.typ.name)
	}
	if n := in.efas() + 1; isEFA(e.kind) && n > in.typ.efas {
		return fail("AttachmentLimitExceeded", "EFA interface count %d exceeds the limit for %s", n, in.typ.name)
	}
	if len(e.addresses)+len(e.prefixes) > in.typ.ipv4 || len(e.six)+len(e.prefixes6) > in.typ.ipv6 {
		return errAddressLimit()
	}
	return nil
}

func (s *Simulator) slotTaken(in *instance, at slot, cardGiven bool) bool {
	if in.slots[at] != nil || in.spoilt[at] {
		return true
	}
	if cardGiven || s.variants.AttachWithoutCard != "taken" || in.typ.cards == 1 {
		return false
	}
	// EC2 was seen to look for the index on every card when no card was named.
	for other := range in.slots {
		if other.device == at.device {
			return true
		}
	}
	return false
}

func attachNetworkInterface(s *Simulator, c *call, w *xmlWriter) error {
	e, err := s.interfaceByID(c.form.get("NetworkInterfaceId"))
	if err != nil {
		return err
	}
	in, err := s.instanceByID(c.form.get("InstanceId"))
	if err != nil {
		return err
	}
	at := slot{c.form.number("NetworkCardIndex", 0), c.form.number("DeviceIndex", 0)}
	if err := checkPlacement(e, in); err != nil {
		return err
	}
	ena := readENA(c.form)
	if err := ena.check(in.typ); err != nil {
		return err
	}
	if err := s.checkAttachable(e, in); err != nil {
		return err
	}
	if err := s.checkPlace(e, in, at, c.form.has("NetworkCardIndex")); err != nil {
		return err
	}
	a := s.plug(e, in, attachment{card: at.card, device: at.device, status: attaching, ena: ena})
	if !c.stuck("stuck-attaching") {
		s.at(c.now.Add(s.latency.Attach.draw(s.rng)), attachDone, a.id, 0)
	}
	w.text("attachmentId", a.id)
	w.number("networkCardIndex", a.card)
	return nil
}

// checkPlacement is the part of an attach that looks at zone and VPC.
func checkPlacement(e *networkInterface, in *instance) error {
	if e.subnet.zone != in.subnet.zone {
		return fail("InvalidParameterCombination", "You may not attach a network interface to an instance if they are not in the same availability zone")
	}
	if e.subnet.vpc != in.subnet.vpc {
		return fail("InvalidParameterCombination", "You may not attach a network interface to an instance if they are not in the same VPC")
	}
	if isEFA(e.kind) && in.typ.efas == 0 {
		return fail("InvalidParameterCombination", "EFA interfaces are not supported on %s", in.typ.name)
	}
	if len(e.prefixes)+len(e.prefixes6) > 0 {
		return checkPrefixes(in.typ)
	}
	return nil
}

// checkPrefixes keeps prefixes to instances on the Nitro system.
// https://github.com/aws/amazon-vpc-cni-k8s/releases/tag/v1.9.0
func checkPrefixes(t *instanceType) error {
	if !t.nitro && !t.metal {
		return fail("InvalidParameterCombination", "Prefixes are not supported on %s", t.name)
	}
	return nil
}

// checkAttachable is the part of an attach that looks at states.
func (s *Simulator) checkAttachable(e *networkInterface, in *instance) error {
	if e.attachment != nil {
		return fail(s.variants.AttachInUse, "Interface: [%s] in use.", e.id)
	}
	if e.managed() {
		return errAttachManaged()
	}
	if in.state != running && in.state != stopped {
		return notRunning(in)
	}
	if isEFA(e.kind) {
		return checkEFA(in)
	}
	return nil
}

func notRunning(in *instance) error {
	return fail("IncorrectState", "Instance '%s' is not 'running'.", in.id)
}

// efaOnly is the kind of an EFA without an ENA device beside it, and so without addresses.
const efaOnly = "efa-only"

func isEFA(kind string) bool { return kind == "efa" || kind == efaOnly }

// checkEFA keeps EFAs to instances that are stopped.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-efa.html
func checkEFA(in *instance) error {
	if in.state != stopped {
		return fail("IncorrectState", "Instance '%s' is not 'stopped'; an EFA cannot be attached to or detached from a running instance.", in.id)
	}
	return nil
}

func (in *instance) efas() int {
	n := 0
	for _, e := range in.slots {
		if isEFA(e.kind) {
			n++
		}
	}
	return n
}

// detachable are the instance states in which an interface may be taken out.
var detachable = []string{running, stopped}

func detachNetworkInterface(s *Simulator, c *call, w *xmlWriter) error {
	id := c.form.get("AttachmentId")
	e, ok := s.attachments[id]
	if !ok || s.unseenAttachment(e) {
		return attachmentID.missing(id)
	}
	if err := checkDetachable(e, c.form.boolean("Force")); err != nil {
		return err
	}
	s.startDetach(e, c.form.boolean("Force"), c.stuck("stuck-detaching"))
	w.boolean("return", true)
	return nil
}

func (a *attachment) primary() bool { return a.card == 0 && a.device == 0 }

func errAttachManaged() error {
	return fail("OperationNotPermitted", "You are not allowed to manage 'ela-attach' attachments.")
}

func errPrimary() error {
	return fail("OperationNotPermitted", "The network interface at device index 0 and networkCard index 0 cannot be detached.")
}

func checkDetachable(e *networkInterface, force bool) error {
	a := e.attachment
	switch {
	case e.managed():
		return errAttachManaged()
	case a.primary():
		return errPrimary()
	case !slices.Contains(detachable, a.instance.state):
		return notRunning(a.instance)
	case isEFA(e.kind) && a.instance.state != stopped:
		return checkEFA(a.instance)
	case a.status == detaching && !force:
		return fail("IncorrectState", "The attachment '%s' is already being detached.", a.id)
	}
	return nil
}

// startDetach begins a detach. A detach by force from a running instance leaves its slot
// useless until the instance has been stopped: EC2 says that it may, and a client that
// counts on the slot should find out here.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachNetworkInterface.html
func (s *Simulator) startDetach(e *networkInterface, force, stuck bool) {
	a := e.attachment
	s.setAttachment(e, func(a *attachment) { a.status = detaching })
	if force && a.instance.state == running {
		if a.instance.spoilt == nil {
			a.instance.spoilt = map[slot]bool{}
		}
		a.instance.spoilt[slot{a.card, a.device}] = true
	}
	if !stuck {
		s.at(s.when.Add(s.latency.Detach.draw(s.rng)), detachDone, a.id, 0)
	}
}
