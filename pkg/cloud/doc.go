// Package cloud is the thin adapter between the controller's words (package eni) and EC2. It is the only
// package of the controller that imports the AWS SDK. It decides nothing: it makes the calls that it is
// asked for, one attempt each, and says honestly what became of them.
//
// # The way of a call
//
//		caller ──► ours?  ──► token ──► confirm ──► lease, deadline ──► SDK: sign ──► lease ──► HTTP ──► EC2
//		           guard.go   limiter.go  call.go    fence.go                         fence.go
//		                                                                                         │
//		caller ◄── *eni.Error ◄── classify.go ◄── SDK: decode ◄── is it EC2's answer? ◄──────────┘
//		                                                          fence.go
//
//	  - What changes or destroys an interface is refused unless the interface bears our ownership tags, both as
//	    its caller holds them and as EC2 showed them last to this client, which remembers that (described.go).
//	  - Every action has a token bucket of its own, sized like EC2's but for one token, which backs off when EC2
//	    throttles. What matters most is served first: delete-on-termination, then what something else has changed, then
//	    edits.
//	  - A detach, delete or adoption is confirmed by its caller once the token is there: between the last decision and
//	    the call there is no queue.
//	  - A call that changes EC2 is made only while the lease lasts, and its deadline ends with the lease.
//	  - The SDK does not retry: whoever asked knows better whether the call is still wanted.
//
// Every error is an *eni.Error whose Kind says what may be concluded: above all, whether the call certainly
// did not happen, was refused, or may have happened.
//
// # Where to look
//
// client.go and config.go build a client; interfaces.go, instances.go, instancetypes.go and subnets.go
// read; create.go, modify.go, tags.go and release.go write; probe.go asks what would be allowed;
// convert.go translates what EC2 says; errortable.go holds the table of EC2's error codes, which
// classify.go reads and unknowncodes.go completes; limiter.go and quota.go hold the rate limits, and
// handover.go what a predecessor has left of them; metrics.go what is measured.
package cloud
