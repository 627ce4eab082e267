package console

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// drawing is what a page shows, read from its elements.
type drawing struct {
	Zones     map[string]zoneDrawn
	Subnets   map[string]subnetDrawn
	Instances map[string]instanceDrawn
	Calls     map[string]callsDrawn
	Legend    map[string]int
}

type zoneDrawn struct{ Subnets, Instances []string }

type subnetDrawn struct {
	Use string
	// Loose are the interfaces that are attached nowhere, with their owners.
	Loose map[string]string
}

type instanceDrawn struct {
	Name, State string
	// Slots are state, interface and owner, by card and index.
	Slots map[string]string
}

type callsDrawn struct{ Total, Throttled, Errors int }

const readPage = `(() => {
	const all = (root, selector, key, value) => Object.fromEntries([...root.querySelectorAll(selector)].map((e) => [key(e), value(e)]));
	const ids = (root, selector, name) => [...root.querySelectorAll(selector)].map((e) => e.dataset[name]).sort();
	return {
		Zones: all(document, "[data-zone].zone", (e) => e.dataset.zone, (e) => ({Subnets: ids(e, "[data-subnet]", "subnet"), Instances: ids(e, "[data-instance]", "instance")})),
		Subnets: all(document, "#map [data-subnet]", (e) => e.dataset.subnet, (e) => ({
			Use: e.dataset.used + "/" + e.dataset.size,
			Loose: all(e, "[data-interface]", (s) => s.dataset.interface, (s) => s.dataset.state + " " + s.dataset.owner),
		})),
		Instances: all(document, "[data-instance]", (e) => e.dataset.instance, (e) => ({
			Name: e.querySelector("b").textContent, State: e.dataset.state,
			Slots: all(e, "[data-slot]", (s) => s.dataset.slot, (s) => [s.dataset.state, s.dataset.interface, s.dataset.owner].join(" ").trim()),
		})),
		Calls: all(document, "tr[data-action]", (e) => e.dataset.action, (e) => ({Total: +e.dataset.total, Throttled: +e.dataset.throttled, Errors: +e.dataset.errors})),
		Legend: all(document, "#legend [data-count]", (e) => e.dataset.count, (e) => +e.dataset.n),
	};
})()`

// shouldShow is what the page has to show of an account, as the simulator tells it.
func shouldShow(a *account, limits map[string]types.NetworkInfo) drawing {
	now := a.sim.Snapshot()
	d := drawing{
		Zones: map[string]zoneDrawn{}, Subnets: map[string]subnetDrawn{}, Instances: map[string]instanceDrawn{},
		Calls: map[string]callsDrawn{}, Legend: map[string]int{"attaching": 0, "attached": 0, "detaching": 0, "available": 0, "empty": 0},
	}
	for _, s := range now.Subnets {
		size := map[string]int{"/21": 2043, "/28": 11}[s.CIDR[len(s.CIDR)-3:]]
		d.Subnets[s.ID] = subnetDrawn{Use: fmt.Sprintf("%d/%d", size-s.FreeAddresses, size), Loose: map[string]string{}}
		z := d.Zones[s.Zone]
		z.Subnets = append(z.Subnets, s.ID)
		d.Zones[s.Zone] = z
	}
	for _, in := range now.Instances {
		d.Instances[in.ID] = instanceDrawn{Name: nameOr(in.Tags, in.ID), State: in.State, Slots: map[string]string{}}
		z := d.Zones[in.Zone]
		z.Instances = append(z.Instances, in.ID)
		d.Zones[in.Zone] = z
	}
	d.interfaces(now)
	d.empties(now, limits)
	for action, codes := range a.sim.Calls() {
		d.Calls[action] = sum(codes)
	}
	return d
}

func nameOr(tags map[string]string, other string) string {
	if tags["Name"] != "" {
		return tags["Name"]
	}
	return other
}

func (d *drawing) interfaces(now ec2sim.Snapshot) {
	for _, e := range now.Interfaces {
		if e.Attachment == nil {
			d.Legend["available"]++
			d.Subnets[e.Subnet].Loose[e.ID] = "available " + owner(e.Tags)
			continue
		}
		a := e.Attachment
		d.Legend[a.Status]++
		key := fmt.Sprintf("%d-%d", a.CardIndex, a.DeviceIndex)
		d.Instances[a.Instance].Slots[key] = strings.TrimSpace(a.Status + " " + e.ID + " " + owner(e.Tags))
	}
}

