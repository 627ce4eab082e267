package app

import (
	"errors"
	"fmt"
	"net"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/component-base/config"
	"k8s.io/component-base/config/options"
	logsapi "k8s.io/component-base/logs/api/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/inventory"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"

	// The JSON log format of --logging-format.
	_ "k8s.io/component-base/logs/json/register"
)

// leaseName is the name of the Lease that replicas compete for.
const leaseName = "multi-eni-controller"

// identityPattern is what --cluster-name and --cluster-id may be: safe in tags, policies and patches.
var identityPattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)

// Options are the controller's flags.
type Options struct {
	Kubeconfig   string
	KubeAPIQPS   float32
	KubeAPIBurst int

	ClusterName         string
	ClusterID           string
	AlsoOwnedClusterIDs []string

	ConcurrentAttachSyncs  int
	ConcurrentCleanupSyncs int
	ResyncPeriod           time.Duration
	VisibilityHorizon      time.Duration
	CreateDeadline         time.Duration
	EC2Quotas              quotas
	MassReleaseThreshold   percent
	CleanupDryRun          bool
	AllowAdoption          bool
	OnNodes                plan.NodeOptions
	HTTPBindAddress        string
	DebugBindAddress       string

	LeaderElection config.LeaderElectionConfiguration
	Logging        *logsapi.LoggingConfiguration
	ShowVersion    bool

	// flags are what AddFlags has added, for people to look at.
	flags *pflag.FlagSet
}

// NewOptions returns the defaults.
func NewOptions() *Options {
	o := &Options{
		KubeAPIQPS:             50,
		KubeAPIBurst:           100,
		ConcurrentAttachSyncs:  20,
		ConcurrentCleanupSyncs: 20,
		ResyncPeriod:           5 * time.Minute,
		VisibilityHorizon:      10 * time.Second,
		CreateDeadline:         inventory.CreateDeadline,
		MassReleaseThreshold:   0.5,
		HTTPBindAddress:        ":8080",
		DebugBindAddress:       "127.0.0.1:8081",
		Logging:                logsapi.NewLoggingConfiguration(),
	}
	o.Logging.Verbosity = 2
	o.LeaderElection.LeaderElect = true
	o.LeaderElection.LeaseDuration.Duration = 15 * time.Second
	o.LeaderElection.RenewDeadline.Duration = 10 * time.Second
	o.LeaderElection.RetryPeriod.Duration = 2 * time.Second
	o.LeaderElection.ResourceLock = "leases"
	o.LeaderElection.ResourceName = leaseName
	return o
}

