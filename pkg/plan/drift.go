package plan

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// wantedGroups are the security groups in the order in which EC2's answers are compared.
func wantedGroups(n *v1alpha1.NodeENI) []string {
	if slices.IsSorted(n.Spec.SecurityGroupIDs) {
		return n.Spec.SecurityGroupIDs // which nobody changes
	}
	return slices.Sorted(slices.Values(n.Spec.SecurityGroupIDs))
}

func wantedDescription(n *v1alpha1.NodeENI) string {
	if n.Spec.Description == nil {
		return ""
	}
	return *n.Spec.Description
}

func wantedDeleteOnTermination(n *v1alpha1.NodeENI) bool {
	return n.Spec.DeleteOnTermination == nil || *n.Spec.DeleteOnTermination
}

// wantedTags are all tags that the interface is to bear: the user's over our own, which they can not
// replace but for the Name.
func (p *placer) wantedTags() map[string]string {
	tags := p.ownTags()
	maps.Copy(tags, p.n.Spec.Tags)
	return tags
}

// ownTags are the controller's own, whatever the user's say.
func (p *placer) ownTags() map[string]string {
	return eni.Owner{
		ClusterID:   p.Cluster.ID,
		ClusterName: p.Cluster.Name,
		NodeENIUID:  string(p.n.UID),
		NodeENIName: p.n.Name,
		NodeName:    p.Node.Name,
		InstanceID:  p.InstanceID,
		Slot:        p.slot,
	}.Tags()
}

// drift plans for every setting of the interface that is not as wanted.
func (p *placer) drift(keeper candidate) []Action {
	if keeper.Missing {
		return nil
	}
	before := len(p.result.Attach)
	p.driftOfAttachment(keeper)
	if wanted := wantedGroups(p.n); !slices.Equal(wanted, keeper.SecurityGroupIDs) {
		p.act(Action{Kind: SetSecurityGroups, InterfaceID: keeper.ID, SecurityGroupIDs: wanted})
	}
	if wanted := wantedDescription(p.n); wanted != keeper.Description {
		p.act(Action{Kind: SetDescription, InterfaceID: keeper.ID, Description: wanted})
	}
	p.driftOfTags(keeper)
	drift := slices.Clone(p.result.Attach[before:])
	p.result.Attach = p.result.Attach[:before]
	return drift
}

func (p *placer) driftOfAttachment(keeper candidate) {
	if keeper.Attachment == nil || keeper.Attachment.ID == "" || keeper.leaving() {
		return
	}
	if wanted := wantedDeleteOnTermination(p.n); wanted != keeper.Attachment.DeleteOnTermination {
		p.act(Action{Kind: SetDeleteOnTermination, InterfaceID: keeper.ID, AttachmentID: keeper.Attachment.ID, DeleteOnTermination: wanted})
	}
}

func (p *placer) driftOfTags(keeper candidate) {
	if p.tagged(keeper) {
		return // as nearly always, for which no map need be made
	}
	managed := managedTagKeys(p.n)
	wanted := p.wantedTags()
	// Ownership is settled when an interface is created; the IAM policy does not let us rewrite it later.
	maps.DeleteFunc(wanted, func(key, _ string) bool { return strings.HasPrefix(key, eni.TagPrefix) })
	put := map[string]string{}
	for key, value := range wanted {
		if _, users := p.n.Spec.Tags[key]; users && !slices.Contains(managed, key) {
			continue // not before it is recorded that the key is managed
		}
		if got, ok := keeper.Tags[key]; !ok || got != value {
			put[key] = value
		}
	}
	if len(put) > 0 {
		p.act(Action{Kind: PutTags, InterfaceID: keeper.ID, Tags: put})
	}
	var remove []string
	for _, key := range managed {
		_, stays := wanted[key]
		if _, borne := keeper.Tags[key]; borne && !stays {
			remove = append(remove, key)
		}
	}
	if len(remove) > 0 {
		p.act(Action{Kind: RemoveTags, InterfaceID: keeper.ID, TagKeys: remove})
	}
}

