package app

import (
	"context"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	nodeeniinformers "github.com/multi-eni/aws-multi-eni-controller/pkg/generated/informers/externalversions"
)

// The informers' first lists are streamed, Nodes come as protobuf, and neither is read twice.
func TestInformersStreamTheirFirstLists(t *testing.T) {
	asked := make(chan *http.Request, 100)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r
		<-r.Context().Done() // as a server does that has nothing to say yet
	}))
	defer server.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{"c": {Server: server.URL}}, Contexts: map[string]*clientcmdapi.Context{"c": {Cluster: "c"}}, CurrentContext: "c",
	}, kubeconfig); err != nil {
		t.Fatal(err)
	}
	o := NewOptions()
	o.Kubeconfig = kubeconfig
	clients, err := newClients(o)
	if err != nil {
		t.Fatal(err)
	}
	core, own := informers.NewSharedInformerFactory(clients.Kube, 0), nodeeniinformers.NewSharedInformerFactory(clients.NodeENIs, 0)
	core.Core().V1().Nodes().Informer()
	own.Networking().V1alpha1().NodeENIs().Informer()
	ctx, cancel := context.WithCancel(t.Context())
	core.StartWithContext(ctx)
	own.StartWithContext(ctx)
	defer func() {
		cancel()
		core.Shutdown()
		own.Shutdown()
	}()
	for range 2 {
		r := <-asked
		if q := r.URL.Query(); q.Get("sendInitialEvents") != "true" || q.Get("watch") != "true" || q.Get("allowWatchBookmarks") != "true" {
			t.Errorf("%s is asked for, and not that its list be streamed", r.URL)
		}
		accept := r.Header.Get("Accept")
		if nodes := strings.HasSuffix(r.URL.Path, "/nodes"); nodes != strings.HasPrefix(accept, "application/vnd.kubernetes.protobuf") {
			t.Errorf("%s is asked for as %s", r.URL.Path, accept)
		}
	}
}
