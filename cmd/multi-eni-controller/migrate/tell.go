package migrate

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/shell"
)

func (r *run) say(format string, args ...any) { _, _ = fmt.Fprintf(r.out, format+"\n", args...) }

// tell says what becomes of each object.
func (r *run) tell(objects []object) {
	if len(objects) == 0 {
		r.say("There are no NodeENIs.")
	}
	for _, o := range objects {
		r.say("%s: %s", o.Name, o.fate())
		if !o.Deleting {
			r.tellFields(o)
		}
		if len(o.Interfaces) > 0 {
			r.say("  interfaces  %s: the community controller's, which stay as they are", interfaces(o.Interfaces))
		}
		if o.Held {
			r.say("  finalizer   %s: %s", migrate.Finalizer, r.finalizerFate())
		}
	}
	if r.backup != "" {
		r.say("written: %s, %s", filepath.Join(r.backup, oldFile), filepath.Join(r.backup, newFile))
	}
}

// tellFields says what is missing, lost and to be thought about.
func (r *run) tellFields(o object) {
	for _, what := range o.Missing {
		r.say("  missing     %s", what)
	}
	for _, l := range o.Lost {
		r.say("  lost        %s: %s: %s", l.Field, l.Value, l.Advice)
	}
	for _, note := range o.Notes {
		r.say("  note        %s", note)
	}
}

// fate is what becomes of the object, in a word.
func (o *object) fate() string {
	switch {
	case o.Deleting:
		return "is being deleted, and is left alone but for its finalizer"
	case len(o.Missing) > 0:
		return "can not be migrated yet"
	case len(o.news) == 1 && sameSpec(o.old, o.news[0]):
		return "stays as it is"
	}
	var becomes []string
	for _, n := range o.New {
		becomes = append(becomes, fmt.Sprintf("%s (%s, device index %d)", n.Name, n.Spec.SubnetID, n.Spec.DeviceIndex))
	}
	return "becomes " + strings.Join(becomes, ", ")
}

func (r *run) finalizerFate() string {
	if r.removeOldFinalizer {
		return "is taken off"
	}
	return "stays; once the community controller is gone for good, --remove-old-finalizer takes it off, or a deletion never ends"
}

func interfaces(all []migrate.Interface) string {
	var ids []string
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	if len(ids) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(ids[:5], ", "), len(ids)-5)
	}
	return strings.Join(ids, ", ")
}

// obstacles are what a person has to decide before anything is changed.
func (r *run) obstacles(objects []object) error {
	var missing, undropped []string
	for _, o := range objects {
		if o.Deleting {
			continue
		}
		if len(o.Missing) > 0 {
			missing = append(missing, o.Name)
		}
		undropped = append(undropped, o.undropped(r.drop)...)
	}
	slices.Sort(undropped)
	undropped = slices.Compact(undropped)
	switch {
	case len(missing) > 0:
		return fmt.Errorf("%w: %s can not be migrated yet; what is missing is told above", errPerson, strings.Join(missing, ", "))
	case len(undropped) > 0:
		return fmt.Errorf("%w: these fields have no counterpart; accept that they are lost with --drop=%s", errPerson, strings.Join(undropped, ","))
	}
	return nil
}

// tellNext says what to do after a dry run.
func (r *run) tellNext(ctx context.Context, objects []object) {
	if len(objects) == 0 {
		return
	}
	stop := "kubectl -n eni-controller-system scale deployment/eni-controller --replicas=0"
	if r.cluster != nil {
		if found, err := r.cluster.deployments(ctx); err == nil && len(found) > 0 {
			stop = fmt.Sprintf("kubectl -n %s scale deployment/%s --replicas=0", found[0].Namespace, found[0].Name)
		}
	}
	source := r.filename
	if r.backup != "" {
		source = filepath.Join(r.backup, oldFile)
	}
	r.say("\nNext:\n  %s   # its interfaces stay attached", stop)
	if source == "" {
		r.say("  multi-eni-controller migrate --backup=FOLDER%s", r.repeated())
	} else {
		r.say("  multi-eni-controller migrate -f %s%s", shell.Quote(source), r.repeated())
	}
	r.say("  kubectl apply -f manifests/")
}

// repeated are the flags that have to be given again.
func (r *run) repeated() string {
	var flags strings.Builder
	for _, ids := range []struct {
		flag string
		of   map[string]string
	}{{"subnet-id", r.subnetIDs}, {"security-group-id", r.securityGroupIDs}} {
		for _, name := range sortedKeys(ids.of) {
			flags.WriteString(" " + shell.Quote("--"+ids.flag+"="+name+"="+ids.of[name]))
		}
	}
	if len(r.drop) > 0 {
		flags.WriteString(" " + shell.Quote("--drop="+strings.Join(r.drop, ",")))
	}
	if r.removeOldFinalizer {
		flags.WriteString(" --remove-old-finalizer")
	}
	if r.kubeconfig != "" {
		flags.WriteString(" " + shell.Quote("--kubeconfig="+r.kubeconfig))
	}
	return flags.String()
}

// tellAfter says what to do with what the community controller leaves behind.
func (r *run) tellAfter(objects []object) {
	var subnets []string
	for _, o := range objects {
		for _, n := range o.New {
			subnets = append(subnets, n.Spec.SubnetID)
		}
	}
	slices.Sort(subnets)
	if len(subnets) == 0 {
		return
	}
	r.say("\nAn interface of the community controller holds its device index until it is removed or its node is replaced; till then the\nNodeENI says DeviceIndexInUse there. Next:\n  kubectl apply -f manifests/")
	for _, subnet := range slices.Compact(subnets) {
		r.say("  multi-eni-controller audit --subnet=%s   # names them, with the command that detaches each", subnet)
	}
}
