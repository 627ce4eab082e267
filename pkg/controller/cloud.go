package controller

import (
	"context"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
)

// Attacher brings interfaces to instances. Errors wrap an eni.Kind.
type Attacher interface {
	CreateInterface(ctx context.Context, request eni.CreateRequest) (eni.Interface, error)
	AttachInterface(ctx context.Context, iface eni.Interface, instanceID string, slot eni.Slot) (attachmentID string, err error)
	SetDeleteOnTermination(ctx context.Context, iface eni.Interface, attachmentID string, value bool) error
}

// Modifier changes the settings of interfaces in place. Errors wrap an eni.Kind.
type Modifier interface {
	SetSecurityGroups(ctx context.Context, iface eni.Interface, groups []string) error
	SetDescription(ctx context.Context, iface eni.Interface, description string) error
	PutTags(ctx context.Context, iface eni.Interface, tags map[string]string) error
	RemoveTags(ctx context.Context, iface eni.Interface, keys []string) error
}

// Releaser takes interfaces away. Errors wrap an eni.Kind.
type Releaser interface {
	DetachInterface(ctx context.Context, iface eni.Interface, confirm func(context.Context) error) error
	ForceDetachInterface(ctx context.Context, iface eni.Interface, confirm func(context.Context) error) error
	DeleteInterface(ctx context.Context, iface eni.Interface, confirm func(context.Context) error) error
}

// Adopter gives interfaces to another NodeENI, or to the first one. Errors wrap an eni.Kind.
type Adopter interface {
	ClaimInterface(ctx context.Context, id string, tags map[string]string, confirm func(context.Context) (eni.Interface, error)) (eni.Interface, error)
	AdoptInterface(ctx context.Context, iface eni.Interface, nodeENIUID string, confirm func(context.Context) error) error
}

// Cloud is everything that the controller asks of EC2.
type Cloud interface {
	inventory.Reader
	Attacher
	Modifier
	Releaser
	Adopter
}
