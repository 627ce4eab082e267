package audit

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/audit"
)

const usage = `Tells which network interfaces hold a security group, a subnet or a VPC, or are left of a cluster: whose they
are, why each stays, and which command to run next. Changes nothing.

Usage:
  multi-eni-controller audit --security-group=ID | --subnet=ID | --vpc=ID | --cluster-name=NAME [flags]

Examples:
  # DependencyViolation: who holds the security group?
  multi-eni-controller audit --security-group=sg-05da196f3314d4af8 --kubeconfig=$HOME/.kube/config

  # The same without access to the cluster: what the tags tell.
  multi-eni-controller audit --security-group=sg-05da196f3314d4af8 --cluster-name=prod

  # Is anything left of a cluster?
  multi-eni-controller audit --cluster-name=prod -o json

Exit code:
  0  nothing stands against what was asked about; of a cluster, nothing is left but what a NodeENI wants
  1  there are findings
  2  the flags are wrong
  3  EC2 or the cluster could not be asked

Flags:
`

// options are the command's flags.
type options struct {
	securityGroup, subnet, vpc, clusterName string

	clusterID           string
	alsoOwnedClusterIDs []string
	kubeconfig          string
	namespace           string
	output              string
}

// AddFlags adds the command's flags to fs, for the documentation.
func AddFlags(fs *pflag.FlagSet) { (&options{}).addFlags(fs) }

func (o *options) addFlags(fs *pflag.FlagSet) {
	fs.StringVar(&o.securityGroup, "security-group", "", "ID of a security group: which interfaces hold it?")
	fs.StringVar(&o.subnet, "subnet", "", "ID of a subnet: which interfaces are in it?")
	fs.StringVar(&o.vpc, "vpc", "", "ID of a VPC: which interfaces are in it?")
	fs.StringVar(&o.clusterName, "cluster-name", "", "Name of a cluster: which interfaces bear it? Beside another subject, it says whose interfaces are ours.")
	fs.StringVar(&o.clusterID, "cluster-id", "", "Identity of the cluster, as the controller has it. Empty: what the controller recorded on its Lease, else the UID of namespace kube-system, if the cluster can be asked.")
	fs.StringSliceVar(&o.alsoOwnedClusterIDs, "also-owned-cluster-ids", nil, "Earlier identities of the cluster, as the controller has them.")
	fs.StringVar(&o.kubeconfig, "kubeconfig", "", "Path of a kubeconfig. Empty: in a pod its own service account, elsewhere the cluster is not asked and the tags alone tell.")
	fs.StringVar(&o.namespace, "namespace", "multi-eni-system", "Where the controller runs.")
	fs.StringVarP(&o.output, "output", "o", "table", "table or json.")
}

var (
	idPattern   = `-[0-9a-f]{8,17}$`
	namePattern = regexp.MustCompile(`^[0-9A-Za-z][0-9A-Za-z._-]{0,99}$`)
)

// subject is what is asked about, or every mistake in the flags.
func (o *options) subject() (audit.Subject, error) {
	var errs []error
	var subjects []audit.Subject
	for _, s := range []struct {
		kind                audit.SubjectKind
		flag, prefix, value string
	}{
		{audit.SecurityGroup, "security-group", "sg", o.securityGroup},
		{audit.Subnet, "subnet", "subnet", o.subnet},
		{audit.VPC, "vpc", "vpc", o.vpc},
	} {
		if s.value == "" {
			continue
		}
		if !regexp.MustCompile("^" + s.prefix + idPattern).MatchString(s.value) {
			errs = append(errs, fmt.Errorf("--%s=%q: must be %s- followed by 8 to 17 lower-case hex digits", s.flag, s.value, s.prefix))
		}
		subjects = append(subjects, audit.Subject{Kind: s.kind, ID: s.value})
	}
	if len(subjects) == 0 && o.clusterName != "" {
		subjects = append(subjects, audit.Subject{Kind: audit.ClusterName, ID: o.clusterName})
	}
	if len(subjects) != 1 {
		errs = append(errs, errors.New("give one of --security-group, --subnet, --vpc and --cluster-name"))
	}
	if o.output != "table" && o.output != "json" {
		errs = append(errs, fmt.Errorf("--output=%q: must be table or json", o.output))
	}
	if o.kubeconfig != "" {
		if _, err := os.Stat(o.kubeconfig); err != nil {
			errs = append(errs, fmt.Errorf("--kubeconfig=%q: %w", o.kubeconfig, err))
		}
	}
	errs = append(errs, o.validateIdentity()...)
	if err := errors.Join(errs...); err != nil {
		return audit.Subject{}, err
	}
	return subjects[0], nil
}

func (o *options) validateIdentity() (errs []error) {
	if o.clusterName != "" && !namePattern.MatchString(o.clusterName) {
		errs = append(errs, fmt.Errorf("--cluster-name=%q: must match %s", o.clusterName, namePattern))
	}
	for _, id := range append([]string{o.clusterID}, o.alsoOwnedClusterIDs...) {
		if id != "" && !namePattern.MatchString(id) {
			errs = append(errs, fmt.Errorf("cluster ID %q: must match %s", id, namePattern))
		}
	}
	if len(o.alsoOwnedClusterIDs) > 0 && o.clusterID == "" && o.kubeconfig == "" {
		errs = append(errs, errors.New("--also-owned-cluster-ids says nothing without --cluster-id or --kubeconfig"))
	}
	return errs
}

// oneLine is how a usage error is told.
func oneLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }
