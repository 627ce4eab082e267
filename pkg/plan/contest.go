package plan

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
	"unique"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// Field is what something else may keep changing back: a setting of a wanted interface, its attachment, its being
// there at all.
type Field string

// The fields, beside one for each tag.
const (
	FieldExistence           Field = "existence"
	FieldAttachment          Field = "attachment"
	FieldSecurityGroups      Field = "security groups"
	FieldDescription         Field = "description"
	FieldDeleteOnTermination Field = "delete-on-termination"
	tagField                       = "tag "
	fieldOwner               Field = tagField + eni.TagNodeENIUID
)

// Contest is a field that was put right again and again to the same value.
type Contest struct {
	// Wanted and Found are what it was last changed to and from.
	Wanted, Found string
	// Next is before when it is not put right again. Over is from when on the fight counts as ended if the field is as
	// wanted.
	Next, Over time.Time
}

// Correction is one field that an action puts right.
type Correction struct {
	Field         Field
	Wanted, Found string
}

// noValue stands for a tag that is not there.
const noValue = "none"

// Corrections are the fields that the action, which changes settings, puts right, and how the interface had them.
func (a Action) Corrections(iface eni.Interface) []Correction {
	switch a.Kind {
	case SetSecurityGroups:
		return []Correction{{FieldSecurityGroups, listOf(a.SecurityGroupIDs), listOf(iface.SecurityGroupIDs)}}
	case SetDescription:
		return []Correction{{FieldDescription, quoted(a.Description), quoted(iface.Description)}}
	case SetDeleteOnTermination:
		return []Correction{{FieldDeleteOnTermination, flagOf(a.DeleteOnTermination, a.AttachmentID), strconv.FormatBool(!a.DeleteOnTermination)}}
	}
	var corrections []Correction
	for _, key := range slices.Concat(slices.Sorted(maps.Keys(a.Tags)), a.TagKeys) {
		corrections = append(corrections, Correction{tagField + Field(key), valueOf(a.Tags, key), valueOf(iface.Tags, key)})
	}
	return corrections
}

func listOf(values []string) string { return strings.Join(values, ", ") }

func quoted(value string) string { return fmt.Sprintf("%q", value) }

// flagOf is the flag's value; a new attachment has not been fought over yet.
func flagOf(value bool, attachmentID string) string {
	return fmt.Sprintf("%v for %s", value, attachmentID)
}

func valueOf(tags map[string]string, key string) string {
	if value, ok := tags[key]; ok {
		return quoted(value)
	}
	return noValue
}

// ExistenceOf and AttachmentOf are the wanted values of the fields that no change of a setting puts right.
func ExistenceOf(subnetID string) string {
	return unique.Make("an interface in " + subnetID).Value() // kept for each interface, of few subnets
}

// AttachmentOf is the wanted value of FieldAttachment.
func AttachmentOf(slot eni.Slot) string {
	return fmt.Sprintf("attached at device index %d", slot.Index)
}

// wantedValue is how the spec wants the field now.
func (p *placer) wantedValue(f Field) string {
	switch f {
	case FieldExistence:
		return ExistenceOf(p.n.Spec.SubnetID)
	case FieldAttachment:
		return AttachmentOf(p.slot)
	case FieldSecurityGroups:
		return listOf(wantedGroups(p.n))
	case FieldDescription:
		return quoted(wantedDescription(p.n))
	case FieldDeleteOnTermination:
		if a := p.keepers[p.key(p.n)]; a.ObservedInterface != nil && a.Attachment != nil {
			return flagOf(wantedDeleteOnTermination(p.n), a.Attachment.ID)
		}
		return ""
	}
	return valueOf(p.wantedTags(), strings.TrimPrefix(string(f), tagField))
}

// contest is the fight over a field, if there is one: an edit of the spec ends it.
func (p *placer) contest(f Field) (Contest, bool) {
	c, ok := p.Contests[p.key(p.n)][f]
	return c, ok && c.Wanted == p.wantedValue(f)
}

