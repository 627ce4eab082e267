package eni

import (
	"errors"
	"fmt"
	"testing"
)

func TestKindOf(t *testing.T) {
	cause := errors.New("connection reset")
	failed := &Error{Kind: KindThrottled, Operation: "AttachNetworkInterface", Subject: "eni-1", Err: cause}
	for name, test := range map[string]struct {
		err  error
		want Kind
	}{
		"a kind":                       {KindDenied, KindDenied},
		"a wrapped kind":               {fmt.Errorf("deciding again: %w", KindNotSent), KindNotSent},
		"a failed call":                {failed, KindThrottled},
		"a wrapped failed call":        {fmt.Errorf("attaching: %w", failed), KindThrottled},
		"one that nobody classified":   {cause, KindUnknownOutcome},
		"a call that failed by a kind": {&Error{Kind: KindNotSent, Err: KindDenied}, KindNotSent},
	} {
		if got := KindOf(test.err); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if !errors.Is(failed, KindThrottled) || !errors.Is(failed, cause) || errors.Is(failed, KindDenied) {
		t.Error("a failed call is its kind and its cause, and nothing else")
	}
	if errors.Is(&Error{Kind: KindInvalid}, KindNotSent) {
		t.Error("a call that was refused was sent")
	}
}

func TestErrorSaysWhatWasAttemptedAndWhatEC2Answered(t *testing.T) {
	for want, err := range map[string]*Error{
		"DeleteNetworkInterface eni-1: outcome unknown: connection reset": {
			Kind: KindUnknownOutcome, Operation: "DeleteNetworkInterface", Subject: "eni-1", Err: errors.New("connection reset"),
		},
		"CreateNetworkInterface subnet-1: subnet has no free address: InsufficientFreeAddressesInSubnet: none left (request r-1)": {
			Kind: KindSubnetFull, Operation: "CreateNetworkInterface", Subject: "subnet-1",
			Code: "InsufficientFreeAddressesInSubnet", Message: "none left", RequestID: "r-1", Err: errors.New("http 400"),
		},
		"DetachNetworkInterface eni-1: not sent": {Kind: KindNotSent, Operation: "DetachNetworkInterface", Subject: "eni-1"},
	} {
		if got := err.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestAttachedTo(t *testing.T) {
	slot := Slot{Card: 0, Index: 1}
	attachedTo := func(instance string, slot Slot) *Interface {
		return &Interface{Attachment: &Attachment{InstanceID: instance, Slot: slot, Status: UnknownAttachment}}
	}
	for name, test := range map[string]struct {
		i    *Interface
		want bool
	}{
		"attached nowhere": {&Interface{}, false},
		"there, perhaps":   {attachedTo("i-1", slot), true},
		"another instance": {attachedTo("i-2", slot), false},
		"another index":    {attachedTo("i-1", Slot{Index: 2}), false},
		"another card":     {attachedTo("i-1", Slot{Card: 1, Index: 1}), false},
	} {
		if got := test.i.AttachedTo("i-1", slot); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestDying(t *testing.T) {
	for state, want := range map[InstanceState]bool{
		InstancePending: false, InstanceRunning: false, InstanceStopping: false, InstanceStopped: false,
		InstanceShuttingDown: true, InstanceTerminated: true, "": false,
	} {
		if got := state.Dying(); got != want {
			t.Errorf("%q: %v, want %v", state, got, want)
		}
	}
}