func owner(tags map[string]string) string {
	for _, key := range []string{"owner", "example.com/owner"} {
		if tags[key] != "" {
			return tags[key]
		}
	}
	return tags["Name"]
}

// empties adds the slots that nobody has: as many as the type takes, at the lowest indexes.
// The one whose interface was detached by force is spoilt.
func (d *drawing) empties(now ec2sim.Snapshot, limits map[string]types.NetworkInfo) {
	for _, in := range now.Instances {
		if in.State == "terminated" {
			continue
		}
		slots := d.Instances[in.ID].Slots
		for _, card := range limits[in.Type].NetworkCards {
			used := 0
			for key := range slots {
				if strings.HasPrefix(key, fmt.Sprintf("%d-", *card.NetworkCardIndex)) {
					used++
				}
			}
			for index := 0; used < int(*card.MaximumNetworkInterfaces); index++ {
				key := fmt.Sprintf("%d-%d", *card.NetworkCardIndex, index)
				if _, taken := slots[key]; taken {
					continue
				}
				slots[key] = "empty"
				if in.ID == instanceID(1) && index == 3 {
					slots[key] = "unusable"
				}
				d.Legend["empty"]++
				used++
			}
		}
	}
}

func sum(codes map[string]int) callsDrawn {
	var out callsDrawn
	for code, n := range codes {
		out.Total += n
		switch code {
		case "OK":
		case "RequestLimitExceeded":
			out.Throttled += n
		default:
			out.Errors += n
		}
	}
	return out
}

// limitsOf asks EC2 how many interfaces the instances take.
func limitsOf(a *account) map[string]types.NetworkInfo {
	a.Helper()
	var names []types.InstanceType
	for _, in := range a.sim.Snapshot().Instances {
		if t := types.InstanceType(in.Type); !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	out, err := a.ec2.DescribeInstanceTypes(a.Context(), &ec2.DescribeInstanceTypesInput{InstanceTypes: names})
	a.must(err)
	limits := map[string]types.NetworkInfo{}
	for _, t := range out.InstanceTypes {
		limits[string(t.InstanceType)] = *t.NetworkInfo
	}
	return limits
}

// agrees waits until a page shows the account as it is.
func (p *page) agrees(a *account, limits map[string]types.NetworkInfo) {
	p.Helper()
	p.until(func() string { return cmp.Diff(shouldShow(a, limits), eval[drawing](p, readPage)) })
}

// TestDrawing holds the page against the account, small and large, at the start and
// after everything has changed.
func TestDrawing(t *testing.T) {
	for _, instances := range []int{6, 500} {
		t.Run(fmt.Sprint(instances), func(t *testing.T) {
			a := serve(t, world(instances))
			limits := limitsOf(a)
			p := visit(t, a.url+"/?utm=1", 1280, 800)
			p.agrees(a, limits)
			d := eval[drawing](p, readPage)
			for state, n := range d.Legend {
				if n == 0 {
					t.Errorf("nothing is %s", state)
				}
			}
			if d.Subnets[full].Use != "11/11" || d.Calls["DescribeSubnets"].Throttled != 3 || d.Calls["DescribeInstances"].Errors != 1 {
				t.Errorf("the account is not as meant: %v, %v", d.Subnets[full], d.Calls)
			}
			p.fits(1280)
			p.picture(fmt.Sprintf("%d", instances))
			for _, e := range a.sim.Snapshot().Interfaces {
				if e.Subnet == full {
					_, err := a.ec2.DeleteNetworkInterface(a.Context(), &ec2.DeleteNetworkInterfaceInput{NetworkInterfaceId: &e.ID})
					a.must(err)
				}
			}
			_, err := a.sim.Launch(ec2sim.Instance{Type: "t3.nano", Subnet: nodesB, State: "pending"})
			a.must(err)
			limits = limitsOf(a)
			p.agrees(a, limits)
		})
	}
}

// fits checks that nothing has to be scrolled for sideways.
func (p *page) fits(width int) {
	p.Helper()
	if got := eval[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth)`); got > width {
		p.Errorf("the page is %d pixels wide in a window of %d", got, width)
	}
	sideways := eval[[]string](p, `[...document.querySelectorAll("main, #map, .zone, .instances, .instance, aside, aside section")].filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.className || e.id || e.tagName)`)
	if len(sideways) > 0 {
		p.Errorf("these overflow sideways: %v", sideways)
	}
}
