package eni

// CreateRequest is everything about an interface that is fixed when it is created.
type CreateRequest struct {
	SubnetID         string
	SecurityGroupIDs []string
	Description      string
	// Tags includes the ownership tags.
	Tags map[string]string
	// ClientToken makes a repeated create return the first one's interface: at most 64 ASCII characters.
	// Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
	ClientToken string
}

// AttachRequest attaches an interface at a slot.
type AttachRequest struct {
	InterfaceID string
	InstanceID  string
	Slot        Slot
}
