package migrate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/shell"
)

// Names are the IDs of what the old objects name, given by a person.
type Names struct {
	Subnets        map[string]string
	SecurityGroups map[string]string
}

// Loss is a field that has no counterpart.
type Loss struct {
	Field, Value, Advice string
}

// Interface is one of the other controller's, as the old status tells.
type Interface struct {
	ID, AttachmentID, InstanceID, SubnetID string
}

// Translation is what becomes of one old object.
type Translation struct {
	Name string
	// New are the objects that take its place, the first under its name; none when something is missing.
	New []*v1alpha1.NodeENI
	// Missing says what keeps it from being translated, each with its cure.
	Missing []string
	// Lost are the fields whose effect is gone.
	Lost []Loss
	// Notes are for a person to think about.
	Notes []string
	// Interfaces are the other controller's, which stay as they are.
	Interfaces []Interface
	// Held is true when the other controller's finalizer is on the object, Deleting when it is being deleted.
	Held, Deleting bool
}

// Translate turns one object of the community's controller into ours.
func Translate(old *unstructured.Unstructured, names Names) Translation {
	t := translator{old: old, names: names, Translation: Translation{
		Name:     old.GetName(),
		Held:     slices.Contains(old.GetFinalizers(), Finalizer),
		Deleting: old.GetDeletionTimestamp() != nil,
	}}
	t.spec, _, _ = unstructured.NestedMap(old.Object, "spec")
	t.interfaces()
	for _, field := range hidden(old) {
		t.miss("spec.%s was set, and can not be seen any more, since the CustomResourceDefinition in the cluster does not know it: translate the object from a backup, with -f", field)
	}
	t.losses()
	template := t.template()
	subnets := t.subnets()
	if len(t.Missing) == 0 {
		t.split(template, subnets)
	}
	for _, n := range t.New {
		for _, fault := range plan.Validate(n) {
			t.miss("%v", fault)
		}
	}
	t.Missing = distinct(t.Missing)
	if len(t.Missing) > 0 {
		t.New = nil
	}
	return t.Translation
}

type translator struct {
	Translation
	old   *unstructured.Unstructured
	names Names
	spec  map[string]any
}

func (t *translator) miss(format string, args ...any) {
	t.Missing = append(t.Missing, fmt.Sprintf(format, args...))
}

// template is the new object but for its name, its subnet and its index.
func (t *translator) template() *v1alpha1.NodeENI {
	n := &v1alpha1.NodeENI{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.SchemeGroupVersion.String(), Kind: "NodeENI"},
		ObjectMeta: metav1.ObjectMeta{Labels: t.old.GetLabels(), Annotations: maps.Clone(t.old.GetAnnotations())},
	}
	delete(n.Annotations, annotationCleanupStart)
	delete(n.Annotations, annotationLastApplied)
	n.Spec.NodeSelector = take[map[string]string](t, "nodeSelector")
	n.Spec.SecurityGroupIDs = t.securityGroups()
	n.Spec.DeviceIndex = cmp.Or(take[int32](t, "deviceIndex"), 1)
	n.Spec.DeleteOnTermination = new(true)
	if given := take[*bool](t, "deleteOnTermination"); given != nil {
		n.Spec.DeleteOnTermination = given
	}
	if text := take[string](t, "description"); text != "" {
		n.Spec.Description = &text
	}
	n.Spec.Tags = take[map[string]string](t, "tags")
	return n
}

// take reads a field of the old spec; one of another type is missing.
func take[T any](t *translator, field string) (value T) {
	given, ok := t.spec[field]
	if !ok {
		return value
	}
	data, err := json.Marshal(given)
	if err == nil {
		err = json.Unmarshal(data, &value)
	}
	if err != nil {
		t.miss("spec.%s is %s, which is no value for it", field, data)
	}
	return value
}

// securityGroups are those given by ID, then those given by name, each once.
func (t *translator) securityGroups() []string {
	groups := take[[]string](t, "securityGroupIDs")
	for _, name := range take[[]string](t, "securityGroupNames") {
		id, ok := t.names.SecurityGroups[name]
		if !ok {
			t.miss("spec.securityGroupNames has %q: give %s with its ID, which this finds: %s", name, shell.Quote("--security-group-id="+name+"=sg-ID"),
				shell.Command("aws", "ec2", "describe-security-groups", "--filters", "Name=group-name,Values="+name, "--query", "SecurityGroups[].[GroupId,VpcId]", "--output", "text"))
			continue
		}
		groups = append(groups, id)
	}
	return distinct(groups)
}

