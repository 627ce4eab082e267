package ec2sim

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// A check judges one parameter's text.
type check func(param, text string) error

// param declares a parameter of an action; N in its name stands for a list's number.
type param struct {
	name     string
	check    check
	required bool
}

func text(name string) param              { return param{name: name, check: anyText} }
func number(name string) param            { return param{name: name, check: aNumber} }
func boolean(name string) param           { return param{name: name, check: aBoolean} }
func address(name string) param           { return param{name: name, check: anAddress} }
func address6(name string) param          { return param{name: name, check: anAddress6} }
func id(name string, kind *idKind) param  { return param{name: name, check: anID(kind)} }
func (p param) must() param               { p.required = true; return p }
func unsupported(names ...string) []param { return each(names, notImplemented) }

func each(names []string, c check) []param {
	out := make([]param, len(names))
	for i, name := range names {
		out[i] = param{name: name, check: c}
	}
	return out
}

func anyText(string, string) error { return nil }

func aNumber(name, s string) error {
	if n, err := strconv.ParseInt(s, 10, 32); err != nil || n < 0 {
		return badValue(name, s, "Expecting a non-negative whole number.")
	}
	return nil
}

func aBoolean(name, s string) error {
	if s != "true" && s != "false" {
		return badValue(name, s, "Expecting true or false.")
	}
	return nil
}

func anAddress(name, s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is4() {
		return badValue(name, s, "Expecting an IPv4 address.")
	}
	return nil
}

func anAddress6(name, s string) error {
	if a, err := netip.ParseAddr(s); err != nil || !a.Is6() || a.Is4In6() || a.Zone() != "" {
		return badValue(name, s, "Expecting an IPv6 address.")
	}
	return nil
}

// onlyFalse takes the default of what the simulator does not do, and refuses it.
func onlyFalse(name, s string) error {
	if s == "true" {
		return notImplemented(name, s)
	}
	return aBoolean(name, s)
}

func anID(kind *idKind) check {
	return func(_, s string) error { return kind.check(s) }
}

// notImplemented refuses what EC2 knows and the simulator does not do: silence would
// let a client believe that it was done.
func notImplemented(name, _ string) error {
	return fail("UnsupportedOperation", "The parameter %s is not implemented by this simulator", name)
}

// params are an action's parameters by pattern.
type params struct {
	byPattern map[string]param
	required  []string
	// needs tells what lacks beside the parameters that are there; nil is nothing.
	needs func(form *value) error
}

// needing adds what an action requires of lists' members, or of one parameter because of
// another.
func (p params) needing(all ...func(form *value) error) params {
	p.needs = func(form *value) error {
		for _, needs := range all {
			if err := needs(form); err != nil {
				return err
			}
		}
		return nil
	}
	return p
}

func paramsOf(lists ...[]param) params {
	p := params{byPattern: map[string]param{}}
	for _, decl := range slices.Concat(lists...) {
		p.byPattern[decl.name] = decl
		if decl.required {
			p.required = append(p.required, decl.name)
		}
	}
	dry := boolean("DryRun")
	p.byPattern[dry.name] = dry
	return p
}

// pattern replaces list numbers in a parameter's name by N.
func pattern(name string) string {
	if !strings.ContainsAny(name, "0123456789") {
		return name
	}
	parts := strings.Split(name, ".")
	for i, part := range parts {
		if i > 0 && isListNumber(part) {
			parts[i] = "N"
		}
	}
	return strings.Join(parts, ".")
}

func isListNumber(s string) bool {
	return s != "" && s[0] != '0' && len(s) < 7 && strings.Trim(s, "0123456789") == ""
}

// checkParams refuses, in this order, the unknown, the missing and the ill-formed.
func (p params) checkParams(form *value) error {
	names := form.names("")
	for _, name := range names {
		if _, ok := p.byPattern[pattern(name)]; !ok {
			return fail("UnknownParameter", "The parameter %s is not recognized", name)
		}
	}
	for _, name := range p.required {
		// Of a list, one member is enough.
		if name, _, _ := strings.Cut(name, ".N"); !form.has(name) {
			return missing(name)
		}
	}
	if p.needs != nil {
		if err := p.needs(form); err != nil {
			return err
		}
	}
	for _, name := range names {
		if err := p.byPattern[pattern(name)].check(name, form.get(name)); err != nil {
			return err
		}
	}
	return nil
}

// names lists every given parameter, sorted, so that the same request always fails
// for the same reason.
func (v *value) names(prefix string) []string {
	var out []string
	if v.given {
		out = append(out, prefix)
	}
	for name, c := range v.children {
		full := name
		if prefix != "" {
			full = prefix + "." + name
		}
		out = append(out, c.names(full)...)
	}
	slices.Sort(out)
	return out
}
