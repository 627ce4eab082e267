// Command ec2-simulator serves the EC2 of package ec2sim over HTTP.
//
//	ec2-simulator --world=world.yaml [--listen=127.0.0.1:4566] [--seed=N] [--virtual-time=TIME]
//
// It prints "listening on http://ADDRESS" once it serves, and ends on SIGTERM. A bad
// world file ends it with one line that names the file, the line, the field, the value
// and the cure, and exit code 2.
//
// With --virtual-time=2026-01-02T15:04:05Z time stands still and moves only by
// POST /_sim/clock: calls take none, and the same calls get the same answers to the byte.
//
// # The world file
//
// YAML; unknown keys are refused. All but a subnet and what it needs may be left out:
//
//	region: us-east-1
//	account: "123456789012"
//	seed: 1
//	subnets:        # ipv6Cidr, a /64, is only for subnets that have IPv6
//	- {id: subnet-0f59b4f14737be9ad, vpc: vpc-1, zone: us-east-1a, cidr: 10.0.1.0/24, ipv6Cidr: "2001:db8:0:1::/64", tags: {Name: a}}
//	securityGroups:
//	- {id: sg-05da196f3314d4af8, vpc: vpc-1, name: workers}
//	instances:      # each with a primary interface: card 0, index 0, delete-on-termination
//	- {id: i-0aaaaaaaaaaaaaaa1, type: m5.xlarge, subnet: subnet-0f59b4f14737be9ad, state: running, privateIp: 10.0.1.9, ipv6Addresses: []}
//	interfaces:     # somebody else's, for instance
//	- {id: eni-0aaaaaaaaaaaaaaa1, subnet: subnet-0f59b4f14737be9ad, tags: {owner: them},
//	   attachment: {instance: i-0aaaaaaaaaaaaaaa1, cardIndex: 0, deviceIndex: 2, deleteOnTermination: false}}
//	- {subnet: subnet-0f59b4f14737be9ad, type: network_load_balancer, requester: amazon-elb}    # made by AWS
//	- {subnet: subnet-0f59b4f14737be9ad, operator: eks.amazonaws.com}                           # run by AWS, and hidden
//	latency: {attach: 2s, detach: {p50: 3s, p99: 20s}, call: 50ms, start: 5s, stop: 5s, terminate: 5s}
//	consistency: off     # mild, harsh or {p50: 200ms, p99: 4s, max: 5s}
//	quotas:              # the sizes of https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html where nothing is said
//	  enabled: true      # token buckets; the limits below hold either way
//	  background: 0.3    # the share of each bucket that others in the account eat
//	  actions: {AttachNetworkInterface: {bucket: 50, refill: 5}}
//	  interfacesPerRegion: 5000
//	  securityGroupsPerInterface: 5
//	  unpagedInterfaces: 5000    # above it, describes must be paged or filtered
//	principals: [{name: controller, accessKey: AKIDCONTROLLER, policies: [iam/policy.json]}]    # relative to the world file
//	faults: [{action: AttachNetworkInterface, nth: 3, effect: cut-after}]
//	variants: {deleteInUse: InvalidNetworkInterface.InUse, tokenLife: 12h}
//
// # Variants
//
// Where EC2 was seen to give several answers, or nobody has verified which it gives, one
// can be chosen; the first of each is the default:
//
//	subnetFull         InsufficientFreeAddressesInSubnet; InsufficientCidrBlocks (for prefixes); InvalidParameterValue
//	deleteInUse        InvalidParameterValue; InvalidNetworkInterface.InUse
//	attachInUse        InvalidNetworkInterface.InUse; InvalidParameterValue
//	attachWithoutCard  allow; taken: without NetworkCardIndex, an index that any card has in use is taken
//	groupOfOtherVpc    InvalidParameterCombination; InvalidGroup.NotFound
//	createStatus       pending; available: the status in the answer to a create
//	interfaceStatus    in-use; transitional: attaching and detaching are an interface's own status too
//	tokenOfDeleted     replay; mismatch: the client token of an interface that was deleted
//	tokenOfFailed      burnt (IdempotentParameterMismatch); free: the client token of a create that failed
//	replayAtQuota      replay; fail: a replay once the quota of interfaces is used up
//	tokenLife          24h, or any duration or distribution: how long a client token is remembered
//	mutatingBuckets    separate; shared: one token bucket for all that changes something, beside each action's own
//	maxResults         InvalidParameterValue; InvalidMaxResults: the code for one out of bounds
//	managedResources   hidden; shown: interfaces with an operator, for who does not ask for them
//
// # Faults
//
// A rule, in the world file or posted, has these fields; all but effect may be left out:
//
//	action     whose calls, with * and ?; any without
//	resource   calls that name this ID in any parameter, or whose attachment is of this interface or instance
//	nth        the n-th of those calls
//	every      each so many-th of them
//	share      a share of them, above 0 and up to 1
//	times      at most so many times
//	effect     error (code, message, status), throttle, delay (duration: acts on arrival, answers late),
//	           cut-before and cut-after (the connection is cut before or after the call took effect),
//	           hang (never acts, never answers), garbage, stuck-attaching, stuck-detaching,
//	           omit (a describe leaves out items: a list of IDs, or each thing with the likelihood itemShare, or all;
//	           itemShare leaves nothing out of two lists one after another)
//
// Of several rules for a call the first that strikes decides; the others strike later.
//
// # Clients
//
// Any access key and secret will do, unless the world has principals; the Region must be
// the world's.
//
//	export AWS_ENDPOINT_URL_EC2=http://127.0.0.1:4566
//	export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1    # some clients read the one, some the other
//	export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any
//	aws ec2 describe-network-interfaces
//
// The SDKs read the same variables; in Go, ec2.Options.BaseEndpoint does it in code.
// Terraform takes the endpoint in its provider:
//
//	provider "aws" {
//	  region                      = "us-east-1"
//	  access_key                  = "any"
//	  secret_key                  = "any"
//	  skip_credentials_validation = true
//	  skip_requesting_account_id  = true
//	  skip_metadata_api_check     = true
//	  endpoints { ec2 = "http://127.0.0.1:4566" }
//	}
//
// # Control
//
//	GET    /_sim/calls                      counts by action and code: {"CreateTags": {"OK": 3}}
//	GET    /_sim/log?since=N                every call after number N, as JSON lines
//	GET    /_sim/world                      everything as it is, to read and to restore
//	PUT    /_sim/world                      go back to what GET has given, as a whole
//	POST   /_sim/instances                  launch: an instance of the world file, as JSON
//	POST   /_sim/instances/ID/start|stop|terminate      ?now=true skips the latency
//	POST   /_sim/interfaces                 an interface of the world file, as JSON
//	POST   /_sim/interfaces/ID/attach       {"instance": "i-…", "cardIndex": 0, "deviceIndex": 1}, at once
//	POST   /_sim/interfaces/ID/detach       ?now=true skips the latency; no primary
//	POST   /_sim/interfaces/ID/delete       at once, attached or not; no primary
//	GET    /_sim/faults                     the rules with their numbers
//	POST   /_sim/faults                     {"action": "Attach*", "nth": 3, "effect": "cut-after"}
//	DELETE /_sim/faults                     all, or ?id=N
//	GET    /_sim/clock
//	POST   /_sim/clock                      {"advance": "5m"}
//	GET    /_sim/events                     everything as it changes, as server-sent events
//
// # The console
//
// GET / without an Action is a page for a browser. It draws zones, subnets and the use of
// their addresses, instances with their slots, interfaces by state and by owner, and the
// rate of calls, and follows what happens. The pointer, or the arrow keys, show details;
// Enter or a click keeps them open. An interface's owner is what one of its tags says:
// owner, nodeeni-name, cluster-name or Name, with or without a prefix such as
// example.com/, or the tag that is chosen on the page. GET of any other path that is not
// under /_sim/ is 404 unless it has an Action.
//
// # The event stream
//
// GET /_sim/events is text/event-stream. Each event's data is one JSON object. The first
// event, and one after the account was replaced by another, is named world and holds
// everything:
//
//	event: world
//	data: {"time": "2026-01-02T03:04:05Z", "region": "us-east-1", "account": "123456789012",
//	       "subnets": […], "instances": […], "interfaces": […], "calls": {…}}
//
// The others are named change and hold the same without region and account: only the
// resources that are new or different, each of them whole; "gone", the IDs of those that
// are no more, to be applied first; and of "calls" the actions that were called, with all
// their counts so far. What is left out has not changed. There are four events a second
// at most, in which states that were shorter may be missing, and no more than a comment
// now and then when nothing happens. Who connects again is told everything again.
//
//	subnet     {"id", "vpc", "zone", "zoneId", "cidr", "size": 251, "free": 249, "tags": {…}}
//	instance   {"id", "type", "subnet", "state", "cards": 1, "perCard": 4, "tags": {…},
//	            "unusable": [{"card": 0, "index": 1}]}       until it is stopped: detached by force
//	interface  {"id", "subnet", "state": "attached", "type", "description", "mac", "addresses": […],
//	            "prefixes": […], "securityGroups": […], "tags": {…},
//	            "attachment": {"id", "instance", "card", "index", "deleteOnTermination", "since"}}
//	calls      {"CreateTags": {"OK": 3, "RequestLimitExceeded": 1}}
//
// An interface's state is available, or else its attachment's: attaching, attached or
// detaching. 500 instances with 4,000 interfaces make a world of 2.6 MB; a change is
// about 650 bytes for each interface.
package main
