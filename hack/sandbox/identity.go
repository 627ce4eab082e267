package sandbox

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// Where the manifests put the controller.
const (
	Namespace      = "multi-eni-system"
	ServiceAccount = "multi-eni-controller"
)

// tokenLife is longer than any sandbox lives.
const tokenLife = 24 * time.Hour

// ControllerKubeconfig writes a kubeconfig with a token of the controller's ServiceAccount: it may do
// what the ClusterRole of the manifests allows, and nothing else.
func (c *Cluster) ControllerKubeconfig(ctx context.Context) (string, error) {
	path := filepath.Join(c.dir, "controller.kubeconfig")
	return path, c.WriteControllerKubeconfig(ctx, path, c.Config.Host, c.Config.CAData)
}

// WriteControllerKubeconfig writes such a kubeconfig for another address, behind which the API server is.
func (c *Cluster) WriteControllerKubeconfig(ctx context.Context, path, server string, authority []byte) error {
	seconds := int64(tokenLife.Seconds())
	request := &authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds}}
	token, err := c.Kube.CoreV1().ServiceAccounts(Namespace).CreateToken(ctx, ServiceAccount, request, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("getting a token for the controller: %w", err)
	}
	const name = "sandbox"
	config := clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{name: {
			Server:                   server,
			CertificateAuthorityData: authority,
		}},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{name: {Token: token.Status.Token}},
		Contexts:       map[string]*clientcmdapi.Context{name: {Cluster: name, AuthInfo: name}},
		CurrentContext: name,
	}
	return clientcmd.WriteToFile(config, path)
}