// subnets are all that the old object names, in the order of their indexes.
func (t *translator) subnets() []string {
	var subnets []string
	if id := take[string](t, "subnetID"); id != "" {
		subnets = append(subnets, id)
	}
	subnets = append(subnets, take[[]string](t, "subnetIDs")...)
	var byName []string
	if name := take[string](t, "subnetName"); name != "" {
		byName = append(byName, name)
	}
	for _, name := range append(byName, take[[]string](t, "subnetNames")...) {
		id, ok := t.names.Subnets[name]
		if !ok {
			t.miss("the spec names subnet %q: give %s with its ID, which this finds: %s", name, shell.Quote("--subnet-id="+name+"=subnet-ID"),
				shell.Command("aws", "ec2", "describe-subnets", "--filters", "Name=tag:Name,Values="+name, "--query", "Subnets[].[SubnetId,AvailabilityZone]", "--output", "text"))
			continue
		}
		subnets = append(subnets, id)
	}
	subnets = distinct(subnets)
	if len(subnets) == 0 && len(t.Missing) == 0 {
		t.miss("the spec names no subnet: the community controller made nothing for it either; delete it, or give it a subnetID")
	}
	return subnets
}

// split makes one object for each subnet.
func (t *translator) split(template *v1alpha1.NodeENI, subnets []string) {
	for i, subnet := range subnets {
		n := template.DeepCopy()
		n.Name, n.Spec.SubnetID = t.Name, subnet
		if i > 0 {
			n.Name = fmt.Sprintf("%s-%d", t.Name, i+1)
			n.Spec.DeviceIndex += int32(i)
		}
		t.New = append(t.New, n)
	}
	if len(subnets) > 1 {
		last := t.New[len(t.New)-1]
		t.Notes = append(t.Notes, fmt.Sprintf("%d subnets become %d NodeENIs, %s to %s, at device index %d to %d; on nodes in another zone than its subnet a NodeENI says SubnetInOtherZone: add a label to its nodeSelector where that is not wanted",
			len(subnets), len(subnets), t.Name, last.Name, template.Spec.DeviceIndex, last.Spec.DeviceIndex))
	}
}

// losses are the fields that mean nothing here, if they say anything.
func (t *translator) losses() {
	for _, field := range slices.Sorted(maps.Keys(t.spec)) {
		value := t.spec[field]
		advice, known := lost[field]
		switch {
		case slices.Contains(kept, field), slices.Contains(ownOnly, field), slices.Contains(translated, field), says(value) == "":
			continue
		case !known:
			advice = "neither controller knows it"
		}
		t.Lost = append(t.Lost, Loss{field, says(value), advice})
	}
}

// says is a value as JSON; empty for one that says nothing.
func says(value any) string {
	data, err := json.Marshal(value)
	if text := string(data); err == nil && !slices.Contains([]string{"null", "false", "0", `""`, "[]", "{}"}, text) {
		return text
	}
	return ""
}

// ForeignStatus reports whether the status of an object is the other controller's.
func ForeignStatus(object *unstructured.Unstructured) bool {
	return len(foreignAttachments(object)) > 0
}

// foreignAttachments are the other controller's entries in the status. This controller's have a state.
func foreignAttachments(object *unstructured.Unstructured) (foreign []map[string]any) {
	attachments, _, _ := unstructured.NestedSlice(object.Object, "status", "attachments")
	for _, entry := range attachments {
		a, ok := entry.(map[string]any)
		if _, ours := a["state"]; ok && !ours {
			foreign = append(foreign, a)
		}
	}
	return foreign
}

// interfaces reads the old status, as far as it can be read.
func (t *translator) interfaces() {
	for _, a := range foreignAttachments(t.old) {
		text := func(field string) string { s, _, _ := unstructured.NestedString(a, field); return s }
		if text("eniID") != "" {
			t.Interfaces = append(t.Interfaces, Interface{text("eniID"), text("attachmentID"), text("instanceID"), text("subnetID")})
		}
	}
}

// managedSpecFields are the fields of spec in one entry of managedFields.
func managedSpecFields(raw []byte) (fields []string) {
	var set struct {
		Spec map[string]json.RawMessage `json:"f:spec"`
	}
	if json.Unmarshal(raw, &set) != nil {
		return nil
	}
	for key := range set.Spec {
		if field, ok := strings.CutPrefix(key, "f:"); ok {
			fields = append(fields, field)
		}
	}
	return fields
}

// distinct keeps the first of equal values.
func distinct(values []string) (kept []string) {
	for _, value := range values {
		if !slices.Contains(kept, value) {
			kept = append(kept, value)
		}
	}
	return kept
}
