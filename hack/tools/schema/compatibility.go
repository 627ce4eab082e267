package schema

import (
	"cmp"
	"fmt"
	"maps"
	"reflect"
	"slices"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

// Narrowed lists, by path, what a newer schema refuses or changes although the older one accepts it. It
// errs on the safe side: a pattern or rule whose text changed counts as narrower.
func Narrowed(older, newer *apiextensionsv1.JSONSchemaProps) []string {
	var c comparison
	c.schema("", older, newer)
	return c.found
}

type comparison struct{ found []string }

func (c *comparison) report(path, format string, args ...any) {
	c.found = append(c.found, cmp.Or(path, ".")+": "+fmt.Sprintf(format, args...))
}

func (c *comparison) schema(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	c.kind(path, older, newer)
	c.bounds(path, older, newer)
	c.enum(path, older, newer)
	c.rules(path, older, newer)
	c.properties(path, older, newer)
	c.elements(path, older, newer)
}

// kind compares what must be the same on both sides.
func (c *comparison) kind(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	for _, fixed := range []struct {
		name         string
		older, newer any
	}{
		{"type", older.Type, newer.Type},
		{"format", older.Format, newer.Format},
		{"default", raw(older.Default), raw(newer.Default)},
		{"list type", older.XListType, newer.XListType},
		{"list map keys", older.XListMapKeys, newer.XListMapKeys},
		{"map type", older.XMapType, newer.XMapType},
		{"int or string", older.XIntOrString, newer.XIntOrString},
		{"embedded resource", older.XEmbeddedResource, newer.XEmbeddedResource},
		{"allOf", older.AllOf, newer.AllOf},
		{"anyOf", older.AnyOf, newer.AnyOf},
		{"oneOf", older.OneOf, newer.OneOf},
		{"not", older.Not, newer.Not},
	} {
		if !reflect.DeepEqual(fixed.older, fixed.newer) {
			c.report(path, "%s changed", fixed.name)
		}
	}
	if newer.Pattern != "" && newer.Pattern != older.Pattern {
		c.report(path, "pattern added or changed")
	}
	if older.Nullable && !newer.Nullable {
		c.report(path, "null is refused")
	}
	if keeps(older.XPreserveUnknownFields) && !keeps(newer.XPreserveUnknownFields) {
		c.report(path, "unknown fields are dropped")
	}
}

func raw(json *apiextensionsv1.JSON) string {
	if json == nil {
		return ""
	}
	return string(json.Raw)
}

func keeps(flag *bool) bool { return flag != nil && *flag }

func (c *comparison) bounds(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	lower(c, path, "minimum", older.Minimum, newer.Minimum)
	upper(c, path, "maximum", older.Maximum, newer.Maximum)
	lower(c, path, "minLength", older.MinLength, newer.MinLength)
	upper(c, path, "maxLength", older.MaxLength, newer.MaxLength)
	lower(c, path, "minItems", older.MinItems, newer.MinItems)
	upper(c, path, "maxItems", older.MaxItems, newer.MaxItems)
	lower(c, path, "minProperties", older.MinProperties, newer.MinProperties)
	upper(c, path, "maxProperties", older.MaxProperties, newer.MaxProperties)
	if newer.ExclusiveMinimum && !older.ExclusiveMinimum || newer.ExclusiveMaximum && !older.ExclusiveMaximum {
		c.report(path, "a bound became exclusive")
	}
	if newer.UniqueItems && !older.UniqueItems {
		c.report(path, "items must be unique")
	}
	if newer.MultipleOf != nil && !reflect.DeepEqual(older.MultipleOf, newer.MultipleOf) {
		c.report(path, "multipleOf added or changed")
	}
}

func lower[T cmp.Ordered](c *comparison, path, name string, older, newer *T) {
	// A minimal length of 0 says nothing.
	var nothing T
	if newer == nil || name != "minimum" && *newer == nothing {
		return
	}
	if older == nil || *newer > *older {
		c.report(path, "%s rose to %v", name, *newer)
	}
}

func upper[T cmp.Ordered](c *comparison, path, name string, older, newer *T) {
	if newer != nil && (older == nil || *newer < *older) {
		c.report(path, "%s fell to %v", name, *newer)
	}
}

func (c *comparison) enum(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	if len(newer.Enum) == 0 {
		return
	}
	if len(older.Enum) == 0 {
		c.report(path, "enum added")
	}
	for _, value := range older.Enum {
		if !slices.ContainsFunc(newer.Enum, func(v apiextensionsv1.JSON) bool { return raw(&v) == raw(&value) }) {
			c.report(path, "enum value %s removed", raw(&value))
		}
	}
}

func (c *comparison) rules(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	for _, rule := range newer.XValidations {
		if !slices.ContainsFunc(older.XValidations, func(r apiextensionsv1.ValidationRule) bool { return r.Rule == rule.Rule }) {
			c.report(path, "rule added or changed: %s", rule.Rule)
		}
	}
}

func (c *comparison) properties(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	for _, name := range newer.Required {
		// The server fills in defaults before it looks for required fields.
		if property, ok := newer.Properties[name]; ok && property.Default != nil {
			continue
		}
		if !slices.Contains(older.Required, name) {
			c.report(path+"."+name, "became required")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(older.Properties)) {
		was, is := older.Properties[name], newer.Properties[name]
		if _, ok := newer.Properties[name]; !ok {
			c.report(path+"."+name, "removed")
			continue
		}
		c.schema(path+"."+name, &was, &is)
	}
}

// elements compares the items of lists and the values of maps.
func (c *comparison) elements(path string, older, newer *apiextensionsv1.JSONSchemaProps) {
	if older.Items != nil && newer.Items != nil && older.Items.Schema != nil && newer.Items.Schema != nil {
		c.schema(path+"[]", older.Items.Schema, newer.Items.Schema)
	} else if !reflect.DeepEqual(older.Items, newer.Items) {
		c.report(path, "items changed")
	}
	was, is := older.AdditionalProperties, newer.AdditionalProperties
	if was != nil && is != nil && was.Schema != nil && is.Schema != nil {
		c.schema(path+"{}", was.Schema, is.Schema)
	} else if !reflect.DeepEqual(was, is) {
		c.report(path, "additionalProperties changed")
	}
}
