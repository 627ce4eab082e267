package ec2sim

import (
	_ "embed"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// instanceType holds the network limits of an instance type, as DescribeInstanceTypes
// serves them.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInfo.html
type instanceType struct {
	name string
	arch string
	// perCard is how many interfaces each of the cards takes.
	perCard, cards int
	ipv4           int
	efas           int
	metal, nitro   bool
}

func (t *instanceType) recordID() string          { return t.name }
func (t *instanceType) facts() []indexKey         { return nil }
func (t *instanceType) tagMap() map[string]string { return nil }

func (t *instanceType) interfaces() int { return t.perCard * t.cards }

//go:embed instancetypes.txt
var instanceTypeTable string

var instanceTypes = readInstanceTypes(instanceTypeTable)

// efaTypes are types of the table that take EFA interfaces, and how many.
var efaTypes = map[string]int{
	"c5n.9xlarge": 1, "c5n.18xlarge": 1, "c5n.metal": 1, "c6gn.16xlarge": 1, "c6i.32xlarge": 1, "c6i.metal": 1,
	"c6a.48xlarge": 1, "c6a.metal": 1, "c6id.32xlarge": 1, "c6in.32xlarge": 2, "c6in.metal": 2, "c7g.16xlarge": 1,
	"c7gn.16xlarge": 1, "c7i.48xlarge": 1, "g4dn.8xlarge": 1, "g4dn.12xlarge": 1, "g5.8xlarge": 1,
	"g5.12xlarge": 1, "g5.16xlarge": 1, "g5.24xlarge": 1, "g5.48xlarge": 1, "g6.48xlarge": 1, "m5n.24xlarge": 1,
	"m5dn.24xlarge": 1, "m6i.32xlarge": 1, "m6in.32xlarge": 2, "m6idn.32xlarge": 2, "m7i.48xlarge": 1,
	"p3dn.24xlarge": 1, "p4d.24xlarge": 4, "p4de.24xlarge": 4, "p5.48xlarge": 32, "p5e.48xlarge": 32,
	"r5n.24xlarge": 1, "r6i.32xlarge": 1, "r6in.32xlarge": 2, "trn1.32xlarge": 8, "trn1n.32xlarge": 16,
}

// readInstanceTypes panics on a malformed table: it is part of the program.
func readInstanceTypes(lines string) *table[*instanceType] {
	out := newTable[*instanceType]()
	for line := range strings.Lines(lines) {
		fields := strings.Fields(line)
		if len(fields) == 0 || fields[0] == "#" {
			continue
		}
		for _, size := range fields[1:] {
			out.add(readInstanceType(fields[0], size))
		}
	}
	return out
}

func readInstanceType(family, field string) *instanceType {
	size, limits, _ := strings.Cut(field, "=")
	limits, cards, several := strings.Cut(limits, "x")
	if !several {
		cards = "1"
	}
	perCard, ipv4, _ := strings.Cut(limits, "/")
	t := &instanceType{
		name: family + "." + size, arch: archOf(family), perCard: count(perCard), cards: count(cards),
		ipv4: count(ipv4), metal: strings.HasPrefix(size, "metal"), nitro: !xenFamilies[family],
	}
	t.efas = efaTypes[t.name]
	return t
}

func count(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("instance type table: %v", err))
	}
	return n
}

var xenFamilies = map[string]bool{"t2": true, "m4": true, "r4": true, "p3": true}

// archOf tells Graviton families by the g that follows the generation.
func archOf(family string) string {
	rest := strings.TrimLeft(strings.TrimLeft(family, "abcdefghijklmnopqrstuvwxyz"), "0123456789")
	if family == "a1" || strings.HasPrefix(rest, "g") {
		return "arm64"
	}
	return "x86_64"
}

// similarTypes helps somebody who mistyped a type.
func similarTypes(name string) string {
	family, _, _ := strings.Cut(name, ".")
	var sizes []string
	for _, t := range instanceTypes.sorted {
		if strings.HasPrefix(t.name, family+".") {
			sizes = append(sizes, t.name)
		}
	}
	if len(sizes) == 0 {
		return "write one like m5.xlarge"
	}
	return "of this family it knows " + strings.Join(sizes, ", ")
}

