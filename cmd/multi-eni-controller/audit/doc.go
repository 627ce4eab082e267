// Package audit is the command "multi-eni-controller audit": it asks EC2 which network interfaces hold a security
// group, a subnet or a VPC, or are left of a cluster, asks the cluster which of them it wants if it can be reached,
// and prints what package pkg/audit makes of it. It changes nothing, and needs no more than the statement Describe of
// the controller's IAM policy; of the cluster, what the controller's ServiceAccount may read.
package audit
