package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// ControllerOptions say how a controller is started.
type ControllerOptions struct {
	// Name tells replicas apart in log files.
	Name string
	// Kubeconfig is whose identity it has.
	Kubeconfig string
	// EC2 is the address of the simulator.
	EC2 string
	// ClusterID is whose interfaces are its own; empty leaves the choice to the controller.
	ClusterID string
	// Args come after the sandbox's own, Env likewise.
	Args, Env []string
}

// accessKey is that of the role which the manifests give the controller, and of the larger one where it may adopt.
func (o ControllerOptions) accessKey() string {
	if slices.Contains(o.Args, "--allow-adoption") {
		return adopterKey
	}
	return controllerKey
}

// Controller is a running multi-eni-controller.
type Controller struct {
	*Process
	// HTTP is the address of its health checks and metrics, Debug that of its debug port.
	HTTP, Debug string
}

// StartController starts the program.
func StartController(binaries Binaries, options ControllerOptions, dir string) (*Controller, error) {
	address, err := freeAddress()
	if err != nil {
		return nil, err
	}
	debug, err := freeAddress()
	if err != nil {
		return nil, err
	}
	args := []string{
		"--kubeconfig=" + options.Kubeconfig,
		"--cluster-name=" + ClusterName,
		"--leader-elect-resource-namespace=" + Namespace,
		"--ec2-visibility-horizon=1s",
		"--ec2-create-deadline=5s",
		"--http-bind-address=" + address,
		"--debug-bind-address=" + debug,
		"-v=2",
	}
	if options.ClusterID != "" {
		args = append(args, "--cluster-id="+options.ClusterID)
	}
	process, err := program{
		name: options.Name,
		path: binaries.Controller,
		env:  append(awsEnvironment(options.EC2, options.accessKey()), options.Env...),
		args: append(args, options.Args...),
	}.start(dir)
	if err != nil {
		return nil, err
	}
	return &Controller{Process: process, HTTP: "http://" + address, Debug: "http://" + debug}, nil
}

// RunCommand runs the program with a command in place of the controller, with the same rights in EC2, to its end.
func RunCommand(ctx context.Context, binaries Binaries, ec2 string, args ...string) (code int, stdout, stderr string, err error) {
	command := exec.CommandContext(ctx, binaries.Controller, args...)
	command.Env = append(os.Environ(), awsEnvironment(ec2, controllerKey)...)
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	if err := command.Run(); err != nil {
		if _, isExit := errors.AsType[*exec.ExitError](err); !isExit {
			return 0, "", "", err
		}
	}
	return command.ProcessState.ExitCode(), out.String(), errs.String(), nil
}

// RunLine runs a line of a document as a person's shell does who stands in the project's root, is an administrator of the
// cluster, and has the controller's rights in EC2. kubectl and multi-eni-controller are the sandbox's.
func (c *Cluster) RunLine(ctx context.Context, binaries Binaries, ec2, line string) (string, error) {
	command := exec.CommandContext(ctx, "bash", "-ec", line)
	command.Dir = c.repo
	programs := filepath.Dir(c.Kubectl.Path) + string(filepath.ListSeparator) + filepath.Dir(binaries.Controller)
	command.Env = append(os.Environ(), "KUBECONFIG="+c.Kubectl.Kubeconfig, "PATH="+programs+string(filepath.ListSeparator)+os.Getenv("PATH"))
	command.Env = append(command.Env, awsEnvironment(ec2, controllerKey)...)
	output, err := command.CombinedOutput()
	if err != nil {
		return string(output), fmt.Errorf("%s: %w: %s", line, err, output)
	}
	return string(output), nil
}

// awsEnvironment points the controller's SDK at the simulator.
func awsEnvironment(endpoint, accessKey string) []string {
	return []string{
		"AWS_ENDPOINT_URL_EC2=" + endpoint,
		"AWS_REGION=" + Region,
		"AWS_ACCESS_KEY_ID=" + accessKey,
		"AWS_SECRET_ACCESS_KEY=secret",
		"AWS_SESSION_TOKEN=",
		"AWS_PROFILE=",
		"AWS_EC2_METADATA_DISABLED=true",
	}
}

// Ports are taken from below those that the system gives to whoever connects somewhere: a port of those may be free now,
// and in use when the program listens on it.
const firstPort, lastPort = 10_000, 32_000

// freeAddress finds a port that nobody listens on. Two programs that are started at the same time get two.
func freeAddress() (string, error) {
	var last error
	for range 100 {
		address := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(lastPort-firstPort))
		if _, given := givenAddresses.LoadOrStore(address, true); given {
			continue
		}
		listener, err := net.Listen("tcp", address)
		if err == nil {
			return address, listener.Close()
		}
		last = err
	}
	return "", fmt.Errorf("finding a free port: %w", last)
}

// givenAddresses are not given again: who has one may not listen yet.
var givenAddresses sync.Map

// Get reads a path of the controller's own server.
func (c *Controller) Get(ctx context.Context, path string) (int, string, error) {
	return get(ctx, c.HTTP+path)
}

// GetDebug reads a path of the controller's debug port.
func (c *Controller) GetDebug(ctx context.Context, path string) (int, string, error) {
	return get(ctx, c.Debug+path)
}

func get(ctx context.Context, url string) (int, string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), err
}

// WaitHealthy waits until the controller answers its health check.
func (c *Controller) WaitHealthy(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	err := wait.PollUntilContextCancel(ctx, 5*pollInterval, true, func(ctx context.Context) (bool, error) {
		if !c.Running() {
			return false, fmt.Errorf("it has ended")
		}
		status, _, err := c.Get(ctx, "/healthz")
		return err == nil && status == http.StatusOK, nil
	})
	if err != nil {
		return fmt.Errorf("%s does not become healthy: %w\n%s", c.Name, err, c.Log())
	}
	return nil
}

// Complaint is the first line of the log that tells of a bug, or of something that the RBAC of the manifests
// forbids; empty when there is none.
func (c *Controller) Complaint() string {
	return firstLine(c.Log(), "panic:", "DATA RACE", "is forbidden")
}

// Bug is the first line of the log that tells of a bug; empty when there is none.
func (c *Controller) Bug() string {
	return firstLine(c.Log(), "panic:", "DATA RACE")
}

func firstLine(log string, words ...string) string {
	for line := range strings.Lines(log) {
		if slices.ContainsFunc(words, func(word string) bool { return strings.Contains(line, word) }) {
			return line
		}
	}
	return ""
}
