package ec2sim

import "slices"

// runParams are all the parameters of RunInstances. Those that have nothing to do with
// the network are taken and have no effect.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
var runParams = paramsOf([]param{
	id("ImageId", imageID).must(), checked("MinCount", atLeastOne).must(), checked("MaxCount", atLeastOne).must(), checked("InstanceType", anInstanceType).must(), id("SubnetId", subnetID),
	id("SecurityGroupId.N", groupID), address("PrivateIpAddress"), checked("ClientToken", aToken), text("KeyName"),
	number("Ipv6AddressCount"), address6("Ipv6Address.N.Ipv6Address"), boolean("Ipv6Address.N.IsPrimaryIpv6"), boolean("EnablePrimaryIpv6"),
	text("Placement.AvailabilityZone"), text("Placement.AvailabilityZoneId"),
}, tagSpecificationParams, nicParams, harmlessTexts, harmlessFlags, harmlessNumbers,
	each([]string{"DisableApiTermination", "DisableApiStop", "HibernationOptions.Configured", "EnclaveOptions.Enabled"}, onlyFalse),
	unsupported("LaunchTemplate.LaunchTemplateId", "LaunchTemplate.LaunchTemplateName", "LaunchTemplate.Version", "SecurityGroup.N",
		"Operator.Principal", "InstanceMarketOptions.MarketType", "InstanceMarketOptions.SpotOptions.MaxPrice",
		"InstanceMarketOptions.SpotOptions.SpotInstanceType", "InstanceMarketOptions.SpotOptions.BlockDurationMinutes",
		"InstanceMarketOptions.SpotOptions.ValidUntil", "InstanceMarketOptions.SpotOptions.InstanceInterruptionBehavior")).needing(nicsNamed, tagsNamed)

var (
	harmlessTexts = each([]string{
		"AdditionalInfo", "BlockDeviceMapping.N.DeviceName", "BlockDeviceMapping.N.NoDevice", "BlockDeviceMapping.N.VirtualName",
		"BlockDeviceMapping.N.Ebs.AvailabilityZone", "BlockDeviceMapping.N.Ebs.AvailabilityZoneId", "BlockDeviceMapping.N.Ebs.KmsKeyId",
		"BlockDeviceMapping.N.Ebs.OutpostArn", "BlockDeviceMapping.N.Ebs.SnapshotId", "BlockDeviceMapping.N.Ebs.VolumeType",
		"CapacityReservationSpecification.CapacityReservationPreference",
		"CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationId",
		"CapacityReservationSpecification.CapacityReservationTarget.CapacityReservationResourceGroupArn",
		"CpuOptions.AmdSevSnp", "CpuOptions.NestedVirtualization", "CreditSpecification.CpuCredits", "ElasticGpuSpecification.N.Type",
		"ElasticInferenceAccelerator.N.Type", "IamInstanceProfile.Arn", "IamInstanceProfile.Name", "InstanceInitiatedShutdownBehavior",
		"KernelId", "LicenseSpecification.N.LicenseConfigurationArn", "MaintenanceOptions.AutoRecovery", "MetadataOptions.HttpEndpoint",
		"MetadataOptions.HttpProtocolIpv6", "MetadataOptions.HttpTokens", "MetadataOptions.InstanceMetadataTags",
		"NetworkPerformanceOptions.BandwidthWeighting", "Placement.Affinity", "Placement.GroupId", "Placement.GroupName", "Placement.HostId",
		"Placement.HostResourceGroupArn", "Placement.SpreadDomain", "Placement.Tenancy", "PrivateDnsNameOptions.HostnameType", "RamdiskId", "UserData",
	}, anyText)
	harmlessFlags = each([]string{
		"BlockDeviceMapping.N.Ebs.DeleteOnTermination", "BlockDeviceMapping.N.Ebs.Encrypted", "EbsOptimized", "Monitoring.Enabled",
		"PrivateDnsNameOptions.EnableResourceNameDnsARecord", "PrivateDnsNameOptions.EnableResourceNameDnsAAAARecord",
	}, aBoolean)
	harmlessNumbers = each([]string{
		"BlockDeviceMapping.N.Ebs.EbsCardIndex", "BlockDeviceMapping.N.Ebs.Iops", "BlockDeviceMapping.N.Ebs.Throughput",
		"BlockDeviceMapping.N.Ebs.VolumeInitializationRate", "BlockDeviceMapping.N.Ebs.VolumeSize", "CpuOptions.CoreCount",
		"CpuOptions.ThreadsPerCore", "ElasticInferenceAccelerator.N.Count", "MetadataOptions.HttpPutResponseHopLimit", "Placement.PartitionNumber",
	}, aNumber)
	// nicParams are the interfaces that a launch names itself.
	nicParams = slices.Concat([]param{
		number("NetworkInterface.N.DeviceIndex"), number("NetworkInterface.N.NetworkCardIndex"), id("NetworkInterface.N.NetworkInterfaceId", interfaceID),
		id("NetworkInterface.N.SubnetId", subnetID), id("NetworkInterface.N.SecurityGroupId.N", groupID), checked("NetworkInterface.N.Description", aDescription),
		checked("NetworkInterface.N.InterfaceType", oneOf(interfaceTypes)), boolean("NetworkInterface.N.DeleteOnTermination"), address("NetworkInterface.N.PrivateIpAddress"),
		address("NetworkInterface.N.PrivateIpAddresses.N.PrivateIpAddress"), boolean("NetworkInterface.N.PrivateIpAddresses.N.Primary"),
		number("NetworkInterface.N.SecondaryPrivateIpAddressCount"), checked("NetworkInterface.N.Ipv4Prefix.N.Ipv4Prefix", aPrefix4),
		number("NetworkInterface.N.Ipv4PrefixCount"), number("NetworkInterface.N.Ipv6AddressCount"),
		address6("NetworkInterface.N.Ipv6Addresses.N.Ipv6Address"), boolean("NetworkInterface.N.Ipv6Addresses.N.IsPrimaryIpv6"),
		checked("NetworkInterface.N.Ipv6Prefix.N.Ipv6Prefix", aPrefix6), number("NetworkInterface.N.Ipv6PrefixCount"), boolean("NetworkInterface.N.PrimaryIpv6"),
		boolean("NetworkInterface.N.EnaSrdSpecification.EnaSrdEnabled"), boolean("NetworkInterface.N.EnaSrdSpecification.EnaSrdUdpSpecification.EnaSrdUdpEnabled"),
		number("NetworkInterface.N.EnaQueueCount"),
	}, trackingParams("NetworkInterface.N."), each([]string{"NetworkInterface.N.AssociatePublicIpAddress", "NetworkInterface.N.AssociateCarrierIpAddress"}, onlyFalse))
)

// nicsNamed: each interface of a launch says where it goes, and where it comes from.
func nicsNamed(form *value) error {
	for _, m := range form.members("NetworkInterface") {
		switch {
		case !m.has("DeviceIndex"):
			return missing("NetworkInterface.DeviceIndex")
		case !m.has("NetworkInterfaceId") && !m.has("SubnetId"):
			return missing("NetworkInterface.SubnetId")
		}
		if err := addressesNamed(m); err != nil {
			return err
		}
	}
	return nil
}
