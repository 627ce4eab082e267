package ec2sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// vpc exists because a subnet or a security group names it.
type vpc struct {
	id, owner, region string
	tags              map[string]string
	// standard is the security group named default.
	standard *securityGroup
	// transitional lets interfaces show attaching and detaching as their own status.
	transitional bool
	// blocks are made from those of the subnets.
	blocks []netip.Prefix
}

func (v *vpc) recordID() string          { return v.id }
func (v *vpc) facts() []indexKey         { return nil }
func (v *vpc) tagMap() map[string]string { return v.tags }

type subnet struct {
	id     string
	vpc    *vpc
	zone   string
	zoneID string
	cidr   netip.Prefix
	cidr6  netip.Prefix
	tags   map[string]string
	pool   *addressPool
	// pool6 is nil where the subnet has no IPv6 CIDR block.
	pool6 *addressPool6
	// free is how many addresses a picture of the past has; such a picture has no pool.
	free int
}

func (s *subnet) available() int {
	if s.pool == nil {
		return s.free
	}
	return s.pool.available()
}

func (s *subnet) recordID() string          { return s.id }
func (s *subnet) facts() []indexKey         { return nil }
func (s *subnet) tagMap() map[string]string { return s.tags }

type securityGroup struct {
	id, name, description string
	vpc                   *vpc
	tags                  map[string]string
}

func (g *securityGroup) recordID() string          { return g.id }
func (g *securityGroup) facts() []indexKey         { return nil }
func (g *securityGroup) tagMap() map[string]string { return g.tags }

// regionCodes are the short names that zone IDs begin with.
var regionCodes = map[string]string{
	"us-east-1": "use1", "us-east-2": "use2", "us-west-1": "usw1", "us-west-2": "usw2",
	"eu-west-1": "euw1", "eu-west-2": "euw2", "eu-west-3": "euw3", "eu-central-1": "euc1",
	"eu-north-1": "eun1", "ap-northeast-1": "apne1", "ap-southeast-1": "apse1",
	"ap-southeast-2": "apse2", "ap-south-1": "aps1", "ca-central-1": "cac1", "sa-east-1": "sae1",
}

// zoneIDOf makes a zone's ID from its letter: us-east-1a is use1-az1. In real accounts
// the letters are shuffled; nothing may depend on which.
func zoneIDOf(region, zone string) string {
	code, ok := regionCodes[region]
	if !ok {
		code = strings.ReplaceAll(region, "-", "")
	}
	letter := strings.TrimPrefix(zone, region)
	if len(letter) != 1 || letter[0] < 'a' || letter[0] > 'z' {
		return code + "-" + strings.TrimPrefix(letter, "-")
	}
	return code + "-az" + strconv.Itoa(int(letter[0]-'a')+1)
}

// appendPrivateDNS appends the name that EC2 gives a private address.
func appendPrivateDNS(b []byte, region string, a netip.Addr) []byte {
	b = append(b, "ip-"...)
	host := len(b)
	b = a.AppendTo(b)
	for i := host; i < len(b); i++ {
		if b[i] == '.' {
			b[i] = '-'
		}
	}
	if region == "us-east-1" {
		return append(b, ".ec2.internal"...)
	}
	b = append(append(b, '.'), region...)
	return append(b, ".compute.internal"...)
}

func (s *Simulator) vpc(id string) *vpc {
	v, ok := s.vpcs.byID[id]
	if !ok {
		v = &vpc{id: id, owner: s.account, region: s.region, transitional: s.variants.InterfaceStatus == "transitional"}
		s.vpcs.add(v)
	}
	return v
}

func (s *Simulator) subnetByID(id string) (*subnet, error) {
	if sn, ok := s.subnets.byID[id]; ok {
		return sn, nil
	}
	return nil, subnetID.missing(id)
}

// groupsOf finds the groups for an interface in a VPC: those named, or the VPC's
// default group where none is.
func (s *Simulator) groupsOf(v *vpc, ids []string) ([]*securityGroup, error) {
	if len(ids) == 0 {
		return []*securityGroup{v.standard}, nil
	}
	out, err := s.groupsByID(ids)
	if err != nil {
		return nil, err
	}
	switch stray := strayGroup(v, out); {
	case stray == nil:
		return out, nil
	case s.variants.GroupOfOtherVPC == groupID.notFound:
		return nil, groupID.missing(stray.id)
	default:
		return nil, fail("InvalidParameterCombination", "The security group '%s' and the network interface must be in the same VPC", stray.id)
	}
}

// groupsByID finds groups, each once.
func (s *Simulator) groupsByID(ids []string) ([]*securityGroup, error) {
	var out []*securityGroup
	for _, id := range ids {
		g, ok := s.groups.byID[id]
		if !ok {
			return nil, groupID.missing(id)
		}
		if !slices.Contains(out, g) {
			out = append(out, g)
		}
	}
	return out, nil
}

// strayGroup is the first group of another VPC.
func strayGroup(v *vpc, groups []*securityGroup) *securityGroup {
	for _, g := range groups {
		if g.vpc != v {
			return g
		}
	}
	return nil
}

func (s *Simulator) checkGroupLimit(n int) error {
	if n > s.quotas.SecurityGroupsPerInterface {
		return fail("SecurityGroupsPerInterfaceLimitExceeded", "The maximum number of security groups per interface is %d.", s.quotas.SecurityGroupsPerInterface)
	}
	return nil
}
