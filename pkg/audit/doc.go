// Package audit judges why a security group, a subnet or a VPC can not be deleted, and what is left of a cluster: of
// each network interface that holds it, whose it is, why it stays, and what to do next. It makes no call and changes
// nothing: Facts go in, a Report comes out.
//
// Ownership is read as the controller reads it: package eni knows our tags, and package plan says what of ours is
// wanted. Without the cluster's word (Facts.Cluster is nil) only the tags can tell, and the report says so.
package audit
