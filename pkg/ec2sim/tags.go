package ec2sim

import (
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html.
const (
	maxTags     = 50
	maxTagKey   = 128
	maxTagValue = 256
)

// maxTaggedResources is how many resources one CreateTags or DeleteTags takes.
const maxTaggedResources = 1000

var tagSpecificationParams = []param{
	text("TagSpecification.N.ResourceType"), text("TagSpecification.N.Tag.N.Key"), text("TagSpecification.N.Tag.N.Value"),
}

// tagSpecification reads the tags for the one kind of resource that a create makes.
func tagSpecification(form *value, resourceType string) (map[string]string, error) {
	tags := map[string]string{}
	for _, spec := range form.members("TagSpecification") {
		switch got := spec.get("ResourceType"); got {
		case resourceType:
		case "":
			return nil, fail("InvalidParameterValue", "Tag specification resource type must have a value")
		default:
			return nil, fail("InvalidParameterValue", "'%s' is not a valid taggable resource type for this operation.", got)
		}
		if err := readTagsOf(spec, tags); err != nil {
			return nil, err
		}
	}
	return tags, checkTags(tags)
}

// readTagsOf reads a specification, which is refused without any tag.
func readTagsOf(spec *value, tags map[string]string) error {
	if len(spec.members("Tag")) == 0 {
		return fail("InvalidParameterValue", "Tag specification must have at least one tag")
	}
	return readTags(spec, tags)
}

// readTags adds Tag.N to tags.
func readTags(form *value, tags map[string]string) error {
	for _, t := range form.members("Tag") {
		key := t.get("Key")
		if _, twice := tags[key]; twice {
			return fail("InvalidParameterValue", "Duplicate tag key '%s' specified.", key)
		}
		tags[key] = t.get("Value")
	}
	return nil
}

// checkTagLimit is one of the limits, and is looked at with them: late.
func checkTagLimit(n int) error {
	if n > maxTags {
		return fail("TagLimitExceeded", "The maximum number of tags (%d) for a resource has been reached", maxTags)
	}
	return nil
}

// checkTags judges tags by themselves; keys in order, so that the same tags always fail
// for the same reason.
func checkTags(tags map[string]string) error {
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		v := tags[key]
		switch {
		case key == "":
			return fail("InvalidParameterValue", "Tag key cannot be null or empty.")
		case utf8.RuneCountInString(key) > maxTagKey:
			return fail("InvalidParameterValue", "Tag key exceeds the maximum length of %d characters", maxTagKey)
		case utf8.RuneCountInString(v) > maxTagValue:
			return fail("InvalidParameterValue", "Tag value exceeds the maximum length of %d characters", maxTagValue)
		}
		if err := reservedTag(key); err != nil {
			return err
		}
	}
	return nil
}

// reservedTag refuses keys that only AWS sets and removes.
func reservedTag(key string) error {
	if strings.HasPrefix(strings.ToLower(key), "aws:") {
		return fail("InvalidParameterValue", "Value ( %s ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use", key)
	}
	return nil
}

var (
	createTagsParams = paramsOf([]param{taggableIDs, text("Tag.N.Key"), text("Tag.N.Value")}).needing(tagsNamed)
	deleteTagsParams = paramsOf([]param{taggableIDs, text("Tag.N.Key"), text("Tag.N.Value")})
	taggableIDs      = param{name: "ResourceId.N", check: aTaggable, required: true}
)

// aTaggable is the ID of something that can bear tags here.
func aTaggable(_, id string) error {
	kind := kindOfID(id)
	if kind == nil {
		return fail("InvalidID", "The ID '%s' is not valid", id)
	}
	return kind.check(id)
}

// tagTarget is a resource whose tags can be replaced.
type tagTarget struct {
	tags map[string]string
	set  func(map[string]string)
}

func createTags(s *Simulator, c *call, w *xmlWriter) error {
	tags := map[string]string{}
	if err := readTags(c.form, tags); err != nil {
		return err
	}
	if len(tags) == 0 {
		return fail("InvalidParameterValue", "You must specify one or more tags to create")
	}
	if err := checkTags(tags); err != nil {
		return err
	}
	targets, err := s.tagTargets(c.form.texts("ResourceId"))
	if err != nil {
		return err
	}
	var merged []map[string]string
	for _, t := range targets {
		m := maps.Clone(t.tags)
		if m == nil {
			m = map[string]string{}
		}
		maps.Copy(m, tags)
		if err := checkTagLimit(len(m)); err != nil {
			return err
		}
		merged = append(merged, m)
	}
	for i, t := range targets {
		t.set(merged[i])
	}
	w.boolean("return", true)
	return nil
}

// deleteTags removes the keys given: whatever their value, or only if it is the value
// given. Without any tag it removes them all.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteTags.html
func deleteTags(s *Simulator, c *call, w *xmlWriter) error {
	doomed := c.form.members("Tag")
	for _, d := range doomed {
		if err := reservedTag(d.get("Key")); err != nil {
			return err
		}
	}
	targets, err := s.tagTargets(c.form.texts("ResourceId"))
	if err != nil {
		return err
	}
	for _, t := range targets {
		left := maps.Clone(t.tags)
		if len(doomed) == 0 {
			left = nil
		}
		for _, d := range doomed {
			if v, ok := left[d.get("Key")]; ok && (!d.has("Value") || d.get("Value") == v) {
				delete(left, d.get("Key"))
			}
		}
		t.set(left)
	}
	w.boolean("return", true)
	return nil
}

// tagTargets finds every resource, or fails for all of them.
func (s *Simulator) tagTargets(ids []string) ([]tagTarget, error) {
	if len(ids) > maxTaggedResources {
		return nil, fail("InvalidParameterValue", "At most %d resources can be given", maxTaggedResources)
	}
	var out []tagTarget
	for _, id := range ids {
		t, err := s.tagTarget(id)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

func (s *Simulator) tagTarget(id string) (tagTarget, error) {
	switch kind := kindOfID(id); kind {
	case interfaceID:
		e, err := s.interfaceByID(id)
		if err != nil {
			return tagTarget{}, err
		}
		return tagTarget{e.tags, func(m map[string]string) { s.change(e, func() { e.tags = m }) }}, nil
	case instanceID:
		in, err := s.instanceByID(id)
		if err != nil {
			return tagTarget{}, err
		}
		return tagTarget{in.tags, func(m map[string]string) { s.changeInstance(in, func() { in.tags = m }) }}, nil
	case subnetID:
		if sn, ok := s.subnets.byID[id]; ok {
			return tagTarget{sn.tags, func(m map[string]string) { s.keepSubnet(sn); sn.tags = m }}, nil
		}
		return tagTarget{}, kind.missing(id)
	case groupID:
		if g, ok := s.groups.byID[id]; ok {
			return tagTarget{g.tags, func(m map[string]string) { s.keepGroup(g); g.tags = m }}, nil
		}
		return tagTarget{}, kind.missing(id)
	default:
		if v, ok := s.vpcs.byID[id]; ok {
			return tagTarget{v.tags, func(m map[string]string) { s.keepVPC(v); v.tags = m }}, nil
		}
		return tagTarget{}, kind.missing(id)
	}
}