// AddFlags adds the flags to fs.
func (o *Options) AddFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.Kubeconfig, "kubeconfig", o.Kubeconfig, "Path of a kubeconfig. Empty: the pod's own service account.")
	fs.Float32Var(&o.KubeAPIQPS, "kube-api-qps", o.KubeAPIQPS, "Calls a second to the Kubernetes API server.")
	fs.IntVar(&o.KubeAPIBurst, "kube-api-burst", o.KubeAPIBurst, "Calls to the Kubernetes API server that may be made at once.")
	fs.StringVar(&o.ClusterName, "cluster-name", o.ClusterName, "Required. Name of the cluster, for people and IAM conditions: the value of the tag networking.k8s.aws/cluster-name.")
	fs.StringVar(&o.ClusterID, "cluster-id", o.ClusterID, "Identity of the cluster, by which interfaces are ours: the value of the tag networking.k8s.aws/cluster-id. Empty: the UID of the namespace kube-system. A copy of a cluster needs another one.")
	fs.StringSliceVar(&o.AlsoOwnedClusterIDs, "also-owned-cluster-ids", o.AlsoOwnedClusterIDs, "Earlier identities of this cluster, whose interfaces are ours too. They are recorded, and a start without one is refused while an interface has it.")
	fs.IntVar(&o.ConcurrentAttachSyncs, "concurrent-attach-syncs", o.ConcurrentAttachSyncs, "Instances for which interfaces are created and attached at a time.")
	fs.IntVar(&o.ConcurrentCleanupSyncs, "concurrent-cleanup-syncs", o.ConcurrentCleanupSyncs, "Instances for which interfaces are detached and deleted at a time.")
	fs.DurationVar(&o.ResyncPeriod, "ec2-resync-period", o.ResyncPeriod, "How often everything is read from EC2, so that changes made by hand are found.")
	fs.DurationVar(&o.CreateDeadline, "ec2-create-deadline", o.CreateDeadline, "How long EC2 may take to carry out a create whose answer was lost, or whose caller was killed; a NodeENI that is being deleted waits that long for what may still come.")
	fs.DurationVar(&o.VisibilityHorizon, "ec2-visibility-horizon", o.VisibilityHorizon, "How long EC2's reads may lag behind its writes.")
	fs.Var(&o.EC2Quotas, "ec2-quotas", "EC2's quotas of calls where this account has others than EC2 documents, as AttachNetworkInterface=150:15,...: a bucket of 150 calls that gets 15 a second.")
	fs.Var(&o.MassReleaseThreshold, "mass-release-threshold", "Share of the attached interfaces that may go within 10 minutes because their NodeENI, their Node or its labels vanished; beyond it cleanup halts until a person approves. Fewer than 10 always may; 0 lets all go. Deleting or editing a NodeENI does not count.")
	fs.BoolVar(&o.CleanupDryRun, "cleanup-dry-run", o.CleanupDryRun, "Detach and delete nothing: log and report in status what would be detached or deleted. A deleted NodeENI stays until it is switched off.")
	fs.BoolVar(&o.AllowAdoption, "allow-adoption", o.AllowAdoption, "Take over interfaces that were made by other means and that a NodeENI's annotation "+v1alpha1.AnnotationAdopt+" names. Without it the NodeENI only says whether they could be. Needs the policy of manifests/iam/adoption-policy.json.")
	fs.StringVar(&o.OnNodes.Taint, "node-readiness-taint", o.OnNodes.Taint, "Key of a taint that is taken from a Node once every interface that NodeENIs want on it is attached, such as "+v1alpha1.TaintNotReady+". Empty: no taint is touched. Needs leave to patch Nodes.")
	fs.BoolVar(&o.OnNodes.Retaint, "retaint", o.OnNodes.Retaint, "Give a Node the taint of --node-readiness-taint, with effect NoSchedule, when a wanted interface is not attached. A Node that names no EC2 instance is never given it.")
	fs.BoolVar(&o.OnNodes.Condition, "node-condition", o.OnNodes.Condition, "Keep the condition "+v1alpha1.NodeConditionENIsReady+" on Nodes that NodeENIs select. Needs leave to patch nodes/status.")
	fs.BoolVar(&o.OnNodes.Annotation, "node-annotation", o.OnNodes.Annotation, "Keep the annotation "+v1alpha1.AnnotationENIs+" on Nodes that NodeENIs select: the attached interfaces as JSON. Needs leave to patch Nodes.")
	fs.StringVar(&o.HTTPBindAddress, "http-bind-address", o.HTTPBindAddress, "Address that serves /healthz, /livez, /readyz and /metrics.")
	fs.StringVar(&o.DebugBindAddress, "debug-bind-address", o.DebugBindAddress, "Loopback address that serves pages for debugging, without authentication; / lists them. Empty or 0: none.")
	fs.BoolVar(&o.ShowVersion, "version", o.ShowVersion, "Print the version and exit.")
	options.BindLeaderElectionFlags(&o.LeaderElection, fs)
	logsapi.AddFlags(o.Logging, fs)
	o.flags = fs
}

// debugs reports whether there is a debug port.
func (o *Options) debugs() bool { return o.DebugBindAddress != "" && o.DebugBindAddress != "0" }

