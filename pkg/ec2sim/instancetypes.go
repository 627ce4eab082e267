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
	ipv4, ipv6     int
	efas           int
	// srd is ENA Express; queues are flexible ENA queues, with which each card takes
	// more interfaces.
	srd, queues  bool
	more         int
	cpus, mib    int
	metal, nitro bool
	current      bool
}

func (t *instanceType) recordID() string          { return t.name }
func (t *instanceType) facts() []indexKey         { return nil }
func (t *instanceType) tagMap() map[string]string { return nil }

func (t *instanceType) interfaces() int { return t.perCard * t.cards }

//go:embed instancetypes.txt
var instanceTypeTable string

var instanceTypes = readInstanceTypes(instanceTypeTable)

// addressLimit is how many addresses an interface can have.
type addressLimit struct{ ipv4, ipv6 int }

// mostAddresses is what the type that takes most of them takes.
var mostAddresses = func() (most addressLimit) {
	for _, t := range instanceTypes.sorted {
		most = addressLimit{max(most.ipv4, t.ipv4), max(most.ipv6, t.ipv6)}
	}
	return most
}()

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
	options := strings.Split(limits, ",")
	limits, cards, several := strings.Cut(options[0], "x")
	if !several {
		cards = "1"
	}
	perCard, ipv4, _ := strings.Cut(limits, "/")
	t := &instanceType{
		name: family + "." + size, arch: archOf(family), perCard: count(perCard), cards: count(cards), ipv4: count(ipv4),
		ipv6: count(ipv4), metal: strings.HasPrefix(size, "metal"), nitro: !xenFamilies[family], current: !previousFamilies[family],
	}
	for _, option := range options[1:] {
		t.read(option)
	}
	return t
}

// read takes one of the options that follow a type's limits.
func (t *instanceType) read(option string) {
	name := strings.TrimRight(option, "0123456789")
	switch n := option[len(name):]; name {
	case "no":
		t.ipv6 = 0
	case "efa":
		t.efas = count(n)
	case "srd":
		t.srd = true
	case "queues":
		t.queues, t.more = true, count(n)
	case "cpu":
		t.cpus = count(n)
	case "mib":
		t.mib = count(n)
	default:
		panic("instance type table: unknown option " + option)
	}
}

func count(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(fmt.Sprintf("instance type table: %v", err))
	}
	return n
}

func setOf(names string) map[string]bool {
	out := map[string]bool{}
	for name := range strings.FieldsSeq(names) {
		out[name] = true
	}
	return out
}

var (
	xenFamilies = setOf("c1 c3 c4 d2 h1 i2 i3 m1 m2 m3 m4 p3 r3 r4 t1 t2 x1 x1e")
	// withoutENA have no enhanced networking, or not on all sizes.
	withoutENA       = setOf("c1 c3 c4 d2 i2 m1 m2 m3 r3 t1 t2")
	previousFamilies = setOf("a1 c1 c3 c4 c5 c6gn d2 g5 i2 m1 m2 m3 m4 m5 m6i p3 r3 r4 r5 r6i t1")
)

