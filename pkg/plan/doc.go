// Package plan decides, and does nothing else: snapshots of Kubernetes and EC2 and a time go in, values
// come out. It makes no call, reads no clock and keeps no state, so every rule of the controller can be
// read, tested and replayed here.
//
// Instance decides for one EC2 instance what the attach workers and the cleanup workers do next and what
// there is to report; Status turns the reports about one NodeENI into its status; Metadata says which
// finalizer and annotation a NodeENI must bear. Fed back the effect of its own actions, Instance returns
// no further action.
package plan