// heldBack reports whether a field is left as it is for a while, because something else would change it again.
func (p *placer) heldBack(f Field) bool {
	c, ok := p.contest(f)
	if !ok || !p.Now.Before(c.Next) {
		return false
	}
	p.result.again(c.Next)
	return true
}

// uncontested are the changes of settings without those that are held back.
func (p *placer) uncontested(drift []Action) []Action {
	var left []Action
	for _, a := range drift {
		switch a.Kind {
		case SetSecurityGroups, SetDescription, SetDeleteOnTermination:
			if p.heldBack(a.Corrections(eni.Interface{})[0].Field) {
				continue
			}
		case PutTags:
			a.Tags = maps.Clone(a.Tags)
			maps.DeleteFunc(a.Tags, func(key, _ string) bool { return p.heldBack(tagField + Field(key)) })
			if len(a.Tags) == 0 {
				continue
			}
		case RemoveTags:
			a.TagKeys = slices.DeleteFunc(slices.Clone(a.TagKeys), func(key string) bool { return p.heldBack(tagField + Field(key)) })
			if len(a.TagKeys) == 0 {
				continue
			}
		}
		left = append(left, a)
	}
	return left
}

// fight says which fields of the interface are fought over: those in question now, and those that were until lately.
// id is the interface; drift are the changes that it needs.
func (p *placer) fight(id string, drift []Action, asked ...Field) (verdict, bool) {
	contests := p.Contests[p.key(p.n)]
	if len(contests) == 0 {
		return verdict{}, false // as nearly always
	}
	inQuestion := map[Field]bool{}
	for _, f := range asked {
		inQuestion[f] = true
	}
	for _, a := range drift {
		for _, c := range a.Corrections(eni.Interface{}) {
			inQuestion[c.Field] = true
		}
	}
	var v verdict
	var messages []string
	for _, f := range slices.Sorted(maps.Keys(contests)) {
		c, ok := p.contest(f)
		switch {
		case !ok:
			continue
		case inQuestion[f]:
		case p.Now.Before(c.Over):
			p.result.again(c.Over)
		default:
			continue
		}
		reason, message := f.explain(id, c)
		v.reason = max(v.reason, reason) // the settings before the attachment, whatever the order
		messages = append(messages, message)
	}
	v.message = strings.Join(messages, "; ")
	return v, len(messages) > 0
}

// orFight is the verdict, or the fight where the verdict gives no reason: then it is part of the fight.
func (p *placer) orFight(v verdict, id string, asked ...Field) verdict {
	if fight, fought := p.fight(id, nil, asked...); fought && v.reason == "" {
		return fight
	}
	return v
}

// explain says what happens to the field, and where to look for who does it.
func (f Field) explain(id string, c Contest) (reason, message string) {
	const where = "find in CloudTrail who calls %s on it, and stop that; until then it is put right less and less often"
	switch {
	case f == FieldExistence:
		return v1alpha1.ReasonAttachmentContested, fmt.Sprintf("something else keeps deleting the interface (the last one was %s); "+where, c.Found, "DeleteNetworkInterface")
	case f == FieldAttachment:
		return v1alpha1.ReasonAttachmentContested, fmt.Sprintf("something else keeps detaching %s; "+where, id, "DetachNetworkInterface")
	case strings.HasPrefix(string(f), tagField):
		return v1alpha1.ReasonSettingsContested, fmt.Sprintf("something else keeps changing the %s of %s: found %s, want %s; "+where, f, id, c.Found, c.Wanted, "CreateTags or DeleteTags")
	}
	return v1alpha1.ReasonSettingsContested, fmt.Sprintf("something else keeps changing the %s of %s: found %s, want %s; "+where, f, id, c.Found, c.Wanted, "ModifyNetworkInterfaceAttribute")
}