func instanceTypeMissing(names ...string) error {
	return fail("InvalidInstanceType", "The following supplied instance types do not exist: [%s]", strings.Join(names, ", "))
}

var instanceTypeFilters = silent(filterSet[*instanceType]{
	"bare-metal":         one(func(t *instanceType) string { return strconv.FormatBool(t.metal) }),
	"current-generation": one(func(t *instanceType) string { return strconv.FormatBool(t.nitro) }),
	"hypervisor":         one((*instanceType).hypervisor),
	"instance-type":      one(func(t *instanceType) string { return t.name }),
	"network-info.efa-info.maximum-efa-interfaces": one(func(t *instanceType) string { return strconv.Itoa(t.efas) }),
	"network-info.efa-supported":                   one(func(t *instanceType) string { return strconv.FormatBool(t.efas > 0) }),
	"network-info.ena-support":                     one((*instanceType).enaSupport),
	"network-info.ipv4-addresses-per-interface":    one(func(t *instanceType) string { return strconv.Itoa(t.ipv4) }),
	"network-info.ipv6-addresses-per-interface":    one(func(t *instanceType) string { return strconv.Itoa(t.ipv4) }),
	"network-info.ipv6-supported":                  one(func(*instanceType) string { return "true" }),
	"network-info.maximum-network-cards":           one(func(t *instanceType) string { return strconv.Itoa(t.cards) }),
	"network-info.maximum-network-interfaces":      one(func(t *instanceType) string { return strconv.Itoa(t.interfaces()) }),
	"processor-info.supported-architecture":        one(func(t *instanceType) string { return t.arch }),
	"supported-usage-class": func(_ *instanceType, yield func(string) bool) bool {
		return slices.ContainsFunc([]string{"on-demand", "spot"}, yield)
	},
})

func (t *instanceType) hypervisor() string {
	switch {
	case t.metal:
		return ""
	case t.nitro:
		return "nitro"
	}
	return "xen"
}

func (t *instanceType) enaSupport() string {
	if t.nitro {
		return "required"
	}
	return "supported"
}

func describeInstanceTypes(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*instanceType]{
		table: instanceTypes, missing: instanceTypeMissing, idParam: "InstanceType", idFilter: "instance-type",
		filters: instanceTypeFilters, indexed: noIndex, pages: instanceTypePages, untagged: true,
	}
	found, next, err := list.find(s, c)
	if err != nil {
		return err
	}
	set(w, "instanceTypeSet", found, w.instanceType)
	w.nextToken(next)
	return nil
}

func noIndex(string) bool { return false }

func (w *xmlWriter) instanceType(t *instanceType) {
	w.text("instanceType", t.name)
	w.boolean("currentGeneration", t.nitro)
	w.boolean("bareMetal", t.metal)
	w.optional("hypervisor", t.hypervisor())
	w.in("processorInfo", func() {
		set(w, "supportedArchitectures", []string{t.arch}, w.raw)
	})
	w.in("networkInfo", func() { w.networkInfo(t) })
}

func (w *xmlWriter) networkInfo(t *instanceType) {
	w.number("maximumNetworkInterfaces", t.interfaces())
	w.number("maximumNetworkCards", t.cards)
	w.number("defaultNetworkCardIndex", 0)
	set(w, "networkCards", make([]struct{}, t.cards), w.networkCard(t))
	w.number("ipv4AddressesPerInterface", t.ipv4)
	w.number("ipv6AddressesPerInterface", t.ipv4)
	w.boolean("ipv6Supported", true)
	w.text("enaSupport", t.enaSupport())
	w.boolean("efaSupported", t.efas > 0)
	if t.efas > 0 {
		w.in("efaInfo", func() { w.number("maximumEfaInterfaces", t.efas) })
	}
}

func (w *xmlWriter) networkCard(t *instanceType) func(struct{}) {
	index := 0
	return func(struct{}) {
		w.number("networkCardIndex", index)
		w.number("maximumNetworkInterfaces", t.perCard)
		index++
	}
}

// raw writes a member of a list of plain values.
func (w *xmlWriter) raw(s string) { w.escape(s) }
