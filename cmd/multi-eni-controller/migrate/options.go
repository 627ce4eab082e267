package migrate

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/spf13/pflag"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

const usage = `Moves the NodeENIs of the community controller (github.com/johnlam90/aws-multi-eni-controller) to this one.
Touches no interface: those of the other controller stay attached until they are removed by hand or their
node is replaced, and "multi-eni-controller audit" names them.

Usage:
  multi-eni-controller migrate [flags]

Examples:
  # First: tell what would become of the objects, and keep a backup of them. Changes nothing.
  multi-eni-controller migrate --dry-run --kubeconfig=$HOME/.kube/config --backup=before

  # Add what the objects only name, and accept that a field is lost.
  multi-eni-controller migrate --dry-run -f before/nodeenis-old.yaml --subnet-id=net-a=subnet-0f59b4f14737be9ad --drop=mtu

  # Once the other controller is stopped: put the new objects in the place of the old ones.
  multi-eni-controller migrate -f before/nodeenis-old.yaml --kubeconfig=$HOME/.kube/config

Exit code:
  0  done; of a dry run: all could be migrated with these flags
  1  something needs a person first, and nothing was changed
  2  the flags are wrong
  3  the cluster or a file could not be read or written

Flags:
`

// options are the command's flags.
type options struct {
	dryRun               bool
	kubeconfig           string
	filename             string
	backup               string
	subnetIDs            map[string]string
	securityGroupIDs     map[string]string
	drop                 []string
	removeOldFinalizer   bool
	oldControllerStopped bool
}

// AddFlags adds the command's flags to fs, for the documentation.
func AddFlags(fs *pflag.FlagSet) { (&options{}).addFlags(fs) }

func (o *options) addFlags(fs *pflag.FlagSet) {
	fs.BoolVar(&o.dryRun, "dry-run", false, "Tell what would be done, and change nothing in the cluster.")
	fs.StringVar(&o.kubeconfig, "kubeconfig", "", "Path of a kubeconfig. Empty: the pod's own service account.")
	fs.StringVarP(&o.filename, "filename", "f", "", "Read the old objects from this file, such as a backup, not from the cluster; - is standard input. With --dry-run no cluster is needed then.")
	fs.StringVar(&o.backup, "backup", "", "Folder into which nodeenis-old.yaml, the objects as they are, and nodeenis-new.yaml are written. Files that are there are never replaced. Required where the cluster is read and changed.")
	fs.StringToStringVar(&o.subnetIDs, "subnet-id", nil, "NAME=ID of a subnet that objects name by subnetName or subnetNames.")
	fs.StringToStringVar(&o.securityGroupIDs, "security-group-id", nil, "NAME=ID of a security group that objects name by securityGroupNames.")
	fs.StringSliceVar(&o.drop, "drop", nil, "Fields without a counterpart whose loss is accepted, mtu for example.")
	fs.BoolVar(&o.removeOldFinalizer, "remove-old-finalizer", false, "Take the finalizer "+migrate.Finalizer+" off, without which a deleted NodeENI waits for the other controller for ever. The interfaces that it stands for become nobody's: see the audit.")
	fs.BoolVar(&o.oldControllerStopped, "old-controller-stopped", false, "Do not look whether the other controller runs.")
}

// validate returns every mistake in the flags.
func (o *options) validate() error {
	var errs []error
	if o.kubeconfig != "" {
		if _, err := os.Stat(o.kubeconfig); err != nil {
			errs = append(errs, fmt.Errorf("--kubeconfig=%q: %w", o.kubeconfig, err))
		}
	}
	if !o.dryRun && o.filename == "" && o.backup == "" {
		errs = append(errs, errors.New("give --dry-run, or --backup=FOLDER to keep what is replaced, or -f with a backup"))
	}
	for _, ids := range []map[string]string{o.subnetIDs, o.securityGroupIDs} {
		for _, name := range slices.Sorted(maps.Keys(ids)) {
			if ids[name] == "" {
				errs = append(errs, fmt.Errorf("there is no ID for %q: write NAME=ID", name))
			}
		}
	}
	return errors.Join(errs...)
}

func (o *options) names() migrate.Names {
	return migrate.Names{Subnets: o.subnetIDs, SecurityGroups: o.securityGroupIDs}
}
