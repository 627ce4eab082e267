// Package simulation runs the whole controller - flags to finalizers, two replicas of it with leader election,
// informers, queues, workers and the adapter with the real SDK - together with the EC2 simulator and a strict API
// server in one bubble of virtual time, and judges what comes of it by package property.
//
// One number, the seed, generates a world (world.go), what users and other controllers do in it (acts.go,
// ec2acts.go, hardacts.go) and what goes wrong (faults.go): at least 4 Nodes and 3 NodeENIs, and in 40 minutes 15 acts
// and 8 faults that took effect. More are drawn; where still too few took effect, further ones come in addition
// (effects.go). What has to come together to be dangerous is drawn together (rare.go, reregister.go). In one of eight seeds a second cluster with a
// live controller is in the account (neighbour.go): the same name, Nodes and NodeENIs of the same names and UIDs,
// another identity; the property must hold for both. In one of six Nodes are to show their interfaces by the readiness
// taint, the condition or the annotation, and others write these as well (onnodes.go).
// Then faults end (run.go). After 75 minutes, which is longer than the longest retry, the property must hold; what
// is held on purpose is helped as its reason asks (approved, tagged again, detached by hand), and must be gone half
// an hour later; then, for an hour, nothing may change (quiet.go); and when the replicas have stopped, no goroutine
// may be left. What is about single calls is judged while they are made (moment.go): under a valid lease, on what is
// ours, for what it was made for, nothing taken from what dies, nothing taken that the API server's objects have wanted
// all along (truth.go); and so are writes of Nodes (nodewrites.go): nothing but what the flags allow, no taint taken
// before all has been attached, none put back unasked. What goes although no user has ordered it is counted (exodus.go).
// What is not ours is compared, in the end, with what its owners left (ledger.go). What such an hour may cost is bounded
// by what stands in the way (quiet.go).
//
//	acts, faults ──► [ API server ]◄──► replica-0, replica-1 ◄──► [ EC2 simulator ]◄── CNI, people, another cluster
//	                       │                                            │
//	                       └─────────────► watch, property ◄────────────┘
//
// # Faults
//
// EC2: errors (seventeen codes, for one action or many), expired credentials, describes that leave things out (though
// no list what the list before it has left out: two complete lists, a horizon apart, are what absence is known by),
// throttles, connections cut before and after a call took effect, garbage, delays beyond the deadline, hangs,
// unreachability, attaches and detaches that never end; reads lag up to 9 s in a third of the seeds, and in half
// of them an instance takes minutes to shut down. The API server: all
// failures of package strictapi, unreachability, stalls, watches that lag, live briefly, repeat events or are dropped,
// stale lists, compaction, no initial events, NodeENIs not served. Replicas: killed at any moment, or at the n-th call
// to EC2 or to the API server, before the call takes effect or after it and before its answer; paused past their lease
// (their calls wait, as those of a stopped process do; their timers go on); restarted. In half of the seeds a lease ends
// before its holder gives up trying to renew it.
//
// Over 150 seeds and more, each act and each fault must have taken effect (coverage.go; -test.v shows how often).
//
// # Replaying
//
// What is drawn comes from hashes of the seed, a purpose and a number, so that a step left out does not shift the
// others. A failing seed is run again with fewer steps until no single one can be left out (shrink.go), in 300 runs at
// most: where that is not enough, the failure says so. The trace of what remains is printed.
//
// A seed decides what is done and when, not each detail of what comes of it: the order in which the scheduler runs
// goroutines that are ready at the same virtual instant is not its own, nor are the host's UUIDs and client-go's jitter.
// Of 20 seeds none had the same trace twice, call by call. So the command that is printed runs the seed up to 20 times, and
// stops at the first violation. Seeds that had failed by a flaw which shows only in calls that fall on one of 16
// milliseconds failed again in 58 of 79 runs (16 of 21, 21 of 27, 21 of 31); TestAFailingSeedFailsAgain wants a quarter,
// and each seed within 20 runs.
//
// # The soak
//
// A seed is short and wild, the soak (soak.go) is long and calm: a large cluster for days, in which a few things are
// done each hour, one in a hundred calls fails, the replica that does not lead is restarted, and now and then the other
// one leads. Each hour faults pause, and the property must hold; after each day, for an hour, nothing may change. The
// queues must be empty whenever nothing goes on, and over the time of one leader neither the heap nor the goroutines
// may grow (soaksample.go): the same numbers with a leak of one NodeENI or one goroutine for each act on top must fail.
//
// # What a seed costs
//
// A seed takes about 230 ms of CPU: 100 of them took 22.7 s of user time, and others at other times between 206 and 260 ms
// each. On two cores that nothing else uses, that is eight or nine a second, so that a thousand take two minutes.
// With the race detector a seed takes 1.7 s: 50 took 86 s.
//
// The election's periods are eight times the default, since renewals would else make up most of the work, and the
// metrics of work queues are off, which wake every queue up twice a second. The soak has them on.
package simulation