// archOf tells Graviton families by the g that follows the generation.
func archOf(family string) string {
	rest := strings.TrimLeft(strings.TrimLeft(family, "abcdefghijklmnopqrstuvwxyz"), "0123456789")
	switch {
	case family == "mac1":
		return "x86_64_mac"
	case strings.HasPrefix(family, "mac"):
		return "arm64_mac"
	}
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

// instanceTypeFilters are all that EC2 documents.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
var instanceTypeFilters = silent(filterSet[*instanceType]{
	"bare-metal":              one(func(t *instanceType) string { return strconv.FormatBool(t.metal) }),
	"current-generation":      one(func(t *instanceType) string { return strconv.FormatBool(t.current) }),
	"hypervisor":              oneIf((*instanceType).hypervisor),
	"instance-type":           one(func(t *instanceType) string { return t.name }),
	"memory-info.size-in-mib": one(func(t *instanceType) string { return strconv.Itoa(t.mib) }),
	"network-info.efa-info.maximum-efa-interfaces": one(func(t *instanceType) string { return strconv.Itoa(t.efas) }),
	"network-info.efa-supported":                   one(func(t *instanceType) string { return strconv.FormatBool(t.efas > 0) }),
	"network-info.ena-support":                     one((*instanceType).enaSupport),
	"network-info.flexible-ena-queues-support":     one((*instanceType).flexibleQueues),
	"network-info.ipv4-addresses-per-interface":    one(func(t *instanceType) string { return strconv.Itoa(t.ipv4) }),
	"network-info.ipv6-addresses-per-interface":    one(func(t *instanceType) string { return strconv.Itoa(t.ipv6) }),
	"network-info.ipv6-supported":                  one(func(t *instanceType) string { return strconv.FormatBool(t.ipv6 > 0) }),
	"network-info.maximum-network-cards":           one(func(t *instanceType) string { return strconv.Itoa(t.cards) }),
	"network-info.maximum-network-interfaces":      one(func(t *instanceType) string { return strconv.Itoa(t.interfaces()) }),
	"processor-info.supported-architecture":        one(func(t *instanceType) string { return t.arch }),
	"supported-root-device-type":                   always[*instanceType]("ebs"),
	"supported-usage-class": func(_ *instanceType, yield func(string) bool) bool {
		return slices.ContainsFunc([]string{"on-demand", "spot"}, yield)
	},
	"supported-virtualization-type": always[*instanceType]("hvm"),
	"vcpu-info.default-vcpus":       one(func(t *instanceType) string { return strconv.Itoa(t.cpus) }),
}, "auto-recovery-supported", "burstable-performance-supported", "dedicated-hosts-supported", "ebs-info.attachment-limit-type",
	"ebs-info.ebs-optimized-info.baseline-bandwidth-in-mbps", "ebs-info.ebs-optimized-info.baseline-iops",
	"ebs-info.ebs-optimized-info.baseline-throughput-in-mbps", "ebs-info.ebs-optimized-info.maximum-bandwidth-in-mbps",
	"ebs-info.ebs-optimized-info.maximum-iops", "ebs-info.ebs-optimized-info.maximum-throughput-in-mbps", "ebs-info.ebs-optimized-support",
	"ebs-info.encryption-support", "ebs-info.maximum-ebs-attachments", "ebs-info.nvme-support", "free-tier-eligible", "hibernation-supported",
	"instance-storage-info.disk.count", "instance-storage-info.disk.size-in-gb", "instance-storage-info.disk.type",
	"instance-storage-info.encryption-support", "instance-storage-info.nvme-support", "instance-storage-info.total-size-in-gb",
	"instance-storage-supported", "network-info.bandwidth-weightings", "network-info.encryption-in-transit-supported",
	"network-info.network-performance", "nitro-enclaves-support", "nitro-tpm-info.supported-versions", "nitro-tpm-support",
	"processor-info.supported-features", "processor-info.sustained-clock-speed-in-ghz", "reboot-migration-support", "supported-boot-mode",
	"vcpu-info.default-cores", "vcpu-info.default-threads-per-core", "vcpu-info.valid-cores", "vcpu-info.valid-threads-per-core")

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
	family, _, _ := strings.Cut(t.name, ".")
	switch {
	case t.nitro || t.metal:
		return "required"
	case withoutENA[family]:
		return "unsupported"
	}
	return "supported"
}

func (t *instanceType) interfaceTypes() []string {
	if t.efas > 0 {
		return []string{"interface", "efa", "efa-only"}
	}
	return []string{"interface"}
}

func (t *instanceType) flexibleQueues() string {
	if t.queues {
		return "supported"
	}
	return "unsupported"
}

func describeInstanceTypes(s *Simulator, c *call, w *xmlWriter) error {
	list := listing[*instanceType]{
		table: instanceTypes, missing: instanceTypeMissing, idParam: "InstanceType", idFilter: "instance-type",
		filters: instanceTypeFilters, indexed: noIndex, pages: instanceTypePages,
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
	w.boolean("currentGeneration", t.current)
	w.boolean("bareMetal", t.metal)
	w.optional("hypervisor", t.hypervisor())
	w.in("processorInfo", func() {
		set(w, "supportedArchitectures", []string{t.arch}, w.raw)
	})
	w.in("vCpuInfo", func() { w.number("defaultVCpus", t.cpus) })
	w.in("memoryInfo", func() { w.number("sizeInMiB", t.mib) })
	set(w, "supportedUsageClasses", []string{"on-demand", "spot"}, w.raw)
	set(w, "supportedRootDeviceTypes", []string{"ebs"}, w.raw)
	set(w, "supportedVirtualizationTypes", []string{"hvm"}, w.raw)
	w.in("networkInfo", func() { w.networkInfo(t) })
}

func (w *xmlWriter) networkInfo(t *instanceType) {
	w.number("maximumNetworkInterfaces", t.interfaces())
	w.number("maximumNetworkCards", t.cards)
	w.number("defaultNetworkCardIndex", 0)
	set(w, "networkCards", make([]struct{}, t.cards), w.networkCard(t))
	w.number("ipv4AddressesPerInterface", t.ipv4)
	w.number("ipv6AddressesPerInterface", t.ipv6)
	w.boolean("ipv6Supported", t.ipv6 > 0)
	w.text("enaSupport", t.enaSupport())
	w.boolean("enaSrdSupported", t.srd)
	w.text("flexibleEnaQueuesSupport", t.flexibleQueues())
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
		set(w, "interfaceTypeSet", t.interfaceTypes(), w.raw)
		if t.queues {
			w.number("additionalFlexibleNetworkInterfaces", t.more)
		}
		index++
	}
}

// raw writes a member of a list of plain values.
func (w *xmlWriter) raw(s string) { w.escape(s) }
