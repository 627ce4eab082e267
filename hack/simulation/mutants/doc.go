// Command mutants shows that the net catches fish: it plants one known fault after the other into the product and
// has the simulation look for it.
//
//	go run ./hack/simulation/mutants [-seeds=500] [-seed=1] [-check] [NAME...]
//
// A mutant is a handful of replaced lines (catalogue.go). Nothing of it touches the product's files: the changed copy
// lies in a temporary folder and is given to the compiler by go build's -overlay. A mutant that the simulation does
// not kill within the seeds, one whose lines the product no longer has, and one that does not compile are failures.
// With -check, mutants are only compiled. A seed in which the product violates the property without the mutant, too,
// counts for nothing.
//
// Where each died when it was last tried, from seed 1 on; a change of the generator moves that.
//
//	others-interfaces                 2  clause 3: deletes an interface that is not ours
//	finalizer-at-once                 2  clause 4: the NodeENI goes while an interface of it exists
//	one-empty-list                  287  clause 4: the same
//	gone-when-not-listed            106  clause 1: attaches a second interface for one slot
//	tags-lost-ignored                93  clause 4: the NodeENI goes while an interface of it exists
//	rest-of-tags-ignored             28  clause 5: the status holds ours for somebody's
//	create-not-awaited                3  clause 4: an interface is made of a NodeENI that is gone
//	predecessors-create-not-awaited   7  clause 4: the same
//	random-token-no-surplus           5  clause 2: an interface that nobody wants exists
//	no-delete-on-termination          2  clause 1: deleteOnTermination is false
//	status-as-truth                   2  clause 1: other security groups
//	no-second-look                   20  I6: detaches what is wanted
//	no-fence                          4  I9: calls EC2 when the lease has ended
//	own-writes-forgotten              4  attaches again what it has attached itself
//	others-slots-ignored              2  clause 1: attaches a second interface for one slot
//	no-sweep                          1  clause 2: an interface that nobody wants exists
//	setbacks-forgotten                2  clause 6: refused 713 times in a quiet hour
//	dying-detached                   16  I10: detaches from an instance that shuts down
//	label-loss-missed                10  clause 1: no interface for what is wanted
//	node-by-name                      7  clause 2: an interface of a Node that is gone exists
//	groups-not-kept                   2  clause 5: a group that does not exist is no reason
//	invisible-is-gone               299  clause 4: the NodeENI goes while an interface of it exists
//	stale-status                      2  clause 5: status names another state
//	taint-too-early                  11  clause 5: takes a taint although an interface was never attached
//	taints-written-over               1  clause 3: takes a taint of somebody from a Node
//	node-not-kept                     5  clause 5: a Node's annotation names other interfaces
//	node-gone-by-name                20  I6: detaches what is wanted
//	late-instance-is-none            13  I6: deletes what is wanted
//	guard-off                        21  the guard: 13 of 24 go that nobody has ordered or approved
//	halt-forgotten                  307  the guard: 10 of 10 go
package main
