// Package sandbox runs the AWS Multi-ENI Controller for real, on one machine: a real kube-apiserver
// and etcd with the manifests of the project, the real controller binary with the ServiceAccount's
// identity, and the EC2 simulator in AWS's place.
package sandbox
