package controller

import (
	"errors"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// cause names what makes calls for many nodes fail alike.
type cause struct {
	kind eni.Kind
	// subject is the subnet, the NodeENI's UID or the action; empty for the whole Region.
	subject string
}

// The calls that a denied action holds up for every node. A denied change of a setting concerns its own
// interface only.
const (
	createOperation = "CreateNetworkInterface"
	attachOperation = "AttachNetworkInterface"
)

// attachCauses are the shared causes that can stand against attaching for a NodeENI.
func attachCauses(*v1alpha1.NodeENI) []cause {
	return []cause{{eni.KindCredentials, ""}, {eni.KindDenied, attachOperation}}
}

// createCauses are the shared causes that can stand against creating for a NodeENI.
func createCauses(n *v1alpha1.NodeENI) []cause {
	return []cause{
		{eni.KindCredentials, ""},
		{eni.KindDenied, createOperation},
		{eni.KindQuotaReached, ""},
		{eni.KindSubnetFull, n.Spec.SubnetID},
		{eni.KindGroupNotFound, string(n.UID)},
	}
}

// createOnly reports whether a cause says nothing against a call for an interface that exists.
func (c cause) createOnly() bool {
	return c.kind != eni.KindCredentials && c != cause{eni.KindDenied, attachOperation}
}

// modifyCauses are the shared causes that can stand against changing a setting.
func modifyCauses(*v1alpha1.NodeENI) []cause { return []cause{{eni.KindCredentials, ""}} }

// causeOf says whether a refusal concerns more than one node, and which cause it has. A generation other than
// zero binds the cause to that edit of the spec. What a create is refused for, a change of an interface that
// exists may be refused for as well, but then it is the change that must wait.
func causeOf(n *v1alpha1.NodeENI, err error) (c cause, generation int64, shared bool) {
	operation := operationOf(err)
	creating := operation == createOperation
	switch kind := eni.KindOf(err); kind {
	case eni.KindCredentials:
		return cause{kind, ""}, 0, true
	case eni.KindDenied:
		return cause{kind, operation}, 0, creating || operation == attachOperation
	case eni.KindQuotaReached:
		return cause{kind, ""}, 0, creating
	case eni.KindSubnetFull:
		return cause{kind, n.Spec.SubnetID}, 0, creating
	case eni.KindGroupNotFound:
		return cause{kind, string(n.UID)}, n.Generation, creating
	}
	return cause{}, 0, false
}

func operationOf(err error) string {
	if e, ok := errors.AsType[*eni.Error](err); ok {
		return e.Operation
	}
	return ""
}
