package ec2sim

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// Validate finds what could not be built, before it is built: New answers its error.
func (w World) Validate() error {
	v := worldCheck{w: w, subnets: map[string]Subnet{}, groups: map[string]SecurityGroup{}, instances: map[string]Instance{}, ids: map[string]string{}}
	for _, part := range []func() error{v.account, v.checkSubnets, v.checkGroups, v.checkInstances, v.checkInterfaces, v.checkVariants, v.checkTimes, v.checkQuotas, v.checkFaults, v.checkPrincipals} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

type worldCheck struct {
	w         World
	subnets   map[string]Subnet
	groups    map[string]SecurityGroup
	instances map[string]Instance
	ids       map[string]string
}

func wrong(value, problem, format string, args ...any) error {
	return &FieldError{Field: fmt.Sprintf(format, args...), Value: value, Problem: problem}
}

func (v *worldCheck) id(id string, kind *idKind, where string) error {
	if kind.check(id) != nil {
		return wrong(id, fmt.Sprintf("is not an ID of this kind; write %q and 8 to 17 lower-case hex digits", kind.prefix), "%s.id", where)
	}
	if other, ok := v.ids[id]; ok {
		return wrong(id, "is the ID of "+other+" too; give each its own", "%s.id", where)
	}
	v.ids[id] = where
	return nil
}

func (v *worldCheck) account() error {
	a := v.w.Account
	if a != "" && (len(a) != 12 || strings.Trim(a, "0123456789") != "") {
		return wrong(a, "is not an account ID; write 12 digits in quotes", "account")
	}
	return nil
}

func (v *worldCheck) checkSubnets() error {
	for i, s := range v.w.Subnets {
		where := fmt.Sprintf("subnets[%d]", i)
		if err := v.id(s.ID, subnetID, where); err != nil {
			return err
		}
		if vpcID.check(s.VPC) != nil {
			return wrong(s.VPC, "is not a VPC ID; write vpc-…", "%s.vpc", where)
		}
		if s.Zone == "" {
			return wrong("", "is missing; write a zone, like us-east-1a", "%s.zone", where)
		}
		p, err := netip.ParsePrefix(s.CIDR)
		if err != nil || !p.Addr().Is4() || p.Bits() < 16 || p.Bits() > 28 || p.Masked() != p {
			return wrong(s.CIDR, "is not a subnet's CIDR block; write an IPv4 block between /16 and /28, like 10.0.1.0/24", "%s.cidr", where)
		}
		if err := checkIPv6CIDR(s.IPv6CIDR); err != nil {
			return wrong(s.IPv6CIDR, err.Error(), "%s.ipv6Cidr", where)
		}
		for id, other := range v.subnets {
			if other.VPC == s.VPC && netip.MustParsePrefix(other.CIDR).Overlaps(p) {
				return wrong(s.CIDR, "overlaps "+other.CIDR+" of "+id+" in the same VPC", "%s.cidr", where)
			}
		}
		v.subnets[s.ID] = s
	}
	return nil
}

func checkIPv6CIDR(cidr string) error {
	p, err := netip.ParsePrefix(cidr)
	if cidr != "" && (err != nil || !p.Addr().Is6() || p.Bits() != 64 || p.Masked() != p) {
		return errors.New("is not a subnet's IPv6 CIDR block; write a /64, like 2001:db8:0:1::/64")
	}
	return nil
}

func (v *worldCheck) checkGroups() error {
	names := map[[2]string]string{}
	for i, g := range v.w.SecurityGroups {
		where := fmt.Sprintf("securityGroups[%d]", i)
		if err := v.id(g.ID, groupID, where); err != nil {
			return err
		}
		if vpcID.check(g.VPC) != nil {
			return wrong(g.VPC, "is not a VPC ID; write vpc-…", "%s.vpc", where)
		}
		if g.Name == "" {
			return wrong("", "is missing; name the group", "%s.name", where)
		}
		if other, ok := names[[2]string{g.VPC, g.Name}]; ok {
			return wrong(g.Name, "is the name of "+other+" in the same VPC; names are unique there", "%s.name", where)
		}
		names[[2]string{g.VPC, g.Name}] = g.ID
		v.groups[g.ID] = g
	}
	return nil
}

func (v *worldCheck) placement(where, subnet string, groups []string, ip string) error {
	s, ok := v.subnets[subnet]
	if !ok {
		return wrong(subnet, "is no subnet of this world; add it under subnets or correct it", "%s.subnet", where)
	}
	for i, id := range groups {
		g, ok := v.groups[id]
		if !ok {
			return wrong(id, "is no security group of this world; add it under securityGroups or correct it", "%s.securityGroups[%d]", where, i)
		}
		if g.VPC != s.VPC {
			return wrong(id, "is in "+g.VPC+", but the subnet is in "+s.VPC, "%s.securityGroups[%d]", where, i)
		}
	}
	if limit := v.w.Quotas.withDefaults().SecurityGroupsPerInterface; len(groups) > limit {
		return wrong("", fmt.Sprintf("has %d groups; at most %d are allowed", len(groups), limit), "%s.securityGroups", where)
	}
	if a, err := netip.ParseAddr(ip); ip != "" && (err != nil || !netip.MustParsePrefix(s.CIDR).Contains(a)) {
		return wrong(ip, "is not an address of "+s.CIDR, "%s.privateIp", where)
	}
	return nil
}

// startStates are the states that a world's instances may be in.
var startStates = []string{"pending", "running", "stopping", "stopped", "shutting-down", "terminated"}

func (v *worldCheck) checkInstances() error {
	for i, in := range v.w.Instances {
		if err := v.instance(fmt.Sprintf("instances[%d]", i), in); err != nil {
			return err
		}
	}
	return nil
}

func (v *worldCheck) instance(where string, in Instance) error {
	if err := v.id(in.ID, instanceID, where); err != nil {
		return err
	}
	if _, ok := instanceTypes.byID[in.Type]; !ok {
		return wrong(in.Type, "is not an instance type that the simulator knows; "+similarTypes(in.Type), "%s.type", where)
	}
	if in.State != "" && !slices.Contains(startStates, in.State) {
		return wrong(in.State, "is not a state; write one of "+strings.Join(startStates, ", "), "%s.state", where)
	}
	v.instances[in.ID] = in
	if err := v.tags(in.Tags, where); err != nil {
		return err
	}
	return v.placement(where, in.Subnet, in.SecurityGroups, in.PrivateIP)
}

func (v *worldCheck) checkInterfaces() error {
	for i, e := range v.w.Interfaces {
		where := fmt.Sprintf("interfaces[%d]", i)
		if e.ID != "" {
			if err := v.id(e.ID, interfaceID, where); err != nil {
				return err
			}
		}
		if err := v.placement(where, e.Subnet, e.SecurityGroups, e.PrivateIP); err != nil {
			return err
		}
		if err := v.tags(e.Tags, where); err != nil {
			return err
		}
		if e.Type != "" && !slices.Contains(worldInterfaceTypes, e.Type) {
			return wrong(e.Type, "is not an interface type; write one of "+strings.Join(worldInterfaceTypes, ", "), "%s.type", where)
		}
		if e.Attachment == nil {
			continue
		}
		if _, ok := v.instances[e.Attachment.Instance]; !ok {
			return wrong(e.Attachment.Instance, "is no instance of this world; add it under instances or correct it", "%s.attachment.instance", where)
		}
	}
	return nil
}

func (v *worldCheck) tags(tags map[string]string, where string) error {
	if err := checkWorldTags(tags); err != nil {
		return wrong("", err.Error(), "%s.tags", where)
	}
	return nil
}

// checkWorldTags are all the checks of tags, for those that no call has brought.
func checkWorldTags(tags map[string]string) error {
	if err := checkTags(tags); err != nil {
		return err
	}
	return checkTagLimit(len(tags))
}

func (v *worldCheck) checkVariants() error {
	variants := v.w.Variants.withDefaults()
	for _, c := range variants.choices() {
		if !slices.Contains(c.values, *c.chosen) {
			return wrong(*c.chosen, "is not a value of it; write one of "+strings.Join(c.values, ", "), "variants.%s", c.key)
		}
	}
	return nil
}

// checkTimes looks at distributions, which a world that is made in Go may have wrong too.
func (v *worldCheck) checkTimes() error {
	l := v.w.Latency
	for _, d := range []struct {
		field string
		Distribution
	}{
		{"latency.attach", l.Attach},
		{"latency.detach", l.Detach},
		{"latency.call", l.Call},
		{"latency.start", l.Start},
		{"latency.stop", l.Stop},
		{"latency.terminate", l.Terminate},
		{"variants.tokenLife", v.w.Variants.TokenLife},
		{"consistency", v.w.Consistency.Lag},
	} {
		if problem := d.problem(); problem != "" {
			return wrong("", problem, "%s", d.field)
		}
	}
	if lag := v.w.Consistency.Lag; lag.P50 > 0 && lag.Max == 0 {
		return wrong("", "needs a max: the time by which everybody sees every write", "consistency")
	}
	return nil
}

func (v *worldCheck) checkQuotas() error {
	q := v.w.Quotas
	if q.Background < 0 || q.Background >= 1 {
		return wrong(fmt.Sprint(q.Background), "is not a share; write a number from 0 to below 1", "quotas.background")
	}
	for name, b := range q.Actions {
		if _, ok := operations[name]; !ok {
			return wrong(name, "is not an action that the simulator knows", "quotas.actions.%s", name)
		}
		if b.Bucket < 1 || b.Refill < 0 {
			return wrong("", "needs a bucket of at least 1 and a refill of at least 0", "quotas.actions.%s", name)
		}
	}
	if q.InterfacesPerRegion < 0 || q.SecurityGroupsPerInterface < 0 || q.UnpagedInterfaces < 0 {
		return wrong("", "has a negative limit; limits are at least 0, and 0 is the default", "quotas")
	}
	return nil
}

func (v *worldCheck) checkFaults() error {
	for i, f := range v.w.Faults {
		if err := f.validate(); err != nil {
			return wrong("", err.Error(), "faults[%d]", i)
		}
	}
	return nil
}

func (v *worldCheck) checkPrincipals() error {
	keys := map[string]bool{}
	for i, p := range v.w.Principals {
		if p.AccessKey == "" || keys[p.AccessKey] {
			return wrong(p.AccessKey, "must be an access key that no other principal has", "principals[%d].accessKey", i)
		}
		keys[p.AccessKey] = true
	}
	return nil
}
