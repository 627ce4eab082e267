package ec2sim

import (
	"encoding/json"
	"time"

	"go.yaml.in/yaml/v3"
)

// World is the account that a simulator starts with. Its YAML and JSON forms are the
// same; what is left out takes the default that EC2 documents.
type World struct {
	Region         string          `yaml:"region" json:"region,omitempty"`
	Account        string          `yaml:"account" json:"account,omitempty"`
	Seed           int64           `yaml:"seed" json:"seed,omitempty"`
	Subnets        []Subnet        `yaml:"subnets" json:"subnets,omitempty"`
	SecurityGroups []SecurityGroup `yaml:"securityGroups" json:"securityGroups,omitempty"`
	Instances      []Instance      `yaml:"instances" json:"instances,omitempty"`
	Interfaces     []Interface     `yaml:"interfaces" json:"interfaces,omitempty"`
	Latency        Latency         `yaml:"latency" json:"latency,omitzero"`
	Consistency    Consistency     `yaml:"consistency" json:"consistency,omitzero"`
	Quotas         Quotas          `yaml:"quotas" json:"quotas,omitzero"`
	Principals     []Principal     `yaml:"principals" json:"principals,omitempty"`
	Faults         []Fault         `yaml:"faults" json:"faults,omitempty"`
	Variants       Variants        `yaml:"variants" json:"variants,omitzero"`
}

// Subnet is a subnet; its VPC and zone exist because a subnet names them.
type Subnet struct {
	ID   string `yaml:"id" json:"id"`
	VPC  string `yaml:"vpc" json:"vpc"`
	Zone string `yaml:"zone" json:"zone"`
	CIDR string `yaml:"cidr" json:"cidr"`
	// IPv6CIDR is a /64, where the subnet has one.
	IPv6CIDR string            `yaml:"ipv6Cidr" json:"ipv6Cidr,omitempty"`
	Tags     map[string]string `yaml:"tags" json:"tags,omitempty"`
}

// SecurityGroup is a security group without its rules, which do not matter here.
type SecurityGroup struct {
	ID          string            `yaml:"id" json:"id"`
	VPC         string            `yaml:"vpc" json:"vpc"`
	Name        string            `yaml:"name" json:"name"`
	Description string            `yaml:"description" json:"description,omitempty"`
	Tags        map[string]string `yaml:"tags" json:"tags,omitempty"`
}

// Instance is an instance with its primary interface, which is made with it: card 0,
// index 0, a real address, delete-on-termination true.
type Instance struct {
	ID             string            `yaml:"id" json:"id,omitempty"`
	Type           string            `yaml:"type" json:"type"`
	Subnet         string            `yaml:"subnet" json:"subnet"`
	State          string            `yaml:"state" json:"state,omitempty"`
	SecurityGroups []string          `yaml:"securityGroups" json:"securityGroups,omitempty"`
	PrivateIP      string            `yaml:"privateIp" json:"privateIp,omitempty"`
	IPv6           []string          `yaml:"ipv6Addresses" json:"ipv6Addresses,omitempty"`
	Tags           map[string]string `yaml:"tags" json:"tags,omitempty"`
}

// Interface is a network interface that somebody has made already.
type Interface struct {
	ID             string            `yaml:"id" json:"id,omitempty"`
	Subnet         string            `yaml:"subnet" json:"subnet"`
	SecurityGroups []string          `yaml:"securityGroups" json:"securityGroups,omitempty"`
	Description    string            `yaml:"description" json:"description,omitempty"`
	Type           string            `yaml:"type" json:"type,omitempty"`
	PrivateIP      string            `yaml:"privateIp" json:"privateIp,omitempty"`
	IPv6           []string          `yaml:"ipv6Addresses" json:"ipv6Addresses,omitempty"`
	Tags           map[string]string `yaml:"tags" json:"tags,omitempty"`
	// Requester is the AWS service that has made the interface (a load balancer's, say),
	// Operator the one that runs it: neither is the account's own to change.
	Requester  string      `yaml:"requester" json:"requester,omitempty"`
	Operator   string      `yaml:"operator" json:"operator,omitempty"`
	Attachment *Attachment `yaml:"attachment" json:"attachment,omitempty"`
}

// Attachment is where an Interface is attached.
type Attachment struct {
	Instance            string `yaml:"instance" json:"instance"`
	CardIndex           int    `yaml:"cardIndex" json:"cardIndex,omitempty"`
	DeviceIndex         int    `yaml:"deviceIndex" json:"deviceIndex"`
	DeleteOnTermination bool   `yaml:"deleteOnTermination" json:"deleteOnTermination,omitempty"`
}

