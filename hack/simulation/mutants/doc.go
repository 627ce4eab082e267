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
// Where each died when it was last tried, from seed 1 on; a change of the generator moves that. Without a seed: not tried
// since the generator has grown.
//
//	others-interfaces           2  clause 3: detaches an interface that is not ours
//	finalizer-at-once         140  clause 4: the NodeENI goes while an interface of it exists
//	one-empty-list              6  clause 4: the same
//	gone-when-not-listed
//	create-not-awaited
//	random-token-no-surplus
//	no-delete-on-termination    2  clause 1: deleteOnTermination is false
//	status-as-truth
//	no-second-look             27  I6: detaches what has been wanted for 31 s
//	no-fence                    4  I9: calls EC2 when the lease has ended
//	own-writes-forgotten        6  attaches again what it has attached itself
//	others-slots-ignored        6  clause 1: attaches a second interface for one slot
//	no-sweep                   13  clause 2: an interface that nobody wants exists
//	setbacks-forgotten         21  clause 6: refused 713 times in a quiet hour
//	dying-detached              6  I10: detaches from an instance that shuts down
//	label-loss-missed          98  clause 5: status lists a Node that does not match
//	node-by-name                3  clause 2: an interface of a Node that is gone exists
//	groups-not-kept             2  clause 1: other security groups
//	invisible-is-gone          82  clause 4: the NodeENI goes while an interface of it exists
//	stale-status                2  clause 5: status names another interface
//	taint-too-early             1  clause 5: takes a taint although an interface was never attached
//	taints-written-over         1  clause 3: takes a taint of somebody from a Node
//	node-not-kept               1  clause 5: a Node's annotation names other interfaces
//	node-gone-by-name          29  I6: detaches what has been wanted for 54 s
//	late-instance-is-none      77  I6: deletes what has been wanted for 21 s
//	guard-off                  21  the guard: 13 of 24 go that nobody has ordered or approved
//	halt-forgotten             21  the guard: 12 of 23 go
package main
