package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// reservedTagPrefixes are those of the controller itself, AWS, EKS, Kubernetes and the VPC CNI.
var reservedTagPrefixes = []string{eni.TagPrefix, "aws:", "eks:", "kubernetes.io/", "node.k8s.amazonaws.com/"}

// The fields of a spec. Every plan validates, and hardly ever is there anything to be said of them.
var (
	specPath        = field.NewPath("spec")
	selectorPath    = specPath.Child("nodeSelector")
	subnetPath      = specPath.Child("subnetID")
	groupsPath      = specPath.Child("securityGroupIDs")
	deviceIndexPath = specPath.Child("deviceIndex")
	descriptionPath = specPath.Child("description")
	tagsPath        = specPath.Child("tags")
)

const (
	maxSelector    = 64
	maxGroups      = 16
	maxDeviceIndex = 99
	maxDescription = 255
	maxTags        = 35
	maxTagKey      = 128
	maxTagValue    = 256
)

// Validate checks a stored NodeENI by the rules of the CRD: it may be older than they are.
func Validate(n *v1alpha1.NodeENI) field.ErrorList {
	spec := &n.Spec
	var errs field.ErrorList
	errs = append(errs, validateSelector(spec.NodeSelector, selectorPath)...)
	if !isID(spec.SubnetID, "subnet-") {
		errs = append(errs, field.Invalid(subnetPath, spec.SubnetID, "must be 'subnet-' followed by 8 to 17 lower-case hex digits"))
	}
	errs = append(errs, validateGroups(spec.SecurityGroupIDs, groupsPath)...)
	if spec.DeviceIndex < 1 || spec.DeviceIndex > maxDeviceIndex {
		errs = append(errs, field.Invalid(deviceIndexPath, spec.DeviceIndex, fmt.Sprintf("must be 1 to %d", maxDeviceIndex)))
	}
	if utf8.RuneCountInString(wantedDescription(n)) > maxDescription {
		errs = append(errs, field.TooLong(descriptionPath, *spec.Description, maxDescription))
	}
	if !writable(wantedDescription(n)) {
		errs = append(errs, field.Invalid(descriptionPath, *spec.Description, unwritable))
	}
	return append(errs, validateTags(spec.Tags, tagsPath)...)
}

// validateSelector refuses, beside an empty selector, labels that no Node can bear: such a selector would
// select nothing, forever and without a word.
func validateSelector(selector map[string]string, path *field.Path) (errs field.ErrorList) {
	if len(selector) == 0 {
		errs = append(errs, field.Required(path, "give at least one label"))
	}
	if len(selector) > maxSelector {
		errs = append(errs, field.TooMany(path, len(selector), maxSelector))
	}
	for _, key := range slices.Sorted(maps.Keys(selector)) {
		if faults := validation.IsQualifiedName(key); len(faults) > 0 {
			errs = append(errs, field.Invalid(path.Key(key), key, "must be a label key: "+strings.Join(faults, "; ")))
		}
		if faults := validation.IsValidLabelValue(selector[key]); len(faults) > 0 {
			errs = append(errs, field.Invalid(path.Key(key), selector[key], strings.Join(faults, "; ")))
		}
	}
	return errs
}

func validateGroups(groups []string, path *field.Path) (errs field.ErrorList) {
	if len(groups) == 0 {
		errs = append(errs, field.Required(path, "give at least one security group"))
	}
	if len(groups) > maxGroups {
		errs = append(errs, field.TooMany(path, len(groups), maxGroups))
	}
	for i, group := range groups {
		if !isID(group, "sg-") {
			errs = append(errs, field.Invalid(path.Index(i), group, "must be 'sg-' followed by 8 to 17 lower-case hex digits"))
		}
		if slices.Contains(groups[:i], group) {
			errs = append(errs, field.Duplicate(path.Index(i), group))
		}
	}
	return errs
}

func validateTags(tags map[string]string, path *field.Path) (errs field.ErrorList) {
	if len(tags) > maxTags {
		errs = append(errs, field.TooMany(path, len(tags), maxTags))
	}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		switch {
		case key == "" || utf8.RuneCountInString(key) > maxTagKey:
			errs = append(errs, field.Invalid(path.Key(key), key, fmt.Sprintf("a tag key must have 1 to %d characters", maxTagKey)))
		case reservedTagKey(key):
			errs = append(errs, field.Invalid(path.Key(key), key, "has a reserved prefix ("+strings.Join(reservedTagPrefixes, ", ")+"); choose another key"))
		case utf8.RuneCountInString(tags[key]) > maxTagValue:
			errs = append(errs, field.TooLong(path.Key(key), tags[key], maxTagValue))
		case !writable(key) || !writable(tags[key]):
			errs = append(errs, field.Invalid(path.Key(key), tags[key], unwritable))
		}
	}
	return errs
}

const unwritable = "must hold no control characters but tab and line feed"

// writable reports whether a text comes back from EC2, whose answers are XML, as it was sent. Another would be put right
// for ever, or keep the answer from being read at all.
// Source: https://www.w3.org/TR/xml/ (2.2 Characters, 2.11 End-of-Line Handling)
func writable(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool {
		return r < ' ' && r != '\t' && r != '\n' || r == 0xfffe || r == 0xffff
	})
}

// reservedTagKey takes the prefix of AWS in any case, as EC2 does.
func reservedTagKey(key string) bool {
	return strings.HasPrefix(strings.ToLower(key), "aws:") || slices.ContainsFunc(reservedTagPrefixes, func(prefix string) bool { return strings.HasPrefix(key, prefix) })
}

// ClientToken names one create for good, 64 characters long: the same create tried again gives the same
// token, and the term of the leader that makes it and n tell apart those that must not be the same.
// Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func ClientToken(clusterID, nodeENIUID, instanceID string, slot eni.Slot, term int64, n int) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\x00%s\x00%s\x00%s\x00%d\x00%d", clusterID, nodeENIUID, instanceID, slot, term, n))
	return hex.EncodeToString(sum[:])
}
