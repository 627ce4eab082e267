package ec2sim

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const goodWorld = `region: us-east-1
subnets:
- {id: subnet-0f59b4f14737be9ad, vpc: vpc-1, zone: us-east-1a, cidr: 10.0.1.0/24, tags: {Name: a}}
securityGroups:
- {id: sg-05da196f3314d4af8, vpc: vpc-1, name: workers}
instances:
- {id: i-0aaaaaaaaaaaaaaa1, type: m5.xlarge, subnet: subnet-0f59b4f14737be9ad, state: running, tags: {}}
latency: {attach: 2s, detach: 3s, call: 50ms}
`

const wholeWorld = goodWorld + `account: "123456789012"
seed: 1
interfaces:
- {id: eni-0aaaaaaaaaaaaaaa1, subnet: subnet-0f59b4f14737be9ad, securityGroups: [sg-05da196f3314d4af8], tags: {owner: them}, attachment: {instance: i-0aaaaaaaaaaaaaaa1, deviceIndex: 2, deleteOnTermination: false}}
consistency: {p50: 200ms, p99: 4s, max: 5s}
quotas: {enabled: true, background: 0.3, actions: {AttachNetworkInterface: {bucket: 50, refill: 5}}, interfacesPerRegion: 5000, securityGroupsPerInterface: 5}
principals: [{name: controller, accessKey: AKIDCONTROLLER, policies: [iam/policy.json]}]
faults: [{action: AttachNetworkInterface, nth: 3, effect: cut-after}]
variants: {subnetFull: InsufficientFreeAddressesInSubnet, deleteInUse: InvalidParameterValue, attachWithoutCard: allow, tokenOfDeleted: replay}
`

func TestWorldFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"world.yaml": wholeWorld, "iam/policy.json": rootPolicy} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	w, err := LoadWorld(filepath.Join(dir, "world.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	sim, err := New(w, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if sim.latency.Call.P50 != 50*time.Millisecond || sim.latency.Start.P50 != 5*time.Second || sim.lag.Max != 5*time.Second || !*sim.quotas.Enabled {
		t.Errorf("the world was read as %+v", sim)
	}
	if e := sim.Snapshot().Interfaces; len(e) != 2 || e[1].Attachment.DeviceIndex != 2 || e[1].Attachment.Status != attached {
		t.Errorf("interfaces are %+v", e)
	}
	if sim.access.byKey["AKIDCONTROLLER"].policies == nil {
		t.Error("the policy was not read")
	}
}

