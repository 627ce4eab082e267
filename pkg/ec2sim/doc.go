// Package ec2sim is an in-memory EC2 for network interfaces, behind EC2's own Query
// protocol: any EC2 client (the AWS SDKs, the AWS CLI, boto3, Terraform) talks to it
// unchanged. It is meant to be as strict as EC2 and never kinder: attaching and
// detaching take time, what is in use is refused, slots, zones, limits and quotas are
// checked, and errors bear EC2's codes and HTTP statuses.
//
// A [Simulator] is an [http.Handler]. It starts no goroutine: what happens by itself
// (an attach that completes, an instance that starts) is worked out from the [Clock] at
// the next call, in the order of its time, as if it had happened then. So it works over
// a socket, behind [Simulator.Transport] without one, and in a testing/synctest bubble;
// and with a [VirtualClock] the same calls get the same answers. One seed decides all
// randomness: IDs, addresses, latencies, lags and faults.
//
// # The order of checks
//
// A call is refused by the first of these that it fails:
//
//  1. signature: MissingAuthenticationToken (403) without one; AuthFailure (401) if it is
//     malformed, of another Region or service, or of an access key that no principal has.
//     The signature itself is not verified: the simulator knows no secret keys
//  2. action: MissingAction, NoSuchVersion, InvalidAction, then fault rules, then the
//     action's token bucket, and that of the instances that it is about:
//     RequestLimitExceeded (503)
//  3. parameters: UnknownParameter, MissingParameter, then ill-formed values: the
//     .Malformed codes for IDs (a prefix and 8 to 17 lower-case hex digits),
//     InvalidClientToken, InvalidParameterValue for the rest; UnsupportedOperation for a
//     parameter that EC2 has and the simulator has not; then filters, and pages:
//     FilterLimitExceeded, InvalidNextToken
//  4. authorization: UnauthorizedOperation (403), for each resource of the call; then
//     DryRunOperation (412) for a dry run
//  5. client token: the first answer again, or IdempotentParameterMismatch; then what can
//     be told from the parameters together: InvalidParameterCombination, tags
//  6. existence: the .NotFound codes, the interface before the instance; then AuthFailure
//     for what is AWS's own
//  7. VPC and zone, and whether the type takes such an interface at all:
//     InvalidParameterCombination, InvalidParameterValue; InvalidParameter for a launch
//     with groups of another VPC
//  8. state: InvalidNetworkInterface.InUse, IncorrectState, IncorrectInstanceState,
//     OperationNotPermitted
//  9. slot: InvalidParameterValue
//  10. limits: AttachmentLimitExceeded (interfaces, then EFAs),
//     PrivateIpAddressLimitExceeded, SecurityGroupsPerInterfaceLimitExceeded,
//     NetworkInterfaceLimitExceeded, TagLimitExceeded
//  11. addresses: InvalidIPAddress.InUse, InsufficientFreeAddressesInSubnet,
//     InsufficientCidrBlocks
//
// # What is implemented
//
// Create-, Attach-, Detach-, Delete- and DescribeNetworkInterface(s), Describe- and
// ModifyNetworkInterfaceAttribute with every attribute, Assign- and
// UnassignPrivateIpAddresses and -Ipv6Addresses; Run-, Start-, Stop-, Reboot- and
// TerminateInstances, DescribeInstances, -InstanceStatus, -InstanceAttribute and
// -InstanceTypes; DescribeSubnets, -SecurityGroups, -Vpcs and -AvailabilityZones;
// CreateTags, DeleteTags and DescribeTags. IPv4 addresses and /28 prefixes, IPv6
// addresses and /80 prefixes; EFA, ENA Express and flexible ENA queues as far as types
// take them, EFA-only interfaces without addresses, prefixes only on Nitro; client
// tokens, all documented filters with wildcards, pagination, token buckets, lagging
// reads, IAM policies and faults. Filters that EC2 documents for what is not simulated
// (public addresses, say) are accepted and match nothing. Parameters of a launch that
// have nothing to do with the network are accepted and have no effect.
//
// # What is refused
//
// Every other action is InvalidAction. Launch templates, spot launches, protection from
// termination, public addresses and security groups by name are UnsupportedOperation,
// where a parameter asks for more than the default. A policy with a condition, a key or a
// variable that is not evaluated is refused when it is loaded: it must not grant anything.
//
// # Where EC2's documentation leaves room
//
// A detach is possible while the attach is still going on. An attach needs an instance
// that is running or stopped, a detach too. A detach by force from a running instance
// leaves the slot unusable until the instance has been stopped. An interface of another
// VPC cannot be attached. A NextToken that is made up, expired or of another request is
// InvalidNextToken. A ? in a filter stands for exactly one character, where one page also
// says zero or one. Describes list by ID: EC2 promises no order. The limit on IPv6
// addresses has the code of that on IPv4 addresses. An interface that was there before a
// launch outlives the instance unless the launch says otherwise, one that the launch
// makes does not. A condition on ec2:Attribute sees the parameter's name, or Groups. A
// public address that an interface is told to have is noted, and never given. What nobody
// has verified can be chosen: see [Variants].
//
// # Control
//
// Under /_sim/ is the control protocol, JSON, which needs no signature and takes no
// time. Its paths are in the documentation of cmd/ec2-simulator. GET / is a console for
// people, which follows the account by the control protocol's stream of events. A stream
// runs in its request's goroutine: it waits there for changes, or for the time of what
// happens by itself, and holds the lock only to take a picture.
package ec2sim
