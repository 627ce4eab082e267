package cloud

import (
	"errors"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

var (
	errNoToken      = errors.New("no client token: a repeated create would make a second interface")
	errNoAttachment = errors.New("the interface has no attachment with an ID")
	errNoConfirm    = errors.New("nobody confirms that the interface may be taken")
	errNoGroups     = errors.New("an interface needs at least one security group")
	errOwnershipTag = errors.New("the ownership tags stay as long as the interface")
	errNotUnclaimed = errors.New("it belongs to a cluster, to the VPC CNI or to an AWS service; choose another deviceIndex")
	errNoOwner      = errors.New("nobody adopts the interface")
)

// owns reports whether tags are those of an interface of one of our clusters.
func (c *Client) owns(tags map[string]string) bool {
	owner, ok := eni.OwnerOf(tags)
	return ok && c.clusters[owner.ClusterID]
}

// ours refuses to touch an interface that is not ours, whoever asked for it: neither by the caller's description nor
// by EC2's last.
func (c *Client) ours(action string, iface eni.Interface) error {
	if c.owns(iface.Tags) && !iface.RequesterManaged && c.described.ours(iface.ID) {
		return nil
	}
	return notOurs(action, iface.ID)
}

func notOurs(action, id string) error {
	return &eni.Error{Kind: eni.KindNotOurs, Operation: action, Subject: id}
}

// refused is the error for a call that makes no sense, and so is not made.
func refused(action, subject string, why error) error {
	return &eni.Error{Kind: eni.KindInvalid, Operation: action, Subject: subject, Err: why}
}
