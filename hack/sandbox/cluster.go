package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/envtest"
	"sigs.k8s.io/controller-runtime/pkg/log"

	"github.com/go-logr/logr"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/clientset/versioned"
)

// Cluster is a control plane without nodes: a real kube-apiserver with RBAC and a real etcd.
type Cluster struct {
	// Config is the administrator's.
	Config *rest.Config
	Kube   kubernetes.Interface
	ENIs   versioned.Interface
	// Kubectl is the administrator's, too.
	Kubectl *Kubectl

	repo string
	dir  string
	env  *envtest.Environment
}

// StartCluster starts a control plane with the binaries of assets. Its files are in dir.
func StartCluster(repo, assets, dir string) (*Cluster, error) {
	log.SetLogger(logr.Discard())
	cluster := &Cluster{repo: repo, dir: dir, env: &envtest.Environment{}}
	server := cluster.env.ControlPlane.GetAPIServer()
	server.Path = filepath.Join(assets, "kube-apiserver")
	server.Configure().
		Set("authorization-mode", "RBAC").
		Disable("disable-admission-plugins") // envtest's own; here admission is as in a cluster
	cluster.env.ControlPlane.Etcd = &envtest.Etcd{Path: filepath.Join(assets, "etcd")}
	cluster.env.ControlPlane.KubectlPath = filepath.Join(assets, "kubectl")
	config, err := cluster.env.Start()
	if err != nil {
		return nil, fmt.Errorf("starting the control plane: %w", errors.Join(err, cluster.env.Stop()))
	}
	if err := cluster.connect(config, filepath.Join(assets, "kubectl")); err != nil {
		return nil, errors.Join(err, cluster.env.Stop())
	}
	return cluster, nil
}

func (c *Cluster) connect(config *rest.Config, kubectl string) error {
	kubeconfig := filepath.Join(c.dir, "kubeconfig")
	if err := os.WriteFile(kubeconfig, c.env.KubeConfig, 0o600); err != nil {
		return err
	}
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	enis, err := versioned.NewForConfig(config)
	if err != nil {
		return err
	}
	c.Config, c.Kube, c.ENIs = config, kube, enis
	c.Kubectl = &Kubectl{Path: kubectl, Kubeconfig: kubeconfig}
	return nil
}

// Stop ends kube-apiserver and etcd.
func (c *Cluster) Stop() error {
	return c.env.Stop()
}

// Install applies the project's manifests as a user does.
func (c *Cluster) Install(ctx context.Context) error {
	_, err := c.Kubectl.Run(ctx, "apply", "--server-side", "-f", filepath.Join(c.repo, "manifests"))
	if err != nil {
		return err
	}
	_, err = c.Kubectl.Run(ctx, "wait", "--for=condition=Established", "--timeout=30s", "crd/nodeenis.networking.k8s.aws")
	return err
}