// Latency is how long things take: 2s, 3s, 50ms, and 5s for an instance to start, stop
// and terminate, where nothing is said.
type Latency struct {
	Attach    Distribution `yaml:"attach" json:"attach,omitzero"`
	Detach    Distribution `yaml:"detach" json:"detach,omitzero"`
	Call      Distribution `yaml:"call" json:"call,omitzero"`
	Start     Distribution `yaml:"start" json:"start,omitzero"`
	Stop      Distribution `yaml:"stop" json:"stop,omitzero"`
	Terminate Distribution `yaml:"terminate" json:"terminate,omitzero"`
}

func (l Latency) withDefaults() Latency {
	const life = 5 * time.Second
	return Latency{
		Attach:    l.Attach.or(Exactly(2 * time.Second)),
		Detach:    l.Detach.or(Exactly(3 * time.Second)),
		Call:      l.Call.or(Exactly(50 * time.Millisecond)),
		Start:     l.Start.or(Exactly(life)),
		Stop:      l.Stop.or(Exactly(life)),
		Terminate: l.Terminate.or(Exactly(life)),
	}
}

// Consistency is how late a write is seen by describes: not at all (the zero value),
// or after a lag drawn for each resource and each of EC2's read paths.
type Consistency struct {
	Lag Distribution
}

// The lags that the words mild and harsh stand for.
var (
	mildLag  = Spread(100*time.Millisecond, time.Second, 2*time.Second)
	harshLag = Spread(200*time.Millisecond, 4*time.Second, 10*time.Second)
)

// UnmarshalYAML reads off, mild, harsh or a distribution.
func (c *Consistency) UnmarshalYAML(n *yaml.Node) error {
	switch {
	case n.Kind == yaml.MappingNode:
		if err := c.Lag.UnmarshalYAML(n); err != nil {
			return err
		}
		if c.Lag.P50 == 0 || c.Lag.Max == 0 {
			return fieldError(n, "needs a p50 above 0 and a max: the time by which everybody sees every write")
		}
	case n.Value == "off":
		c.Lag = Distribution{}
	case n.Value == "mild":
		c.Lag = mildLag
	case n.Value == "harsh":
		c.Lag = harshLag
	default:
		return fieldError(n, "is no consistency; write off, mild, harsh or {p50: 200ms, p99: 4s, max: 5s}")
	}
	return nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (c *Consistency) UnmarshalJSON(data []byte) error { return yaml.Unmarshal(data, c) }

// MarshalJSON writes what UnmarshalYAML reads.
func (c Consistency) MarshalJSON() ([]byte, error) {
	if c.Lag.P50 == 0 {
		return []byte(`"off"`), nil
	}
	return json.Marshal(c.Lag.form())
}

// Quotas are the account's limits. They are on unless Enabled says otherwise; the
// limits on interfaces and security groups hold either way.
type Quotas struct {
	Enabled *bool `yaml:"enabled" json:"enabled,omitempty"`
	// Background is the share of every bucket's refill that other tenants of the account eat.
	Background                 float64           `yaml:"background" json:"background,omitempty"`
	Actions                    map[string]Bucket `yaml:"actions" json:"actions,omitempty"`
	InterfacesPerRegion        int               `yaml:"interfacesPerRegion" json:"interfacesPerRegion,omitempty"`
	SecurityGroupsPerInterface int               `yaml:"securityGroupsPerInterface" json:"securityGroupsPerInterface,omitempty"`
	// UnpagedInterfaces is how many interfaces an account may have before describes that
	// are neither paged nor filtered are refused, as they are for big accounts.
	UnpagedInterfaces int `yaml:"unpagedInterfaces" json:"unpagedInterfaces,omitempty"`
}

// Bucket is one action's token bucket: its size, and its refill in tokens a second.
type Bucket struct {
	Bucket float64 `yaml:"bucket" json:"bucket"`
	Refill float64 `yaml:"refill" json:"refill"`
}

func (q Quotas) withDefaults() Quotas {
	if q.Enabled == nil {
		q.Enabled = new(true)
	}
	q.InterfacesPerRegion = orDefault(q.InterfacesPerRegion, 5000)
	q.SecurityGroupsPerInterface = orDefault(q.SecurityGroupsPerInterface, 5)
	q.UnpagedInterfaces = orDefault(q.UnpagedInterfaces, 5000)
	return q
}

func orDefault[T comparable](v, standard T) T {
	var zero T
	if v == zero {
		return standard
	}
	return v
}

// Principal is who signs with an access key, and what its policies let it do.
type Principal struct {
	Name      string   `yaml:"name" json:"name"`
	AccessKey string   `yaml:"accessKey" json:"accessKey"`
	Policies  []string `yaml:"policies" json:"policies,omitempty"`
	// Documents are the policies themselves; LoadWorld reads them from Policies.
	Documents []string `yaml:"-" json:"documents,omitempty"`
}
