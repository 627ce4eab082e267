package ec2sim

// operations are the actions that are implemented; every other is InvalidAction.
var operations map[string]operation

// It is filled here, not where it is declared, because actions lead back to it: a
// restored world is checked against the actions that there are.
func init() {
	operations = map[string]operation{
		"CreateNetworkInterface":            {params: createParams, run: createNetworkInterface, resources: createResources, idempotent: true},
		"AttachNetworkInterface":            {params: attachParams, run: attachNetworkInterface, resources: attachResources},
		"DetachNetworkInterface":            {params: detachParams, run: detachNetworkInterface, resources: detachResources},
		"DeleteNetworkInterface":            {params: deleteParams, run: deleteNetworkInterface, resources: interfaceResources},
		"ModifyNetworkInterfaceAttribute":   {params: modifyParams, run: modifyNetworkInterfaceAttribute, resources: modifyResources},
		"DescribeNetworkInterfaces":         {params: describeParams(id("NetworkInterfaceId.N", interfaceID), boolean("IncludeManagedResources")), run: describeNetworkInterfaces, reads: &reading{orTag(interfaceFilters), usualPages}},
		"DescribeNetworkInterfaceAttribute": {params: paramsOf([]param{id("NetworkInterfaceId", interfaceID).must(), checked("Attribute", oneOf(sortedKeysOf(interfaceAttributes))).must()}), run: describeNetworkInterfaceAttribute},
		"DescribeInstanceAttribute":         {params: paramsOf([]param{id("InstanceId", instanceID).must(), checked("Attribute", oneOf(sortedKeysOf(instanceAttributes))).must()}), run: describeInstanceAttribute},
		"DescribeInstanceStatus":            {params: describeParams(id("InstanceId.N", instanceID), boolean("IncludeAllInstances"), boolean("IncludeManagedResources")), run: describeInstanceStatus, reads: &reading{instanceStatusFilters.knows, usualPages}},
		"DescribeAvailabilityZones":         {params: paramsOf([]param{text("ZoneName.N"), text("ZoneId.N"), boolean("AllAvailabilityZones"), text("Filter.N.Name"), text("Filter.N.Value.N")}), run: describeAvailabilityZones, reads: &reading{zoneFilters.knows, usualPages}},
		"DescribeTags":                      {params: describeParams(), run: describeTags, reads: &reading{orTag(tagFilters), usualPages}},
		"DescribeInstances":                 {params: describeParams(id("InstanceId.N", instanceID), boolean("IncludeManagedResources")), run: describeInstances, reads: &reading{orTag(instanceFilters), usualPages}},
		"DescribeInstanceTypes":             {params: describeParams(text("InstanceType.N"), boolean("IncludeUnsupportedInRegion")), run: describeInstanceTypes, reads: &reading{instanceTypeFilters.knows, instanceTypePages}},
		"DescribeSubnets":                   {params: describeParams(id("SubnetId.N", subnetID)), run: describeSubnets, reads: &reading{orTag(subnetFilters), usualPages}},
		"DescribeSecurityGroups":            {params: describeParams(append(unsupported("GroupName.N"), id("GroupId.N", groupID))...), run: describeSecurityGroups, reads: &reading{orTag(groupFilters), usualPages}},
		"DescribeVpcs":                      {params: describeParams(id("VpcId.N", vpcID)), run: describeVpcs, reads: &reading{orTag(vpcFilters), usualPages}},
		"AssignPrivateIpAddresses":          {params: assignParams, run: assignPrivateIPAddresses, resources: interfaceResources},
		"UnassignPrivateIpAddresses":        {params: unassignParams, run: unassignPrivateIPAddresses, resources: interfaceResources},
		"AssignIpv6Addresses":               {params: assign6Params, run: assignIPv6Addresses, resources: interfaceResources},
		"UnassignIpv6Addresses":             {params: unassign6Params, run: unassignIPv6Addresses, resources: interfaceResources},
		"CreateTags":                        {params: createTagsParams, run: createTags, resources: tagResources},
		"DeleteTags":                        {params: deleteTagsParams, run: deleteTags, resources: tagResources},
		"RunInstances":                      {params: runParams, run: runInstances, resources: runResources, idempotent: true},
		"StartInstances":                    {params: startParams, run: startInstances, resources: instancesResources},
		"StopInstances":                     {params: instanceParams("Force", "Hibernate", "SkipOsShutdown"), run: stopInstances, resources: instancesResources},
		"RebootInstances":                   {params: instanceParams(), run: rebootInstances, resources: instancesResources},
		"TerminateInstances":                {params: instanceParams("Force", "SkipOsShutdown"), run: terminateInstances, resources: instancesResources},
	}
}

// reading is what a describe takes beside an ID list.
type reading struct {
	knows func(filter string) bool
	pages pageLimits
}

// orTag knows the filters of what has tags.
func orTag[T any](set filterSet[T]) func(string) bool {
	return func(name string) bool { return set.knows(name) || isTagFilter(name) }
}

// check reads filters and pages for the describe to work with.
func (r *reading) check(s *Simulator, c *call) (err error) {
	if c.filters, err = parseFilters(c.form, r.knows); err == nil {
		c.page, err = s.parsePage(c, r.pages)
	}
	return err
}

var (
	attachParams = paramsOf([]param{
		id("NetworkInterfaceId", interfaceID).must(), id("InstanceId", instanceID).must(), number("DeviceIndex").must(),
		number("NetworkCardIndex"),
		number("EnaQueueCount"),
	}, enaParams)
	detachParams = paramsOf([]param{id("AttachmentId", attachmentID).must(), boolean("Force")})
	startParams  = paramsOf([]param{id("InstanceId.N", instanceID).must()}, unsupported("AdditionalInfo"))
	deleteParams = paramsOf([]param{id("NetworkInterfaceId", interfaceID).must()})
)

// describeParams are an ID list and what all describes share.
func describeParams(own ...param) params {
	return paramsOf(own, []param{text("Filter.N.Name"), text("Filter.N.Value.N"), number("MaxResults"), text("NextToken")})
}

func instanceParams(flags ...string) params {
	return paramsOf([]param{id("InstanceId.N", instanceID).must()}, each(flags, aBoolean))
}
