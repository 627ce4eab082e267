package ec2sim

import (
	"maps"
	"time"
)

// worldImage is what instances run that nobody has launched with RunInstances.
const worldImage = "ami-0123456789abcdef0"

// nic is an interface that an instance is launched with: one that is there already, or
// one that the launch makes.
type nic struct {
	at       slot
	existing *networkInterface
	spec     interfaceSpec
	// keep leaves the interface when the instance is terminated.
	keep bool
	ena  enaOptions
}

// launch puts an instance into the world, in one write with the interfaces that it comes
// with. Everything has been checked but the addresses; if one lacks, nothing is made.
func (s *Simulator) launch(in *instance, nics []nic) error {
	var made []*networkInterface
	for _, n := range nics {
		if n.existing != nil {
			continue
		}
		e, err := s.makeInterface(n.spec)
		if err != nil {
			for _, m := range made {
				m.giveBack()
			}
			return err
		}
		made = append(made, e)
	}
	for _, n := range nics {
		a := attachment{card: n.at.card, device: n.at.device, status: attached, deleteOnTermination: !n.keep, ena: n.ena}
		if in.state == pending {
			a.status, a.launched = attaching, true
		}
		if n.existing != nil {
			s.plug(n.existing, in, a)
			continue
		}
		s.plug(made[0], in, a)
		s.addInterface(made[0])
		made = made[1:]
	}
	s.hideInstance(in)
	s.instances.add(in)
	s.scheduleStart(in)
	return nil
}

// scheduleStart lets an instance that starts in a passing state pass on.
func (s *Simulator) scheduleStart(in *instance) {
	next := map[string]*Distribution{pending: &s.latency.Start, stopping: &s.latency.Stop, shuttingDown: &s.latency.Terminate}[in.state]
	if next != nil {
		s.at(s.when.Add(next.draw(s.rng)), instanceMoves, in.id, in.turn)
	}
	if in.state == terminated {
		s.at(s.when.Add(terminatedLife), instanceFades, in.id, in.turn)
	}
}

// launchWorlds makes an instance as a world or the control protocol describes it, with
// its primary interface.
func (s *Simulator) launchWorlds(form Instance, now time.Time) (*instance, error) {
	sn, err := s.subnetByID(form.Subnet)
	if err != nil {
		return nil, err
	}
	t, ok := instanceTypes.byID[form.Type]
	if !ok {
		return nil, instanceTypeMissing(form.Type)
	}
	groups, err := s.groupsOf(sn.vpc, form.SecurityGroups)
	if err != nil {
		return nil, err
	}
	if err := s.checkGroupLimit(len(groups)); err != nil {
		return nil, err
	}
	in := s.newInstance(t, sn, orDefault(form.State, running), now)
	in.id, in.image, in.tags = orDefault(form.ID, in.id), worldImage, maps.Clone(form.Tags)
	if _, taken := s.instances.byID[in.id]; taken {
		return nil, fail("InvalidParameterValue", "The instance ID '%s' is in use", in.id)
	}
	if in.state == terminated {
		return in, s.launch(in, nil)
	}
	primary := interfaceSpec{subnet: sn, groups: groups, kind: "interface", addresses: addressWish{primary: form.PrivateIP, six: wish6{named: form.IPv6}}}
	return in, s.launch(in, []nic{{spec: primary}})
}

func (s *Simulator) newInstance(t *instanceType, sn *subnet, state string, now time.Time) *instance {
	return &instance{
		id: newID(s.rng, instanceID), owner: s.account, reservation: newID(s.rng, reservationID), typ: t, subnet: sn,
		state: state, launchedAt: now, slots: map[slot]*networkInterface{},
	}
}
