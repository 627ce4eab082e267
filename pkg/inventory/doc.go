// Package inventory is to EC2 what listers are to the API server: it holds what EC2 shows of our interfaces,
// of the instances that matter and of the subnets, says when any of it changes, and shares every read among
// all who ask.
//
// # The interface store
//
// The store (store.go, record.go) merges three sources:
//
//   - complete lists by cluster tag, numbered as epochs, one each resync period;
//   - a batched poll, by ID, of what is in flux: attaching, detaching, unknown, missing, or in dispute;
//   - our own writes, applied at once (ownwrites.go).
//
// EC2's reads lag behind its writes, by at most the horizon. So a read counts from when it began:
//
//   - An older read never overrides a newer one (merge.go).
//
//   - A read that began less than a horizon after a value became known may confirm it, or show what can only
//     have come after it; what else it shows is not believed. The value is then in dispute and is read again
//     once the horizon has passed. The same holds for a setting that we wrote and no read has confirmed by
//     then: one read, shared by all. After that nothing is polled.
//
//   - An interface that a read should have shown and did not is missing, not gone (missing.go). A read counts
//     for that when it began a horizon after we learned of the interface and after our last write to it. Gone
//     takes two sources: a list, and two reads by ID, a horizon apart. A list does not show what has just lost its
//     tags either, and a single read may leave it out.
//
//     a list or a read by ID without it             all of these without it
//     present ────────────────────────────────────► missing ──────────────────────────────► gone (tombstone)
//     ▲                                             │                                         │
//     ├───────── a read that shows it ◄─────────────┘                                         │
//     └───────── a read that shows it and began a horizon later ◄─────────────────────────────┘
//
// An interface that is missing is polled; one that the poll does not find either has a list made for its
// NodeENI. An interface that no read has ever shown is dropped when EC2 does not know its ID two horizons after
// its create was answered, or no list shows it five minutes after.
//
// An interface whose ownership tags were edited away is in no list any more; the read by ID then shows it
// without them. It stays in the store under its last owner, with its tags as they are, and holds that NodeENI's
// finalizer until it is tagged again or gone, which for want of lists takes the two reads by ID alone. A tombstone
// remembers whose the interface was: shown again without its tags, it has lost them. To a process that never saw all of
// them, what is left of them tells whose it is: the NodeENI's UID in a narrowed list, which does not ask for the cluster,
// or the cluster with the NodeENI's name in a list of everything.
//
// # The rest
//
// Instances and subnets (instances.go) have no own writes to merge, nor have interfaces of others that a NodeENI wants to
// adopt (foreign.go), which are read together as long as somebody wants one. absence.go answers whether any interface of
// a NodeENI can still be there or come, which is what lets its finalizer go. The merging is pure: it has neither
// clock nor goroutine nor lock. The Inventory (inventory.go, writes.go) adds the lock, loops.go and batch.go the
// goroutines, reads.go the calls. No call is made, and Changed is not called, with the lock held.
package inventory
