package ec2sim

import (
	"maps"
	"slices"
	"strings"
)

// runForm is a launch once its parameters are known to make sense by themselves.
type runForm struct {
	typ                    *instanceType
	image, keyName, subnet string
	groups                 []string
	zone, zoneID           string
	min, max               int
	tags, nicTags          map[string]string
	addresses              addressWish
	nics                   []nicForm
}

// nicForm is one NetworkInterface.N of a launch.
type nicForm struct {
	createForm
	at       slot
	existing string
	keep     bool
	ena      enaOptions
}

func readRun(c *call) (runForm, error) {
	f := runForm{
		min: c.form.number("MinCount", 0), max: c.form.number("MaxCount", 0), image: c.form.get("ImageId"), keyName: c.form.get("KeyName"),
		subnet: c.form.get("SubnetId"), groups: c.form.texts("SecurityGroupId"),
		zone: c.form.get("Placement.AvailabilityZone"), zoneID: c.form.get("Placement.AvailabilityZoneId"),
	}
	var err error
	if f.addresses, err = readWish6(c.form, addressWish{primary: c.form.get("PrivateIpAddress")}, "Ipv6Address", "EnablePrimaryIpv6"); err != nil {
		return f, err
	}
	if f.nics, err = readNICs(c.form); err != nil {
		return f, err
	}
	if f.tags, f.nicTags, err = launchTags(c.form); err != nil {
		return f, err
	}
	return f, f.check(c.form)
}

func (f *runForm) check(form *value) error {
	f.typ = instanceTypes.byID[form.get("InstanceType")]
	several := f.addresses.primary != "" || len(f.addresses.six.named) > 0
	for _, n := range f.nics {
		several = several || n.existing != "" || n.addresses.primary != "" || len(n.addresses.secondary) > 0 || len(n.addresses.six.named) > 0
	}
	switch {
	case f.max < f.min:
		return badValue("MinCount", form.get("MinCount"), "Expecting at most MaxCount.")
	case len(f.nics) > 0 && (f.subnet != "" || len(f.groups) > 0 || f.addresses.primary != "" || f.addresses.six.any()):
		return fail("InvalidParameterCombination", "Network interfaces and an instance-level subnet ID, security groups or addresses may not be specified on the same request")
	case len(f.nics) == 0 && f.subnet == "":
		return fail("VPCIdNotSpecified", "No default VPC for this user")
	case several && f.max > 1:
		return fail("InvalidParameterCombination", "An interface or an address can be given to one instance only")
	}
	return nil
}

// readNICs reads the interfaces that a launch names. Each needs a slot of its own, and
// one of them must be the primary.
func readNICs(form *value) ([]nicForm, error) {
	var out []nicForm
	taken, named := map[slot]bool{}, map[string]bool{"": false}
	for _, m := range form.members("NetworkInterface") {
		n, err := readNIC(m)
		if err != nil {
			return nil, err
		}
		if taken[n.at] {
			return nil, fail("InvalidParameterValue", "Two network interfaces are given for device index %d of network card %d", n.at.device, n.at.card)
		}
		if named[n.existing] {
			return nil, fail("InvalidParameterValue", "The network interface %s is given more than once", n.existing)
		}
		taken[n.at], named[n.existing] = true, n.existing != ""
		out = append(out, n)
	}
	if len(out) > 0 && !taken[slot{}] {
		return nil, fail("InvalidParameterValue", "A launch needs a network interface at device index 0 of network card 0")
	}
	return out, nil
}

