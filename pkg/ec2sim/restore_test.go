package ec2sim

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"testing"
	"time"
)

// ask posts a form, signed as the controller of guarded worlds or as anybody, and tells
// all of the answer.
func ask(t *testing.T, s *Simulator, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://ec2.test/", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", strings.Replace(signed, "AKID/", "AKIDTEST/", 1))
	resp, err := s.Transport().RoundTrip(r)
	if err != nil {
		return err.Error()
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(resp.StatusCode, resp.Header, string(data))
}

// traveller makes up calls about whatever there is.
type traveller struct {
	r   *rand.Rand
	sim *Simulator
}

func (v traveller) pick(list []string) string {
	if len(list) == 0 {
		return nobody
	}
	return list[v.r.IntN(len(list))]
}

func (v traveller) call(n int) string {
	now := v.sim.Snapshot()
	var interfaces, attachments, instances []string
	for _, e := range now.Interfaces {
		interfaces = append(interfaces, e.ID)
		if e.Attachment != nil {
			attachments = append(attachments, e.Attachment.ID)
		}
	}
	for _, in := range now.Instances {
		instances = append(instances, in.ID)
	}
	eni, att, in := v.pick(interfaces), v.pick(attachments), v.pick(instances)
	return v.pick([]string{
		"Action=CreateNetworkInterface&SubnetId=" + v.pick([]string{subnetA, subnetB, tiny}) + fmt.Sprintf("&ClientToken=t%d", v.r.IntN(40)),
		"Action=CreateNetworkInterface&SubnetId=" + subnetA + "&SecondaryPrivateIpAddressCount=3&Ipv6AddressCount=2&TagSpecification.1.ResourceType=network-interface&TagSpecification.1.Tag.1.Key=a",
		"Action=CreateNetworkInterface&SubnetId=" + subnetA + "&Ipv4PrefixCount=1&Ipv6PrefixCount=1",
		"Action=CreateNetworkInterface&InterfaceType=efa-only&SubnetId=" + subnetA,
		fmt.Sprintf("Action=AttachNetworkInterface&NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=%d", eni, in, v.r.IntN(4)),
		fmt.Sprintf("Action=AttachNetworkInterface&NetworkInterfaceId=%s&InstanceId=%s&DeviceIndex=%d", eni, big, v.r.IntN(9)),
		fmt.Sprintf("Action=DetachNetworkInterface&AttachmentId=%s&Force=%t", att, v.r.IntN(2) == 0),
		"Action=DeleteNetworkInterface&NetworkInterfaceId=" + eni,
		"Action=ModifyNetworkInterfaceAttribute&NetworkInterfaceId=" + eni + "&ConnectionTrackingSpecification.UdpTimeout=40",
		"Action=CreateTags&ResourceId.1=" + v.pick([]string{eni, in, subnetA, workers, "vpc-1"}) + fmt.Sprintf("&Tag.1.Key=k&Tag.1.Value=%d", n),
		"Action=RunInstances&ImageId=ami-12345678&MinCount=1&MaxCount=2&InstanceType=m5.xlarge&SubnetId=" + subnetA,
		"Action=StopInstances&InstanceId.1=" + in,
		"Action=StartInstances&InstanceId.1=" + in,
		"Action=TerminateInstances&InstanceId.1=" + v.pick([]string{in, nobody, nobody, nobody}),
		"Action=DescribeNetworkInterfaces&MaxResults=5&Filter.1.Name=tag:a&Filter.1.Value.1=*",
		"Action=DescribeNetworkInterfaces",
		"Action=DescribeInstances&Filter.1.Name=network-interface.status&Filter.1.Value.1=in-use",
		"Action=DescribeSubnets", "Action=DescribeTags", "Action=DescribeVpcs", "Action=DescribeSecurityGroups&MaxResults=5",
	})
}

// eventful is a world in which everything is going on that a snapshot must hold.
func eventful(w *World) {
	lagging(w)
	dual(w)
	foreignInterfaces(w)
	guarded(w)
	w.Latency = Latency{Attach: Spread(time.Second, 9*time.Second, 20*time.Second), Detach: Spread(time.Second, 20*time.Second, 0), Call: Exactly(50 * time.Millisecond), Terminate: Exactly(9 * time.Second)}
	w.Quotas = Quotas{Background: 0.1, Actions: map[string]Bucket{"CreateNetworkInterface": {30, 1}}, InterfacesPerRegion: 120}
	w.Faults = []Fault{{Share: 0.05, Effect: effectError}, {Action: "Attach*", Every: 7, Effect: effectStuckAttaching}, {Action: "Delete*", Every: 5, Times: 9, Effect: effectCutAfter}}
	w.Variants.TokenLife = Spread(time.Minute, 2*time.Minute, 3*time.Minute)
}

// TestRestore saves in the middle of a long story, restores into another simulator with
// another clock, and goes on in both: every answer is the same to the byte.
func TestRestore(t *testing.T) {
	t.Parallel()
	held := map[string]int{}
	for seed := range uint64(4) {
		l := newLab(t, eventful)
		v := traveller{rand.New(rand.NewPCG(seed, 1)), l.sim}
		step := func(n int, sims ...*Simulator) {
			body := v.call(n)
			pause := time.Duration(v.r.IntN(1500)) * time.Millisecond
			var first string
			for i, s := range sims {
				s.Advance(pause)
				got := ask(t, s, body)
				if i == 0 {
					first = got
				} else if got != first {
					t.Fatalf("seed %d, call %d, %s:\n%s\n%s", seed, n, body, first, got)
				}
			}
		}
		for n := range 400 {
			step(n, l.sim)
		}
		status, saved := l.control("GET", "world", "")
		if status != 200 {
			t.Fatalf("GET world: %d %s", status, saved)
		}
		st := l.sim.Save().State
		for what, n := range map[string]int{
			"events": len(st.Events), "tokens": len(st.Tokens), "buckets": len(st.Buckets), "faults": len(st.Faults),
			"unsettled interfaces": len(st.UnsettledInterfaces), "unsettled instances": len(st.UnsettledInstances), "unsettled subnets": len(st.UnsettledSubnets),
		} {
			held[what] += n
		}
		other := &lab{T: t}
		var err error
		if other.sim, err = New(World{}, Options{Clock: NewVirtualClock(time.Unix(0, 0)), Seed: 99}); err != nil {
			t.Fatal(err)
		}
		if status, answer := other.control("PUT", "world", saved); status != 200 {
			t.Fatalf("PUT world: %d %s", status, answer)
		}
		checkInvariants(t, other.sim)
		for n := range 40 {
			body := []string{"Action=DescribeNetworkInterfaces&Filter.1.Name=status&Filter.1.Value.1=*", "Action=DescribeInstances", "Action=DescribeSubnets", "Action=DescribeTags"}[n%4]
			if a, b := ask(t, l.sim, body), ask(t, other.sim, body); a != b {
				t.Fatalf("seed %d, right after the restore, %s:\n%s\n%s", seed, body, a, b)
			}
		}
		for n := range 400 {
			step(400+n, l.sim, other.sim)
		}
		checkInvariants(t, other.sim)
		_, here := l.control("GET", "world", "")
		if _, there := other.control("GET", "world", ""); here != there {
			t.Errorf("seed %d: in the end the two worlds differ", seed)
		}
	}
	for what, n := range held {
		if n == 0 {
			t.Errorf("none of the stories had any %s to save", what)
		}
	}
}

// TestRestoreGoesBack: what happened after a snapshot has not happened any more.
func TestRestoreGoesBack(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.create(subnetA)
	l.attach(l.eni, node, 0, 1)
	kept, saved := l.eni, l.sim.Save()
	at := l.sim.Now()
	l.settle()
	l.create(subnetA)
	l.terminate(node)
	l.settle()
	if err := l.sim.Restore(saved); err != nil {
		t.Fatal(err)
	}
	l.want("the interface made later", l.state(l.eni), "gone")
	l.want("the interface made before", l.state(kept), "in-use/attaching")
	if got := l.sim.Now(); !got.Equal(at) {
		t.Errorf("it is %s again, not %s", got, at)
	}
	l.settle()
	l.want("the attach goes on", l.state(kept), "in-use/attached")
}

func TestRestoreRefused(t *testing.T) {
	t.Parallel()
	l := newLab(t)
	l.attached(node, 1)
	_, good := l.control("GET", "world", "")
	change := func(f func(*Snapshot)) string {
		var s Snapshot
		l.must(json.Unmarshal([]byte(good), &s))
		f(&s)
		out, err := json.Marshal(s)
		l.must(err)
		return string(out)
	}
	for name, body := range map[string]string{
		"nothing":                "",
		"no JSON":                "world",
		"an unknown key":         `{"colour": "red"}`,
		"without its state":      change(func(s *Snapshot) { s.State = nil }),
		"a readable part edited": change(func(s *Snapshot) { s.Interfaces[0].Description = "edited" }),
		"an unknown subnet":      change(func(s *Snapshot) { s.State.Interfaces[0].Subnet = "subnet-0fffffffffffffff0" }),
		"an unknown type":        change(func(s *Snapshot) { s.State.Instances[0].Type = "z9.huge" }),
		"an unknown state":       change(func(s *Snapshot) { s.State.Instances[0].State = "asleep" }),
		"an unknown group":       change(func(s *Snapshot) { s.State.Interfaces[0].Groups = []string{"sg-0fffffffffffffff0"} }),
		"an address twice":       change(func(s *Snapshot) { s.State.Interfaces[0].Addresses = s.State.Interfaces[1].Addresses }),
		"a primary without address": change(func(s *Snapshot) {
			for i := range s.State.Interfaces {
				if a := s.State.Interfaces[i].Attachment; a != nil && a.savedSlot == (savedSlot{}) {
					s.State.Interfaces[i].Kind, s.State.Interfaces[i].Addresses = efaOnly, nil
				}
			}
		}),
		"no address":               change(func(s *Snapshot) { s.State.Interfaces[0].Addresses = nil }),
		"an address of elsewhere":  change(func(s *Snapshot) { s.State.Interfaces[0].Subnet = subnetB }),
		"a free list out of range": change(func(s *Snapshot) { s.State.Subnets[0].Moved = [][2]int32{{0, 1 << 20}} }),
		"a free list with doubles": change(func(s *Snapshot) { s.State.Subnets[0].Moved = [][2]int32{{0, 9}, {1, 9}} }),
		"no randomness":            change(func(s *Snapshot) { s.State.Random = nil }),
		"no page key":              change(func(s *Snapshot) { s.State.PageKey = nil }),
		"a fault that is none":     change(func(s *Snapshot) { s.State.Faults = []*faultRule{{Fault: Fault{Effect: "boom"}}} }),
		"a history of nobody":      change(func(s *Snapshot) { s.State.UnsettledVPCs = map[string]savedHistory[savedPicture]{"vpc-9": {}} }),
	} {
		status, answer := l.control("PUT", "world", body)
		if status != 400 {
			t.Errorf("%s is answered with %d %s", name, status, answer)
		}
		if _, still := l.control("GET", "world", ""); still != good {
			t.Fatalf("%s has changed the world", name)
		}
	}
	if status, answer := l.control("PUT", "world", good); status != 200 {
		t.Errorf("the snapshot itself: %d %s", status, answer)
	}
}

// TestRestoreOfTheDead: what is gone but not for everybody, and what failed, is restored
// as such.
func TestRestoreOfTheDead(t *testing.T) {
	t.Parallel()
	l := newLab(t, lagging)
	doomed := l.create(subnetA)
	l.settle()
	l.must(doDelete(nil)(l))
	l.must(doLife("terminate", node)(l))
	burn := doCreate(subnetA, token("t"), groups("sg-0fffffffffffffff0"))
	if err := burn(l); err == nil {
		t.Fatal("a group that is not there was taken")
	}
	other := newLab(t)
	if err := other.sim.Restore(l.sim.Save()); err != nil {
		t.Fatal(err)
	}
	other.want("a burnt token", other.codes(1, burn), "IdempotentParameterMismatch")
	l.want("a burnt token", l.codes(1, burn), "IdempotentParameterMismatch")
	seen := map[string]int{}
	for range 70 {
		l.clock.Advance(100 * time.Millisecond)
		other.clock.Advance(100 * time.Millisecond)
		for _, body := range []string{"Action=DescribeNetworkInterfaces&NetworkInterfaceId.1=" + doomed, "Action=DescribeInstances"} {
			a, b := ask(t, l.sim, body), ask(t, other.sim, body)
			if a != b {
				t.Fatalf("%s:\n%s\n%s", body, a, b)
			}
			seen[a[:3]]++
		}
	}
	if seen["200"] == 0 || seen["400"] == 0 {
		t.Errorf("the deleted interface was seen %v", seen)
	}
}
