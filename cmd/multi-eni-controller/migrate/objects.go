package migrate

import (
	"encoding/json"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/migrate"
)

// object is an old object with what becomes of it.
type object struct {
	migrate.Translation
	old *unstructured.Unstructured
	// news are the new objects as they are submitted, the first under the old one's name.
	news []*unstructured.Unstructured
}

// translate translates all, and sees to it that no two claim one name.
func (r *run) translate(olds []*unstructured.Unstructured) ([]object, error) {
	var objects []object
	byName := map[string]*unstructured.Unstructured{}
	for _, old := range olds {
		o := object{Translation: migrate.Translate(old, r.names()), old: old}
		for _, n := range o.New {
			u, err := migrate.Unstructured(n)
			if err != nil {
				return nil, err
			}
			o.news = append(o.news, u)
		}
		if len(o.news) > 0 {
			byName[o.Name] = o.news[0]
		}
		objects = append(objects, o)
	}
	for i := range objects {
		o := &objects[i]
		for _, extra := range o.extras() {
			if other, taken := byName[extra.GetName()]; taken && !sameSpec(other, extra) {
				o.Missing = append(o.Missing, fmt.Sprintf("its %s would need the name %s, which another NodeENI has: rename that one first", text(extra, "subnetID"), extra.GetName()))
			}
			byName[extra.GetName()] = extra
		}
	}
	return objects, nil
}

// extras are the new objects beside the one that takes the old one's place.
func (o *object) extras() []*unstructured.Unstructured {
	if len(o.news) == 0 {
		return nil
	}
	return o.news[1:]
}

// undropped are the fields whose loss nobody has accepted.
func (o *object) undropped(drop []string) (fields []string) {
	for _, l := range o.Lost {
		if !slices.Contains(drop, l.Field) {
			fields = append(fields, l.Field)
		}
	}
	return fields
}

func text(u *unstructured.Unstructured, field string) string {
	s, _, _ := unstructured.NestedString(u.Object, "spec", field)
	return s
}

func spec(u *unstructured.Unstructured) map[string]any {
	s, _ := u.Object["spec"].(map[string]any)
	return s
}

func sameSpec(a, b *unstructured.Unstructured) bool { return same(a.Object["spec"], b.Object["spec"]) }

// same compares as JSON: of two equal numbers one may have been read as an integer.
func same(a, b any) bool {
	x, errX := json.Marshal(a)
	y, errY := json.Marshal(b)
	return errX == nil && errY == nil && string(x) == string(y)
}
