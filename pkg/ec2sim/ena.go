package ec2sim

// enaOptions are what an attachment has of ENA Express and flexible ENA queues.
type enaOptions struct {
	srd, udp bool
	// queues is 0 where the type's own number holds.
	queues int
}

var enaParams = []param{
	boolean("EnaSrdSpecification.EnaSrdEnabled"), boolean("EnaSrdSpecification.EnaSrdUdpSpecification.EnaSrdUdpEnabled"),
}

func readENA(form *value) enaOptions {
	return enaOptions{
		srd: form.boolean("EnaSrdSpecification.EnaSrdEnabled"), udp: form.boolean("EnaSrdSpecification.EnaSrdUdpSpecification.EnaSrdUdpEnabled"),
		queues: form.number("EnaQueueCount", 0),
	}
}

// check refuses what the type does not have.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ena-express.html
func (o enaOptions) check(t *instanceType) error {
	switch {
	case o.udp && !o.srd:
		return fail("InvalidParameterCombination", "ENA Express must be enabled to enable it for UDP")
	case o.srd && !t.srd:
		return fail("InvalidParameterValue", "ENA Express is not supported on instance type %s", t.name)
	case o.queues > 0 && !t.queues:
		return fail("InvalidParameterValue", "Flexible ENA queues are not supported on instance type %s", t.name)
	}
	return nil
}

func (w *xmlWriter) ena(o enaOptions) {
	if o.srd {
		w.in("enaSrdSpecification", func() {
			w.boolean("enaSrdEnabled", o.srd)
			w.in("enaSrdUdpSpecification", func() { w.boolean("enaSrdUdpEnabled", o.udp) })
		})
	}
	if o.queues > 0 {
		w.number("enaQueueCount", o.queues)
	}
}
