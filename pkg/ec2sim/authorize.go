package ec2sim

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// resource is one of the resources that a call is judged by. EC2 evaluates a call once
// for each, and all must be allowed.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html
type resource struct {
	// action is the call's own where empty; a create with tags also needs ec2:CreateTags.
	action string
	arn    string
	tags   map[string]string
	// keys are the resource's own condition keys, in lower case.
	keys map[string]string
	// attribute is what the call sets, in the word that policies have for it.
	attribute string
	// requestTags are the tags that the call gives this resource.
	requestTags map[string]string
}

// question is what a policy is asked: may this action be done to this resource?
type question struct {
	action, arn, region, account string
	res                          resource
}

// values are what the request holds for a condition key; nil where it has no such key.
func (q question) values(key string) []string {
	lower := strings.ToLower(key)
	if tag, ok := strings.CutPrefix(lower, "aws:requesttag/"); ok {
		return tagValues(q.res.requestTags, tag)
	}
	for _, prefix := range []string{"aws:resourcetag/", "ec2:resourcetag/"} {
		if tag, ok := strings.CutPrefix(lower, prefix); ok {
			return tagValues(q.res.tags, tag)
		}
	}
	switch lower {
	case "aws:tagkeys":
		return sortedKeysOf(q.res.requestTags)
	case "ec2:attribute":
		if q.res.attribute == "" {
			return nil
		}
		return []string{q.res.attribute}
	case "ec2:region", "aws:requestedregion":
		return []string{q.region}
	case "aws:principalaccount", "aws:resourceaccount":
		return []string{q.account}
	}
	return valueIn(q.res.keys, lower)
}

// tagValues are those of a tag whose key a policy may write in any case, as it may every
// condition key: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_tags.html
func tagValues(tags map[string]string, lower string) []string {
	var out []string
	for _, key := range sortedKeysOf(tags) {
		if strings.ToLower(key) == lower {
			out = append(out, tags[key])
		}
	}
	return out
}

func valueIn(m map[string]string, key string) []string {
	if v, ok := m[key]; ok {
		return []string{v}
	}
	return nil
}

// authorize asks the principal's policies about every resource of the call.
func (s *Simulator) authorize(c *call, op operation) error {
	if c.principal == nil {
		return nil
	}
	judged := []resource{{arn: "*"}}
	if op.resources != nil {
		judged = op.resources(s, c)
	}
	for _, res := range judged {
		q := question{action: "ec2:" + orDefault(res.action, c.action), arn: res.arn, region: s.region, account: s.account, res: res}
		if allowed, denied := c.principal.judge(q); !allowed {
			return s.denial(c.principal, q, denied)
		}
	}
	return nil
}

// denial words a refusal as IAM does, down to the encoded message, which here holds
// nothing but the question: sts:DecodeAuthorizationMessage is not there to read it.
func (s *Simulator) denial(p *principal, q question, explicit bool) error {
	why := "because no identity-based policy allows the " + q.action + " action"
	if explicit {
		why = "with an explicit deny in an identity-based policy"
	}
	user := "arn:aws:iam::" + s.account + ":user/" + p.name
	encoded := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%t %s %s %s", explicit, user, q.action, q.arn))
	return fail("UnauthorizedOperation", "You are not authorized to perform this operation. User: %s is not authorized to perform: %s on resource: %s %s. Encoded authorization failure message: %s",
		user, q.action, q.arn, why, encoded)
}

// judge is IAM's rule: a Deny that applies wins, else an Allow must apply.
func (p *principal) judge(q question) (allowed, denied bool) {
	for _, doc := range p.policies {
		for _, st := range doc.Statement {
			if !st.applies(q) {
				continue
			}
			if st.Effect == "Deny" {
				return false, true
			}
			allowed = true
		}
	}
	return allowed, false
}

func (s *Simulator) arn(kind, id string) string {
	return "arn:aws:ec2:" + s.region + ":" + s.account + ":" + kind + "/" + id
}

func (s *Simulator) interfaceResource(id string) resource {
	r := resource{arn: s.arn("network-interface", id)}
	if e, ok := s.interfaces.byID[id]; ok {
		r.tags, r.keys = e.tags, s.networkKeys(e.subnet)
		r.keys["ec2:networkinterfaceid"] = id
	}
	return r
}

func (s *Simulator) networkKeys(sn *subnet) map[string]string {
	return map[string]string{"ec2:vpc": s.arn("vpc", sn.vpc.id), "ec2:subnet": s.arn("subnet", sn.id), "ec2:availabilityzone": sn.zone}
}

func (s *Simulator) instanceResource(id string) resource {
	r := resource{arn: s.arn("instance", id)}
	if in, ok := s.instances.byID[id]; ok {
		r.tags = in.tags
		r.keys = map[string]string{"ec2:instanceid": id, "ec2:instancetype": in.typ.name, "ec2:availabilityzone": in.subnet.zone}
	}
	return r
}

