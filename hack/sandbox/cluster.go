package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
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

// startTimeout is how long etcd or kube-apiserver may take to start, on a machine that has much else to do: to give up
// and start over costs what it lacks.
const startTimeout = 2 * time.Minute

// StartCluster starts a control plane with the binaries of assets. Its files are in dir.
func StartCluster(repo, assets, dir string) (*Cluster, error) {
	log.SetLogger(logr.Discard())
	cluster := &Cluster{repo: repo, dir: dir, env: &envtest.Environment{ControlPlaneStartTimeout: startTimeout, ControlPlaneStopTimeout: startTimeout}}
	server := cluster.env.ControlPlane.GetAPIServer()
	server.Path = filepath.Join(assets, "kube-apiserver")
	server.Configure().
		Set("authorization-mode", "RBAC").
		Set("audit-policy-file", filepath.Join(dir, auditPolicyFile)).
		Set("audit-log-path", filepath.Join(dir, auditLogFile)).
		Disable("disable-admission-plugins") // envtest's own; here admission is as in a cluster
	// In folders of their own, certificates and data outlast a restart.
	server.CertDir, cluster.env.ControlPlane.Etcd = filepath.Join(dir, "certificates"), &envtest.Etcd{
		Path: filepath.Join(assets, "etcd"), DataDir: filepath.Join(dir, "etcd"),
	}
	for _, folder := range []string{server.CertDir, cluster.env.ControlPlane.Etcd.DataDir} {
		if err := os.Mkdir(folder, 0o700); err != nil {
			return nil, err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, auditPolicyFile), []byte(auditPolicy), 0o600); err != nil {
		return nil, err
	}
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

// RestartAPIServer ends kube-apiserver and starts it again at the same address.
func (c *Cluster) RestartAPIServer() error {
	return restart("kube-apiserver", c.env.ControlPlane.GetAPIServer())
}

// RestartEtcd ends etcd and starts it again with the same data.
func (c *Cluster) RestartEtcd() error {
	return restart("etcd", c.env.ControlPlane.Etcd)
}

func restart(name string, server interface {
	Stop() error
	Start() error
},
) error {
	if err := server.Stop(); err != nil {
		return fmt.Errorf("stopping %s: %w", name, err)
	}
	if err := server.Start(); err != nil {
		return fmt.Errorf("starting %s again: %w", name, err)
	}
	return nil
}

// Empty removes whatever a test makes, so that the next one finds the control plane as it was. Nobody needs to be
// there to honour finalizers.
func (c *Cluster) Empty(ctx context.Context) error {
	enis := c.ENIs.NetworkingV1alpha1().NodeENIs()
	list, err := enis.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	everything := metav1.DeleteOptions{}
	for _, item := range list.Items {
		_, err := enis.Patch(ctx, item.Name, types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return err
		}
		if err := enis.Delete(ctx, item.Name, everything); err != nil && !apierrors.IsNotFound(err) {
			return err
		}
	}
	all := metav1.ListOptions{}
	return errors.Join(
		c.Kube.CoreV1().Nodes().DeleteCollection(ctx, everything, all),
		c.Kube.CoreV1().Events(metav1.NamespaceDefault).DeleteCollection(ctx, everything, all),
		c.Kube.CoordinationV1().Leases(Namespace).DeleteCollection(ctx, everything, all),
	)
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

// ServesField waits until the API server goes by a CustomResourceDefinition of NodeENIs whose spec has the field: for a
// moment after a change it goes by the one before.
func (c *Cluster) ServesField(ctx context.Context, field string) error {
	const probe = `{"apiVersion":"networking.k8s.aws/v1alpha1","kind":"NodeENI","metadata":{"name":"probe"},"spec":{"nodeSelector":{"a":"b"},"%s":5}}`
	path := "/apis/networking.k8s.aws/v1alpha1/nodeenis?dryRun=All&fieldValidation=Strict"
	return wait.PollUntilContextTimeout(ctx, pollInterval, 30*time.Second, true, func(ctx context.Context) (bool, error) {
		err := c.Kube.CoreV1().RESTClient().Post().RequestURI(path).Body(fmt.Appendf(nil, probe, field)).Do(ctx).Error()
		if err == nil {
			return false, fmt.Errorf("the API server takes %s=5", field)
		}
		return !strings.Contains(err.Error(), "unknown field"), nil
	})
}
