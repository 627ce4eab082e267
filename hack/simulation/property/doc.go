// Package property is what must be true of the controller once faults have stopped and time has passed, whatever
// happened before: one function on the NodeENIs, the Nodes and EC2 as it is. The simulation, the soak and the runs
// on real processes ask the same function.
//
// It is an oracle of its own: it shares no decision with the controller. What is wanted it reads from specs and
// labels; what may stand against it, from the world. Where the outcome may be one or another (two NodeENIs that
// want one slot), it takes either.
//
// The clauses:
//
//  1. every wanted (NodeENI, Node, slot) that nothing in the world blocks holds exactly one attached interface with
//     the wanted settings, a blocked one none
//  2. no other interface of ours exists, but for those held on purpose, which are reported as held
//  3. nobody else's interface, tag or security group was touched
//  4. every NodeENI being deleted is gone (same exception), and none was gone while an interface of its existed
//  5. status equals the truth, and so does what Nodes are to show
//  6. then nothing is called and nothing is written
//
// Check judges clauses 1, 2, 4 and 5, which are about a state; 3, 6 and the second half of 4 are about what was
// done, and belong to who watches the calls.
package property