// Validate returns every mistake in the flags, each with its cure.
func (o *Options) Validate() error {
	var errs []error
	reject := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if o.ClusterName == "" {
		reject("--cluster-name is required: give the name of the cluster")
	} else if !identityPattern.MatchString(o.ClusterName) {
		reject("--cluster-name=%q: must match %s", o.ClusterName, identityPattern)
	}
	if o.ClusterID != "" && !identityPattern.MatchString(o.ClusterID) {
		reject("--cluster-id=%q: must match %s", o.ClusterID, identityPattern)
	}
	if o.Kubeconfig != "" {
		if _, err := os.Stat(o.Kubeconfig); err != nil {
			reject("--kubeconfig=%q: %v", o.Kubeconfig, err)
		}
	}
	for _, id := range o.AlsoOwnedClusterIDs {
		if !identityPattern.MatchString(id) {
			reject("--also-owned-cluster-ids: %q must match %s", id, identityPattern)
		}
	}
	for _, count := range []struct {
		flag  string
		value int
	}{
		{"concurrent-attach-syncs", o.ConcurrentAttachSyncs},
		{"concurrent-cleanup-syncs", o.ConcurrentCleanupSyncs},
		{"kube-api-burst", o.KubeAPIBurst},
	} {
		if count.value < 1 {
			reject("--%s=%d: must be at least 1", count.flag, count.value)
		}
	}
	if o.KubeAPIQPS <= 0 {
		reject("--kube-api-qps=%v: must be more than 0", o.KubeAPIQPS)
	}
	if o.ResyncPeriod < 5*time.Second {
		reject("--ec2-resync-period=%v: must be at least 5s", o.ResyncPeriod)
	}
	if o.CreateDeadline <= 0 {
		reject("--ec2-create-deadline=%v: must be more than 0", o.CreateDeadline)
	}
	if o.VisibilityHorizon <= 0 {
		reject("--ec2-visibility-horizon=%v: must be more than 0", o.VisibilityHorizon)
	}
	if mistakes := validation.IsQualifiedName(o.OnNodes.Taint); o.OnNodes.Taint != "" && len(mistakes) > 0 {
		reject("--node-readiness-taint=%q: must be the key of a taint: %s", o.OnNodes.Taint, strings.Join(mistakes, "; "))
	}
	if o.OnNodes.Retaint && o.OnNodes.Taint == "" {
		reject("--retaint is of no use without --node-readiness-taint: give the key of the taint")
	}
	if _, _, err := net.SplitHostPort(o.HTTPBindAddress); err != nil {
		reject("--http-bind-address=%q: must be host:port or :port: %v", o.HTTPBindAddress, err)
	}
	if o.debugs() {
		if err := checkLoopback(o.DebugBindAddress); err != nil {
			reject("--debug-bind-address=%q: %w", o.DebugBindAddress, err)
		}
	}
	errs = append(errs, o.validateElection()...)
	return errors.Join(errs...)
}

func (o *Options) validateElection() []error {
	e := o.LeaderElection
	if !e.LeaderElect {
		return nil
	}
	var errs []error
	if e.ResourceLock != "leases" {
		errs = append(errs, fmt.Errorf("--leader-elect-resource-lock=%q: must be leases", e.ResourceLock))
	}
	if e.ResourceName == "" {
		errs = append(errs, errors.New("--leader-elect-resource-name is empty: give the name of a Lease"))
	}
	if e.RetryPeriod.Duration <= 0 || e.RenewDeadline.Duration <= e.RetryPeriod.Duration*6/5 || e.LeaseDuration.Duration <= e.RenewDeadline.Duration {
		errs = append(errs, fmt.Errorf("--leader-elect-lease-duration=%v, --leader-elect-renew-deadline=%v, --leader-elect-retry-period=%v: the first must be longer than the second, and that longer than 1.2 times the third",
			e.LeaseDuration.Duration, e.RenewDeadline.Duration, e.RetryPeriod.Duration))
	}
	return errs
}
