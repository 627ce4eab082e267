package audit

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/shell"
)

// service is how an interface of an AWS service is recognised, by EC2's interface type or by the description that the
// service gives, and where to look next. In name and next, $1 is what the description's pattern caught; SUBNET and VPC
// in next are put in.
type service struct {
	kind        string
	description *regexp.Regexp
	name        string
	next        []string
}

// Source: https://repost.aws/knowledge-center/vpc-find-owner-unknown-resources
var services = []service{
	{kind: "natGateway", name: "a NAT gateway", next: []string{"ec2", "describe-nat-gateways", "--filter", "Name=subnet-id,Values=SUBNET"}},
	{kind: "vpc_endpoint", name: "a VPC endpoint", next: []string{"ec2", "describe-vpc-endpoints", "--filters", "Name=vpc-id,Values=VPC"}},
	{kind: "gateway_load_balancer_endpoint", name: "an endpoint of a gateway load balancer", next: []string{"ec2", "describe-vpc-endpoints", "--filters", "Name=vpc-id,Values=VPC"}},
	{kind: "lambda", name: "a Lambda function", next: []string{"lambda", "list-functions", "--query", `Functions[?VpcConfig.VpcId=='VPC'].FunctionName`}},
	{kind: "transit_gateway", name: "a transit gateway", next: []string{"ec2", "describe-transit-gateway-vpc-attachments", "--filters", "Name=vpc-id,Values=VPC"}},
	{description: regexp.MustCompile(`^ELB (?:app|net|gwy)/([^/ ]+)/`), name: "load balancer $1", next: []string{"elbv2", "describe-load-balancers", "--names", "$1"}},
	{description: regexp.MustCompile(`^ELB ([^/ ]+)$`), name: "load balancer $1", next: []string{"elb", "describe-load-balancers", "--load-balancer-names", "$1"}},
	{description: regexp.MustCompile(`^Amazon EKS ([^ ]+)$`), name: "the control plane of EKS cluster $1", next: []string{"eks", "describe-cluster", "--name", "$1"}},
	{description: regexp.MustCompile(`^EFS mount target for (fs-[0-9a-f]+)`), name: "a mount target of EFS file system $1", next: []string{"efs", "describe-mount-targets", "--file-system-id", "$1"}},
	{description: regexp.MustCompile(`^RDSNetworkInterface$`), name: "an RDS database", next: []string{"rds", "describe-db-instances"}},
}

// matches reports whether the interface is one of the service's, and what its description says of which.
func (s service) matches(found eni.FoundInterface) (which string, ok bool) {
	if s.description == nil {
		return "", s.kind == found.Type
	}
	match := s.description.FindStringSubmatch(found.Description)
	if match == nil {
		return "", false
	}
	return strings.Join(match[1:], ""), true
}

// judgeAWS judges what a service of AWS manages: nobody else can detach or delete it.
func judgeAWS(d Finding, found eni.FoundInterface) Finding {
	d.Whose = AWS
	for _, s := range services {
		which, ok := s.matches(found)
		if !ok {
			continue
		}
		put := strings.NewReplacer("$1", which, "SUBNET", d.SubnetID, "VPC", d.VPCID)
		words := []string{"aws"}
		for _, word := range s.next {
			words = append(words, put.Replace(word))
		}
		d.Why = fmt.Sprintf("it belongs to %s, and goes with that", strings.ReplaceAll(s.name, "$1", which))
		d.Next = shell.Command(words...)
		return d
	}
	d.Why = fmt.Sprintf("AWS manages it (%s, type %s); it goes with what it was made for", cmp.Or(found.Operator, found.Requester, "nobody says who"), found.Type)
	d.Next = showInterface(d)
	return d
}