func readNIC(m *value) (nicForm, error) {
	n := nicForm{at: slot{m.number("NetworkCardIndex", 0), m.number("DeviceIndex", 0)}, existing: m.get("NetworkInterfaceId"), ena: readENA(m)}
	// What is made at launch goes with the instance, what was there before stays; the
	// caller may say otherwise for either.
	n.keep = n.existing != ""
	if m.has("DeleteOnTermination") {
		n.keep = !m.boolean("DeleteOnTermination")
	}
	var err error
	if n.createForm, err = readInterface(m, "PrimaryIpv6"); err != nil {
		return n, err
	}
	if n.existing != "" && slices.ContainsFunc(m.names(""), makesInterface) {
		return n, fail("InvalidParameterCombination", "A network interface may not specify both a network interface ID and what a new one is made of")
	}
	return n, nil
}

// ofAttachments are the parameters that an interface takes which is there already.
var ofAttachments = []string{"NetworkInterfaceId", "DeviceIndex", "NetworkCardIndex", "DeleteOnTermination", "EnaQueueCount", "EnaSrdSpecification"}

// makesInterface tells whether a parameter says what a new interface is made of.
func makesInterface(name string) bool {
	name, _, _ = strings.Cut(name, ".")
	return !slices.Contains(ofAttachments, name)
}

// launchTags splits the tags by the kinds of resource that a launch makes; volumes have
// none here to bear theirs.
func launchTags(form *value) (instance, eni map[string]string, err error) {
	byKind := map[string]map[string]string{"instance": {}, "network-interface": {}, "volume": {}}
	for _, spec := range form.members("TagSpecification") {
		tags, ok := byKind[spec.get("ResourceType")]
		if !ok {
			return nil, nil, fail("InvalidParameterValue", "'%s' is not a taggable resource type that this simulator launches.", spec.get("ResourceType"))
		}
		if err := readTagsOf(spec, tags); err != nil {
			return nil, nil, err
		}
		if err := checkTags(tags); err != nil {
			return nil, nil, err
		}
	}
	return byKind["instance"], byKind["network-interface"], nil
}

// runInstances launches as many instances as there is room for, up to MaxCount, and
// none if there is no room for MinCount.
func runInstances(s *Simulator, c *call, w *xmlWriter) error {
	form, err := readRun(c)
	if err != nil {
		return err
	}
	nics, err := s.planNICs(form)
	if err != nil {
		return err
	}
	n, err := s.roomFor(form, nics)
	if err != nil {
		return err
	}
	made, err := s.launchAll(form, nics, n, c)
	if err != nil {
		return err
	}
	w.text("reservationId", made[0].reservation)
	w.text("ownerId", s.account)
	set(w, "groupSet", nil, w.raw)
	set(w, "instancesSet", made, func(in *instance) { w.instance(in, in.interfaces()) })
	return nil
}

// launchAll launches n instances, or as many as their addresses are there for.
func (s *Simulator) launchAll(f runForm, nics []nic, n int, c *call) ([]*instance, error) {
	var made []*instance
	reservation := newID(s.rng, reservationID)
	for i := range n {
		in := s.newInstance(f.typ, nics[0].subnetOf(), pending, c.now)
		in.reservation, in.image, in.index, in.clientTok, in.keyName = reservation, f.image, i, c.form.get("ClientToken"), f.keyName
		in.tags, in.stateReason = maps.Clone(f.tags), stateReason{"pending", "pending"}
		if err := s.launch(in, nics); err != nil {
			if len(made) >= f.min {
				break
			}
			for _, m := range made {
				s.unlaunch(m)
			}
			return nil, err
		}
		made = append(made, in)
	}
	return made, nil
}

// unlaunch takes back an instance of a launch that fails as a whole; nobody has seen it.
func (s *Simulator) unlaunch(in *instance) {
	// First the instance: it is indexed by its primary interface too.
	s.instances.remove(in)
	for _, e := range in.interfaces() {
		s.unplug(e)
		s.removeInterface(e)
		delete(s.unsettled.interfaces.byID, e.id)
	}
	in.forgotten = true
	delete(s.unsettled.instances.byID, in.id)
	s.due.drop(in.id)
}

func (n nic) subnetOf() *subnet {
	if n.existing != nil {
		return n.existing.subnet
	}
	return n.spec.subnet
}