func TestWorldDefaults(t *testing.T) {
	t.Parallel()
	sim, err := New(World{}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	l := sim.latency
	if l.Attach.P50 != 2*time.Second || l.Detach.P50 != 3*time.Second || l.Call.P50 != 50*time.Millisecond || l.Start.P50 != 5*time.Second || l.Terminate.P50 != 5*time.Second {
		t.Errorf("latencies are %+v", l)
	}
	if q := sim.quotas; !*q.Enabled || q.InterfacesPerRegion != 5000 || q.SecurityGroupsPerInterface != 5 || sim.lagging() {
		t.Errorf("quotas are %+v", q)
	}
}

func TestConsistencyWords(t *testing.T) {
	t.Parallel()
	for word, want := range map[string]time.Duration{"off": 0, "mild": mildLag.P99, "harsh": harshLag.P99, "{p50: 1s, p99: 2s, max: 3s}": 2 * time.Second} {
		w, err := ParseWorld("w.yaml", []byte("consistency: "+word))
		if err != nil || w.Consistency.Lag.P99 != want {
			t.Errorf("consistency %s: %+v, %v", word, w.Consistency, err)
		}
	}
}

// TestWorldErrors breaks a good world file in one place each: the answer must be one
// line that names file, line, field and cure.
func TestWorldErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ old, new, want string }{
		{"zone:", "zome:", "w.yaml:3: subnets[0].zome: is not a known key; known here: id, vpc, zone, cidr, ipv6Cidr, tags"},
		{"region:", "reigon:", "w.yaml:1: reigon: is not a known key"},
		{"10.0.1.0/24", "10.0.1.0/8", `w.yaml:3: subnets[0].cidr: "10.0.1.0/8" is not a subnet's CIDR block`},
		{"10.0.1.0/24", "10.0.1.1/24", `"10.0.1.1/24" is not a subnet's CIDR block`},
		{"id: subnet-0f59b4f14737be9ad", "id: subnet-x", `w.yaml:3: subnets[0].id: "subnet-x" is not an ID of this kind; write "subnet-"`},
		{"vpc: vpc-1, zone", "vpc: one, zone", `w.yaml:3: subnets[0].vpc: "one" is not a VPC ID`},
		{"zone: us-east-1a, ", "", "w.yaml:3: subnets[0].zone: is missing"},
		{"subnet: subnet-0f59b4f14737be9ad, state", "subnet: subnet-0f59b4f14737be9ae, state", `w.yaml:7: instances[0].subnet: "subnet-0f59b4f14737be9ae" is no subnet of this world; add it`},
		{"m5.xlarge", "m5.huge", `w.yaml:7: instances[0].type: "m5.huge" is not an instance type that the simulator knows; of this family it knows m5.12xlarge`},
		{"m5.xlarge", "zz.huge", "write one like m5.xlarge"},
		{"state: running", "state: asleep", `w.yaml:7: instances[0].state: "asleep" is not a state; write one of pending, running`},
		{"tags: {}", "tags: {aws:x: y}", "w.yaml:7: instances[0].tags: InvalidParameterValue"},
		{"tags: {}", "tags: 5", `w.yaml:7: instances[0].tags: "5" must be a map`},
		{"tags: {}", "securityGroups: [sg-0aaaaaaaaaaaaaaa9]", `w.yaml:7: instances[0].securityGroups[0]: "sg-0aaaaaaaaaaaaaaa9" is no security group of this world`},
		{"tags: {}", "privateIp: 10.9.9.9", `w.yaml:7: instances[0].privateIp: "10.9.9.9" is not an address of 10.0.1.0/24`},
		{"attach: 2s", "attach: soon", `w.yaml:8: "soon" is not a duration; write it like 2s`},
		{"attach: 2s", "attach: {p50: 3s, p99: 1s}", "w.yaml:8: is not a distribution; p50 ≤ p99 ≤ max must hold"},
		{"attach: 2s", "attach: {p50: 0s, p99: 1s}", "w.yaml:8: is not a distribution; p50 must be above 0"},
		{"region: us-east-1", "consistency: {p50: 0s, p99: 4s, max: 5s}", "w.yaml:1: is not a distribution; p50 must be above 0"},
		{"region: us-east-1", "consistency: {p50: 1s, p99: 4s}", "w.yaml:1: needs a p50 above 0 and a max"},
		{"region: us-east-1", "faults: [{effect: error, share: 0}]", `w.yaml:1: "0" is not a share; write a number above 0 and up to 1`},
		{"cidr: 10.0.1.0/24", "cidr: 10.0.1.0/24, ipv6Cidr: 2001:db8::/56", `w.yaml:3: subnets[0].ipv6Cidr: "2001:db8::/56" is not a subnet's IPv6 CIDR block`},
		{"region: us-east-1", "interfaces: [{subnet: subnet-0f59b4f14737be9ad, type: banana}]", `w.yaml:1: interfaces[0].type: "banana" is not an interface type`},
		{"state: running, tags: {}}", "state: terminated}\ninterfaces: [{subnet: subnet-0f59b4f14737be9ad, attachment: {instance: i-0aaaaaaaaaaaaaaa1, deviceIndex: 1}}]", "w.yaml:8: interfaces[0]: IncorrectState"},
		{"zone: us-east-1a, cidr: 10.0.1.0/24, tags: {Name: a}}", "zone: us-east-1a, cidr: 10.0.1.0/24}\n- {id: subnet-0f59b4f14737be9ae, vpc: vpc-1, zone: us-east-1b, cidr: 10.0.2.0/24}\ninterfaces: [{subnet: subnet-0f59b4f14737be9ae, attachment: {instance: i-0aaaaaaaaaaaaaaa1, deviceIndex: 1}}]", "w.yaml:5: interfaces[0]: InvalidParameterCombination"},
		{"zone: us-east-1a, cidr: 10.0.1.0/24, tags: {Name: a}}", "zone: us-east-1a, cidr: 10.0.1.0/24}\n- {id: subnet-0f59b4f14737be9ae, vpc: vpc-2, zone: us-east-1a, cidr: 10.0.2.0/24}\ninterfaces: [{subnet: subnet-0f59b4f14737be9ae, attachment: {instance: i-0aaaaaaaaaaaaaaa1, deviceIndex: 1}}]", "w.yaml:5: interfaces[0]: InvalidParameterCombination"},
		{"attach: 2s", "attach: {p51: 3s}", "w.yaml:8: p51: is not a known key; known here: p50, p99, max"},
		{"attach: 2s", "attac: 2s", "w.yaml:8: latency.attac: is not a known key"},
		{"region: us-east-1", "account: 12", `w.yaml:1: account: "12" is not an account ID; write 12 digits in quotes`},
		{"region: us-east-1", "seed: many", `w.yaml:1: seed: "many" must be a whole number`},
		{"region: us-east-1", "subnets: {}", "w.yaml:"},
		{"region: us-east-1", "consistency: some", `w.yaml:1: "some" is no consistency; write off, mild, harsh`},
		{"region: us-east-1", "quotas: {background: 2}", `w.yaml:1: quotas.background: "2" is not a share`},
		{"region: us-east-1", "quotas: {enabled: perhaps}", `w.yaml:1: quotas.enabled: "perhaps" must be true or false`},
		{"region: us-east-1", "quotas: {actions: {Fly: {bucket: 1, refill: 1}}}", `w.yaml:1: quotas.actions.Fly: "Fly" is not an action that the simulator knows`},
		{"region: us-east-1", "variants: {deleteInUse: maybe}", `w.yaml:1: variants.deleteInUse: "maybe" is not a value of it; write one of InvalidParameterValue, InvalidNetworkInterface.InUse`},
		{"region: us-east-1", "faults: [{effect: boom}]", `w.yaml:1: faults[0]: effect "boom" is unknown; write one of error`},
		{"region: us-east-1", "principals: [{name: a}]", "w.yaml:1: principals[0].accessKey: must be an access key"},
		{"region: us-east-1", "interfaces: [{subnet: subnet-0f59b4f14737be9ad, attachment: {instance: i-0aaaaaaaaaaaaaaa9}}]", `w.yaml:1: interfaces[0].attachment.instance: "i-0aaaaaaaaaaaaaaa9" is no instance of this world`},
		{"region: us-east-1", "region: [a", "w.yaml:"},
		{"instances:", "instances: yes\nx:", `w.yaml:6: instances: "yes" must be a list`},
		{"name: workers", "name: ''", "w.yaml:5: securityGroups[0].name: is missing"},
	} {
		_, err := ParseWorld("w.yaml", []byte(strings.Replace(goodWorld, c.old, c.new, 1)))
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s → %s: got %v\nwant %s", c.old, c.new, err, c.want)
		}
	}
}

func TestWorldFileOfPolicyMissing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(path, []byte(wholeWorld), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadWorld(path); err == nil || !strings.Contains(err.Error(), "principals[0].policies") {
		t.Errorf("a missing policy gives %v", err)
	}
}
