// Package controlplane provides the binaries of a Kubernetes control plane: kube-apiserver, etcd and
// kubectl, as regular files in one folder.
//
// They come from the folder that KUBEBUILDER_ASSETS names; else from the user's cache folder, which
// every clone of the project shares; else they are downloaded as setup-envtest does; else, where
// nothing can be downloaded, they are built from the Go modules that hack/controlplane pins.
package controlplane

// Binaries are the files that a control plane needs.
func Binaries() []string {
	return []string{"kube-apiserver", "etcd", "kubectl"}
}
