// Package eni holds the words that the rest of the controller shares: what an Elastic Network
// Interface, an instance and a slot are, which tags say that an interface is ours, and which kinds of
// failure EC2 answers with. It is a leaf: it imports the standard library only, so that the pure
// decisions, the inventory and the EC2 adapter can all speak it without knowing each other.
package eni
