package ec2sim

var runParams = paramsOf([]param{
	id("ImageId", imageID), number("MinCount").must(), number("MaxCount").must(), text("InstanceType"), id("SubnetId", subnetID),
	id("SecurityGroupId.N", groupID), address("PrivateIpAddress"), text("ClientToken"),
}, tagSpecificationParams, unsupported("KeyName", "UserData", "SecurityGroup.N", "EbsOptimized", "Monitoring.Enabled",
	"IamInstanceProfile.Arn", "IamInstanceProfile.Name", "Ipv6AddressCount", "InstanceInitiatedShutdownBehavior",
	"DisableApiTermination", "Placement.AvailabilityZone", "Placement.Tenancy", "LaunchTemplate.LaunchTemplateId",
	"LaunchTemplate.LaunchTemplateName", "LaunchTemplate.Version", "NetworkInterface.N.DeviceIndex",
	"NetworkInterface.N.SubnetId", "NetworkInterface.N.NetworkInterfaceId", "NetworkInterface.N.NetworkCardIndex",
	"NetworkInterface.N.DeleteOnTermination", "NetworkInterface.N.Description", "NetworkInterface.N.SecurityGroupId.N",
	"NetworkInterface.N.AssociatePublicIpAddress", "NetworkInterface.N.InterfaceType"))

// runForm is a launch once its parameters are known to make sense by themselves.
type runForm struct {
	Instance
	image    string
	min, max int
	// eniTags are the tags for the interfaces that come with the instances.
	eniTags map[string]string
}

func readRun(c *call) (runForm, error) {
	f := runForm{
		min: c.form.number("MinCount", 0), max: c.form.number("MaxCount", 0), image: c.form.get("ImageId"),
		Instance: Instance{
			Type: c.form.get("InstanceType"), Subnet: c.form.get("SubnetId"), State: pending,
			SecurityGroups: c.form.texts("SecurityGroupId"), PrivateIP: c.form.get("PrivateIpAddress"),
		},
	}
	switch {
	case f.min < 1 || f.max < f.min:
		return f, badValue("MinCount", c.form.get("MinCount"), "Expecting at least 1, and at most MaxCount.")
	case f.image == "":
		return f, missing("ImageId")
	case f.Type == "":
		return f, missing("InstanceType")
	case f.Subnet == "":
		return f, fail("VPCIdNotSpecified", "No default VPC for this user")
	case f.PrivateIP != "" && f.max > 1:
		return f, fail("InvalidParameterCombination", "A private IP address can be given to one instance only")
	}
	if _, ok := instanceTypes.byID[f.Type]; !ok {
		return f, badValue("InstanceType", f.Type, "The instance type does not exist.")
	}
	var err error
	f.Tags, f.eniTags, err = launchTags(c.form)
	return f, err
}

// launchTags splits the tags by the two kinds of resource that a launch makes.
func launchTags(form *value) (instance, eni map[string]string, err error) {
	byKind := map[string]map[string]string{"instance": {}, "network-interface": {}}
	for _, spec := range form.members("TagSpecification") {
		tags, ok := byKind[spec.get("ResourceType")]
		if !ok {
			return nil, nil, fail("InvalidParameterValue", "'%s' is not a taggable resource type that this simulator launches.", spec.get("ResourceType"))
		}
		if err := readTags(spec, tags); err != nil {
			return nil, nil, err
		}
		if err := checkTags(tags); err != nil {
			return nil, nil, err
		}
	}
	return byKind["instance"], byKind["network-interface"], nil
}

// runInstances launches as many instances as there is room for, up to MaxCount, and
// none if there is no room for MinCount.
func runInstances(s *Simulator, c *call, w *xmlWriter) error {
	form, err := readRun(c)
	if err != nil {
		return err
	}
	n, err := s.roomFor(form)
	if err != nil {
		return err
	}
	var made []*instance
	for i := range n {
		in, err := s.launchOne(form, i, c)
		if err != nil {
			return err
		}
		if i > 0 {
			in.reservation = made[0].reservation
		}
		made = append(made, in)
	}
	w.text("reservationId", made[0].reservation)
	w.text("ownerId", s.account)
	set(w, "groupSet", nil, w.raw)
	set(w, "instancesSet", made, func(in *instance) { w.instance(in, in.interfaces()) })
	return nil
}

// roomFor makes every check of a launch, so that nothing is made of one that fails.
func (s *Simulator) roomFor(f runForm) (int, error) {
	sn, err := s.subnetByID(f.Subnet)
	if err != nil {
		return 0, err
	}
	groups, err := s.groupsOf(sn.vpc, f.SecurityGroups)
	if err != nil {
		return 0, err
	}
	if err := s.checkGroupLimit(len(groups)); err != nil {
		return 0, err
	}
	if err := s.checkRegionLimit(f.min); err != nil {
		return 0, err
	}
	n := min(f.max, s.quotas.InterfacesPerRegion-len(s.interfaces.sorted), sn.pool.available())
	if n < f.min {
		return 0, s.subnetFull(sn)
	}
	return n, nil
}

func (s *Simulator) launchOne(f runForm, index int, c *call) (*instance, error) {
	in, err := s.launch(f.Instance, c.now)
	if err != nil {
		return nil, err
	}
	in.image, in.index, in.clientTok = f.image, index, c.form.get("ClientToken")
	if len(f.eniTags) > 0 {
		s.tagPrimary(in, f.eniTags)
	}
	return in, nil
}

func (s *Simulator) tagPrimary(in *instance, tags map[string]string) {
	e := in.primary()
	s.change(e, func() { e.tags = tags })
}

func runResources(s *Simulator, c *call) []resource {
	made := resource{
		arn: s.arn("instance", "*"), requestTags: requestTagsOf(c.form),
		keys: map[string]string{"ec2:instancetype": c.form.get("InstanceType")},
	}
	out := []resource{
		made,
		{arn: "arn:aws:ec2:" + s.region + "::image/" + c.form.get("ImageId")},
		{arn: s.arn("network-interface", "*")},
		{arn: s.arn("volume", "*")},
		s.subnetResource(c.form.get("SubnetId")),
	}
	for _, id := range c.form.texts("SecurityGroupId") {
		out = append(out, s.groupResource(id))
	}
	return append(out, tagOnCreate(made, c)...)
}
