package ec2sim

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
)

// idKind is a kind of resource as its ID prefix tells it, with EC2's own (uneven)
// spelling of its error codes.
type idKind struct {
	prefix    string
	malformed string
	notFound  string
	noun      string
}

var (
	interfaceID   = &idKind{"eni-", "InvalidNetworkInterfaceId.Malformed", "InvalidNetworkInterfaceID.NotFound", "networkInterface"}
	attachmentID  = &idKind{"eni-attach-", "InvalidNetworkInterfaceAttachmentId.Malformed", "InvalidAttachmentID.NotFound", "attachment"}
	instanceID    = &idKind{"i-", "InvalidInstanceID.Malformed", "InvalidInstanceID.NotFound", "instance"}
	subnetID      = &idKind{"subnet-", "InvalidSubnetID.Malformed", "InvalidSubnetID.NotFound", "subnet"}
	groupID       = &idKind{"sg-", "InvalidGroupId.Malformed", "InvalidGroup.NotFound", "security group"}
	vpcID         = &idKind{"vpc-", "InvalidVpcID.Malformed", "InvalidVpcID.NotFound", "vpc"}
	reservationID = &idKind{prefix: "r-"}
	imageID       = &idKind{"ami-", "InvalidAMIID.Malformed", "InvalidAMIID.NotFound", "image"}
)

// taggable are the kinds that CreateTags and DeleteTags take.
var taggable = []*idKind{interfaceID, instanceID, subnetID, groupID, vpcID}

// wellFormed tells whether s is the prefix and 8 to 17 lower-case hex digits.
func (k *idKind) wellFormed(s string) bool {
	digits, ok := strings.CutPrefix(s, k.prefix)
	if !ok || len(digits) < 8 || len(digits) > 17 {
		return false
	}
	return strings.Trim(digits, "0123456789abcdef") == ""
}

func (k *idKind) check(s string) error {
	// A world file may name its VPCs freely, so what is odd about theirs is for checkVPCs
	// to say.
	if k.wellFormed(s) || (k == vpcID && strings.HasPrefix(s, k.prefix)) {
		return nil
	}
	return k.bad(s)
}

func (k *idKind) bad(s string) error {
	return fail(k.malformed, "Invalid id: %q (expecting \"%s...\")", s, k.prefix)
}

// checkVPCs refuses the IDs of VPCs that are neither well-formed nor in the world.
func (s *Simulator) checkVPCs(form *value) error {
	for _, id := range slices.Concat(form.texts("VpcId"), form.texts("ResourceId")) {
		if _, there := s.vpcs.byID[id]; kindOfID(id) == vpcID && !there && !vpcID.wellFormed(id) {
			return vpcID.bad(id)
		}
	}
	return nil
}

func (k *idKind) missing(ids ...string) error {
	if len(ids) == 1 {
		return fail(k.notFound, "The %s ID '%s' does not exist", k.noun, ids[0])
	}
	return fail(k.notFound, "The %s IDs '%s' do not exist", k.noun, strings.Join(ids, ", "))
}

func kindOfID(s string) *idKind {
	for _, k := range taggable {
		if strings.HasPrefix(s, k.prefix) {
			return k
		}
	}
	return nil
}

// newID draws an ID of the kind: a zero and sixteen hex digits, as real ones look.
func newID(r *rand.Rand, k *idKind) string {
	return fmt.Sprintf("%s0%016x", k.prefix, r.Uint64())
}

func newUUID(r *rand.Rand) string {
	a, b := r.Uint64(), r.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-8%03x-%012x", a>>32, a>>16&0xffff, a&0xfff, b>>52, b&0xffffffffffff)
}

func newMAC(r *rand.Rand) string {
	n := r.Uint64()
	return fmt.Sprintf("0a:%02x:%02x:%02x:%02x:%02x", n&0xff, n>>8&0xff, n>>16&0xff, n>>24&0xff, n>>32&0xff)
}
