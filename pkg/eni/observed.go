package eni

import "time"

// ObservedInterface is an interface of ours together with what the reader needs to know of how it was
// observed. Times are of this process: none outlives a restart.
type ObservedInterface struct {
	Interface
	// Epochs counts the complete lists that showed the interface to this leader.
	Epochs int
	// ShownAt is when the latest read began that showed the interface; zero when none has yet.
	ShownAt time.Time
	// AttachmentSince is when the attachment's present status was first seen.
	AttachmentSince time.Time
	// WasAttached is true when this process has seen another attachment of the interface before the present one,
	// or before there was none.
	WasAttached bool
	// Missing is true when the interface was not where a read should have shown it, and is not yet known
	// to be gone: nothing must be decided about it.
	Missing bool
	// LastOwner is what the ownership tags last said, when they do no longer make the interface ours; nil as
	// long as they do.
	LastOwner *Owner
}

// ObservedInstance is an instance as last described.
type ObservedInstance struct {
	Instance
	// ObservedAt is when the describe began.
	ObservedAt time.Time
	// StateSince is when the present state was first seen.
	StateSince time.Time
	// NotFound is true when that describe did not show the instance; Instance then has the ID only, or
	// what an earlier describe showed. NotFoundSince is when the first of the describes in a row began that
	// did not show it.
	NotFound      bool
	NotFoundSince time.Time
}

// ObservedForeign is an interface that is not ours, as last described by its ID.
type ObservedForeign struct {
	Interface
	// ObservedAt is when the describe began.
	ObservedAt time.Time
	// NotFound is true when that describe did not show the interface; then it has nothing but the ID.
	NotFound bool
}

// ObservedSubnet is a subnet as last described.
type ObservedSubnet struct {
	Subnet
	// ObservedAt is when the describe began.
	ObservedAt time.Time
	// NotFound is true when that describe did not show the subnet.
	NotFound bool
}
