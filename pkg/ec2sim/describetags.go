package ec2sim

import (
	"slices"
	"strings"
)

// tagRecord is one tag of one resource, as DescribeTags lists them.
type tagRecord struct{ key, value, resource, kind string }

// recordID sorts tags by resource and key; the separator occurs in neither.
func (t *tagRecord) recordID() string          { return t.resource + "\n" + t.key }
func (t *tagRecord) facts() []indexKey         { return nil }
func (t *tagRecord) tagMap() map[string]string { return map[string]string{t.key: t.value} }

var tagFilters = filterSet[*tagRecord]{
	"key":           one(func(t *tagRecord) string { return t.key }),
	"value":         one(func(t *tagRecord) string { return t.value }),
	"resource-id":   one(func(t *tagRecord) string { return t.resource }),
	"resource-type": one(func(t *tagRecord) string { return t.kind }),
}

// describeTags lists the tags of everything that this call's read path shows.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeTags.html
func describeTags(s *Simulator, c *call, w *xmlWriter) error {
	all := &table[*tagRecord]{sorted: s.allTags(c), byID: map[string]*tagRecord{}}
	list := listing[*tagRecord]{table: all, filters: tagFilters, indexed: noIndex, pages: usualPages}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "tagSet", found, func(t *tagRecord) {
		w.text("resourceId", t.resource)
		w.text("resourceType", t.kind)
		w.text("key", t.key)
		w.text("value", t.value)
	})
	w.nextToken(next)
	return nil
}

func (s *Simulator) allTags(c *call) []*tagRecord {
	var out []*tagRecord
	collect(&out, "network-interface", s.interfaces.sorted, s.unsettledInterfaces(c)(), s.seenInterface(c))
	view := s.viewInstances(c)
	collect(&out, "instance", s.instances.sorted, view.unsettled(), view.seen)
	collect(&out, "subnet", s.subnets.sorted, nil, lagged(s, c, s.unsettled.subnets, (*subnet).recordID))
	collect(&out, "security-group", s.groups.sorted, nil, lagged(s, c, s.unsettled.groups, (*securityGroup).recordID))
	collect(&out, "vpc", s.vpcs.sorted, nil, lagged(s, c, s.unsettled.vpcs, (*vpc).recordID))
	slices.SortFunc(out, func(a, b *tagRecord) int { return strings.Compare(a.recordID(), b.recordID()) })
	return out
}

func collect[T interface {
	record
	tagged
}](out *[]*tagRecord, kind string, there, moving []T, look func(T) (T, bool)) {
	for _, r := range inOrder(slices.Concat(there, moving)) {
		seen, ok := look(r)
		if !ok {
			continue
		}
		for key, v := range seen.tagMap() {
			*out = append(*out, &tagRecord{key, v, seen.recordID(), kind})
		}
	}
}