// tagged reports whether the interface bears every tag that it may be given, as it is to be, and no key is recorded
// that could have to be taken away.
func (p *placer) tagged(keeper candidate) bool {
	for key, value := range p.n.Spec.Tags {
		if got, ok := keeper.Tags[key]; !ok || got != value {
			return false
		}
	}
	if _, named := p.n.Spec.Tags[eni.TagName]; !named && keeper.Tags[eni.TagName] != (eni.Owner{NodeENIName: p.n.Name, NodeName: p.Node.Name}).Name() {
		return false
	}
	return keeper.Tags[eni.TagNoManage] == "true" && p.n.Annotations[v1alpha1.AnnotationManagedTagKeys] == ""
}

// MetadataPatch is what a NodeENI's metadata lacks.
type MetadataPatch struct {
	AddFinalizer bool
	// SetManagedTagKeys says that the annotation is to be ManagedTagKeys.
	SetManagedTagKeys bool
	ManagedTagKeys    string
	// SetSelectors says the same of the annotation that Selectors is for.
	SetSelectors bool
	Selectors    string
}

// Metadata says what a NodeENI's metadata lacks: the finalizer, in one annotation every key of spec.tags and every key
// recorded earlier that an interface still bears, in another the selector and the former ones that still stand.
func Metadata(n *v1alpha1.NodeENI, borne map[string]bool, standing []map[string]string) MetadataPatch {
	if !n.DeletionTimestamp.IsZero() {
		return MetadataPatch{}
	}
	keys := map[string]bool{}
	for key := range n.Spec.Tags {
		keys[key] = true
	}
	for _, key := range managedTagKeys(n) {
		if borne[key] {
			keys[key] = true
		}
	}
	patch := MetadataPatch{AddFinalizer: !slices.Contains(n.Finalizers, v1alpha1.Finalizer)}
	recorded, exists := n.Annotations[v1alpha1.AnnotationManagedTagKeys]
	wanted := encodeKeys(keys)
	if wanted != recorded && (exists || len(keys) > 0) {
		patch.SetManagedTagKeys, patch.ManagedTagKeys = true, wanted
	}
	patch.Selectors = selectors(n, standing)
	if patch.SetSelectors = patch.Selectors != n.Annotations[v1alpha1.AnnotationSelectors]; !patch.SetSelectors {
		patch.Selectors = ""
	}
	return patch
}

// RetiredTagKeys are the recorded tag keys that the spec has no more: Metadata keeps those that an interface bears.
func RetiredTagKeys(n *v1alpha1.NodeENI) []string {
	return slices.DeleteFunc(managedTagKeys(n), func(key string) bool {
		_, wanted := n.Spec.Tags[key]
		return wanted
	})
}

// ready reports whether interfaces may be created for the NodeENI: its deletion would wait for them, and
// every tag key that they will bear is recorded.
func ready(n *v1alpha1.NodeENI) bool {
	if !slices.Contains(n.Finalizers, v1alpha1.Finalizer) {
		return false
	}
	managed := managedTagKeys(n)
	for key := range n.Spec.Tags {
		if !slices.Contains(managed, key) {
			return false
		}
	}
	return true
}

// managedTagKeys reads the annotation, sorted. What is malformed counts as empty; Metadata writes it anew.
// Keys of ours are none of the annotation's business, whoever put them there.
func managedTagKeys(n *v1alpha1.NodeENI) []string {
	var keys []string
	if n.Annotations[v1alpha1.AnnotationManagedTagKeys] == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(n.Annotations[v1alpha1.AnnotationManagedTagKeys]), &keys); err != nil {
		return nil
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return key != eni.TagName && reservedTagKey(key) })
	slices.Sort(keys)
	return slices.Compact(keys)
}

func encodeKeys(keys map[string]bool) string {
	// A slice of strings has no way to fail.
	data, _ := json.Marshal(slices.AppendSeq([]string{}, slices.Values(slices.Sorted(maps.Keys(keys)))))
	return string(data)
}
