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
// TABLE
package main
