// Package inventory is to EC2 what listers are to the API server: it holds what EC2 shows of our interfaces,
// of the instances that matter and of the subnets, says when any of it changes, and shares every read among
// all who ask.
//
// The interface store (store.go, merge.go) merges three sources:
//
//   - complete lists by cluster tag, numbered as epochs, one each resync period;
//   - one batched poll of what is in flux: attaching, detaching, unknown or missing;
//   - our own writes, applied at once.
//
// EC2's reads lag behind its writes, by at most the horizon. So a read counts from when it began, and may
// confirm but not contradict an own write within the horizon after it. An interface that a read does not show
// is missing, not gone:
//
//	         list without it, begun a horizon after the last own write
//	present ───────────────────────────────────────────► missing ──► gone
//	   ▲                                                    │   a read by ID without it,
//	   └──────────── any read that shows it ────────────────┘   or a second list, a horizon later
//
// The instance store (instances.go) holds state, type limits and every slot in use. absence.go answers
// whether any interface of a NodeENI can still be there, which is what lets its finalizer go. The goroutines
// are in loops.go and batch.go.
package inventory