func (s *Simulator) subnetResource(id string) resource {
	r := resource{arn: s.arn("subnet", id)}
	if sn, ok := s.subnets.byID[id]; ok {
		r.tags, r.keys = sn.tags, s.networkKeys(sn)
		r.keys["ec2:subnetid"] = id
	}
	return r
}

func (s *Simulator) groupResource(id string) resource {
	r := resource{arn: s.arn("security-group", id)}
	if g, ok := s.groups.byID[id]; ok {
		r.tags, r.keys = g.tags, map[string]string{"ec2:vpc": s.arn("vpc", g.vpc.id)}
	}
	return r
}

func (s *Simulator) vpcResource(id string) resource {
	r := resource{arn: s.arn("vpc", id)}
	if v, ok := s.vpcs.byID[id]; ok {
		r.tags = v.tags
	}
	return r
}

func (s *Simulator) resourceOfID(id string) resource {
	switch kindOfID(id) {
	case interfaceID:
		return s.interfaceResource(id)
	case instanceID:
		return s.instanceResource(id)
	case subnetID:
		return s.subnetResource(id)
	case groupID:
		return s.groupResource(id)
	}
	return s.vpcResource(id)
}

// requestTagsOf reads the tags that a call gives a kind of resource, or gives by
// themselves, loosely: whether they are right is checked later.
func requestTagsOf(form *value, kind string) map[string]string {
	out := map[string]string{}
	for _, spec := range append(form.members("TagSpecification"), form) {
		if spec != form && spec.get("ResourceType") != kind {
			continue
		}
		for _, t := range spec.members("Tag") {
			out[t.get("Key")] = t.get("Value")
		}
	}
	return out
}

func createResources(s *Simulator, c *call) []resource {
	made := resource{arn: s.arn("network-interface", "*"), requestTags: requestTagsOf(c.form, "network-interface")}
	if sn, ok := s.subnets.byID[c.form.get("SubnetId")]; ok {
		made.keys = s.networkKeys(sn)
	}
	out := []resource{made, s.subnetResource(c.form.get("SubnetId"))}
	for _, id := range s.groupsMeant(c.form.get("SubnetId"), c.form.texts("SecurityGroupId")) {
		out = append(out, s.groupResource(id))
	}
	return append(out, tagOnCreate(made, c)...)
}

// groupsMeant are the groups that an interface in a subnet is to have: those named, or
// else the default one of its VPC, which is judged as if it had been named.
func (s *Simulator) groupsMeant(subnet string, named []string) []string {
	if sn, ok := s.subnets.byID[subnet]; ok && len(named) == 0 {
		return []string{sn.vpc.standard.id}
	}
	return named
}

// tagOnCreate is the leave that tagging at creation needs beside that of the create.
func tagOnCreate(made resource, c *call) []resource {
	if len(made.requestTags) == 0 {
		return nil
	}
	keys := map[string]string{"ec2:createaction": c.action}
	for k, v := range made.keys {
		keys[k] = v
	}
	return []resource{{action: "CreateTags", arn: made.arn, keys: keys, requestTags: made.requestTags}}
}

func attachResources(s *Simulator, c *call) []resource {
	return []resource{s.instanceResource(c.form.get("InstanceId")), s.interfaceResource(c.form.get("NetworkInterfaceId"))}
}

func detachResources(s *Simulator, c *call) []resource {
	e, ok := s.attachments[c.form.get("AttachmentId")]
	if !ok {
		return []resource{s.instanceResource("*"), s.interfaceResource("*")}
	}
	return []resource{s.instanceResource(e.attachment.instance.id), s.interfaceResource(e.id)}
}

func interfaceResources(s *Simulator, c *call) []resource {
	return []resource{s.interfaceResource(c.form.get("NetworkInterfaceId"))}
}

// modifyResources are the interface, and what the attribute is about: the attachment's
// instance, groups or subnets. Each is asked for that attribute.
func modifyResources(s *Simulator, c *call) []resource {
	out := interfaceResources(s, c)
	if e, ok := s.interfaces.byID[c.form.get("NetworkInterfaceId")]; ok && e.attachment != nil && c.form.has("Attachment") {
		out = append(out, s.instanceResource(e.attachment.instance.id))
	}
	for _, id := range c.form.texts("SecurityGroupId") {
		out = append(out, s.groupResource(id))
	}
	for _, id := range c.form.texts("AssociatedSubnetId") {
		out = append(out, s.subnetResource(id))
	}
	for i := range out {
		out[i].attribute = modifiedAttribute(c.form)
	}
	return out
}

func instancesResources(s *Simulator, c *call) []resource {
	var out []resource
	for _, id := range c.form.texts("InstanceId") {
		out = append(out, s.instanceResource(id))
	}
	return out
}

func tagResources(s *Simulator, c *call) []resource {
	var out []resource
	for _, id := range c.form.texts("ResourceId") {
		r := s.resourceOfID(id)
		r.requestTags = requestTagsOf(c.form, "")
		out = append(out, r)
	}
	return out
}
