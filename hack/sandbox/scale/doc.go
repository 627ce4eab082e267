// Command scale measures in real time what bringing interfaces up costs: a real kube-apiserver with etcd, the EC2
// simulator over HTTP without quotas and latencies, and the controller as a process with its ServiceAccount's rights.
//
//	cd hack/sandbox && go run ./scale [-sizes=some|full] [-nodes=100,1000] [-interfaces=4] [-figures=FILE] [-profile=FOLDER]
//
// For each size the Nodes are made first, each as large as a kubelet's; then the controller is started, and when it is
// at rest the NodeENIs are created, one for each interface that a Node is to have. What the controller uses from then
// on, until EC2 has every interface attached with every setting and every NodeENI says so, is the bring-up.
//
// CPU is what /proc says of the processes, so that it depends little on what else the machine does. It is held against
// a bare loop, a process of its own: the three calls that an interface takes, made by the same SDK against the same
// simulator in the same run, by as many goroutines as the controller has workers, and nothing else. Writes and bytes
// are what the API server has counted. Wall time is only stated, together with who used the machine meanwhile.
//
// With -profile, CPU and heap profiles of the controller are written into a folder, named by size.
package main
