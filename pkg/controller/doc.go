// Package controller is the control loop: it gathers snapshots of Kubernetes and EC2, has package plan
// decide, and carries the decisions out.
//
//	NodeENIs, Nodes (informers)    EC2 (package inventory)
//	          │                            │
//	          └──── handlers: keys only ───┘
//	                       │
//	   attach queue    cleanup queue    status queue
//	   (instance ID)   (instance ID)    (NodeENI name)
//	        │               │                │
//	   attach.go       cleanup.go       status.go
//	   create, attach, detach, delete   /status, finalizer,
//	   modify                           annotation, events
//
// Every sync has four beats: get, gather (snapshot.go), decide (package plan), act. It returns when to
// look again, or an error for the queue's back-off; nothing waits for EC2 to finish anything.
//
// Attach and cleanup workers decide from the same snapshot by the same function, and each makes only its
// own half of the actions; a lock per instance (locks.go) keeps them off each other, and whoever finds
// work for the other side adds the key to the other queue. What destroys is decided twice: from caches,
// and again on live reads (live.go, livenodes.go) when the call is about to be sent. While the two differ, as the watch
// lags, the call is held back for longer each time (overruled.go).
//
// A status is made when a plan says something else of its NodeENI than the one did of which it was made last
// (told.go), and when the NodeENI itself, or what is known of its subnet or its interfaces, has changed.
//
// An interface whose NodeENI was made again under its name is given to that one (adopt.go), which is decided
// twice as well. What something else keeps changing back is put right less and less often: contested.go
// remembers it for EC2, contestedobject.go for the NodeENI itself.
//
// What goes because something vanished is counted (exodus.go), across leaders (exodusrecord.go): too much at once
// waits for a person.
//
// A call that failed is made again when its setback is over (setback.go), whatever wakes the workers up. What EC2
// refuses for many alike is remembered by cause (causes.go) and asked again by one for all, and so is what it does not
// even look at for a while (throttle.go); what a failure calls for (failed.go) is said by its eni.Disposition, which the
// adapter's table of error codes gives.
//
// What EC2 allows is asked before it is needed (preflight.go, permissions.go); it decides nothing. Which reads it refuses
// is told of all that waits for them (readrefusals.go). For people there are
// the flight recorder of each interface (flights.go) and the topology (topology.go).
//
// EC2's quotas are what most things wait for, so that who is served first matters: fairqueue.go serves the oldest and
// the newest by turns, and those beside all others whose Nodes have just come or changed (newcomers.go). ahead.go
// bounds how many interfaces are created and not yet attached, visibility.go learns how soon after a write a call on it
// would be wasted, and edits.go lets edits give way to what something else has changed.
//
// The package knows neither the EC2 SDK nor the adapter: what it needs of the cloud is declared in
// cloud.go.
package controller
