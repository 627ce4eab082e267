package cloud

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

const describedInterface = `<networkInterfaceId>eni-0aaaaaaaaaaaaaaa1</networkInterfaceId><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
<availabilityZone>us-east-1a</availabilityZone><description>text</description><status>in-use</status><macAddress>02:00:00:00:00:01</macAddress>
<privateIpAddress>10.0.0.9</privateIpAddress><requesterManaged>true</requesterManaged>
<groupSet><item><groupId>sg-2</groupId></item><item><groupId>sg-1</groupId></item></groupSet>
<attachment><attachmentId>eni-attach-0aaaaaaaaaaaaaaa1</attachmentId><instanceId>i-0aaaaaaaaaaaaaaa1</instanceId><deviceIndex>3</deviceIndex>
<networkCardIndex>1</networkCardIndex><status>detaching</status><deleteOnTermination>true</deleteOnTermination></attachment>
<tagSet><item><key>Name</key><value>a/node</value></item><item><key>empty</key><value></value></item></tagSet>`

func TestInterfaceConversion(t *testing.T) {
	c, _ := newScripted(t, always(success(describeNetworkInterfaces,
		"<networkInterfaceSet><item>"+describedInterface+"</item></networkInterfaceSet>")))
	got, err := c.DescribeInterfaces(t.Context(), []string{interface1})
	if err != nil {
		t.Fatal(err)
	}
	want := []eni.Interface{{
		ID: interface1, SubnetID: "subnet-1", VPCID: "vpc-1", Zone: "us-east-1a", Description: "text",
		MAC: "02:00:00:00:00:01", PrivateIP: "10.0.0.9", SecurityGroupIDs: []string{"sg-1", "sg-2"},
		Tags: map[string]string{"Name": "a/node", "empty": ""}, RequesterManaged: true,
		Attachment: &eni.Attachment{
			ID: attach1, InstanceID: instance1, Slot: eni.Slot{Card: 1, Index: 3}, Status: eni.Detaching, DeleteOnTermination: true,
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAttachmentConversion(t *testing.T) {
	at := func(status string) string {
		return "<attachment><attachmentId>a</attachmentId><instanceId>i</instanceId><deviceIndex>1</deviceIndex><status>" + status + "</status></attachment>"
	}
	known := func(status eni.AttachmentStatus) *eni.Attachment {
		return &eni.Attachment{ID: "a", InstanceID: "i", Slot: eni.Slot{Index: 1}, Status: status}
	}
	for _, row := range []struct {
		status, attachment string
		want               *eni.Attachment
	}{
		{"available", "", nil},
		{"pending", "", nil},
		{"available", at("detached"), nil},
		{"in-use", at("detached"), nil},
		{"in-use", at("attaching"), known(eni.Attaching)},
		{"in-use", at("attached"), known(eni.Attached)},
		{"detaching", at("detaching"), known(eni.Detaching)},
		{"available", at("detaching"), known(eni.Detaching)},
		{"in-use", at("busy"), known(eni.UnknownAttachment)},
		{"in-use", "", &eni.Attachment{Status: eni.UnknownAttachment}},
		{"attaching", "", &eni.Attachment{Status: eni.UnknownAttachment}},
		{"never-heard-of", "", &eni.Attachment{Status: eni.UnknownAttachment}},
	} {
		c, _ := newScripted(t, always(success(describeNetworkInterfaces, fmt.Sprintf(
			"<networkInterfaceSet><item><status>%s</status>%s</item></networkInterfaceSet>", row.status, row.attachment))))
		got, err := c.DescribeInterfaces(t.Context(), []string{interface1})
		if err != nil || len(got) != 1 {
			t.Fatalf("%v, %v", got, err)
		}
		if diff := cmp.Diff(row.want, got[0].Attachment); diff != "" {
			t.Errorf("%s %s: %s", row.status, row.attachment, diff)
		}
	}
}

// page answers with one interface and the token of the next page.
func page(id, next string) answer {
	return success(describeNetworkInterfaces, fmt.Sprintf(
		"<networkInterfaceSet><item><networkInterfaceId>%s</networkInterfaceId><status>available</status></item></networkInterfaceSet><nextToken>%s</nextToken>", id, next))
}

func idsOf(list []eni.Interface) []string {
	var ids []string
	for _, i := range list {
		ids = append(ids, i.ID)
	}
	return ids
}

func TestListInterfaces(t *testing.T) {
	c, s := newScripted(t, inTurn(page("eni-1", "two"), page("eni-2", "three"), page("eni-3", "")))
	got, err := c.ListInterfaces(t.Context(), []string{cluster, "former"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"eni-1", "eni-2", "eni-3"}, idsOf(got)); diff != "" {
		t.Error(diff)
	}
	first := map[string]string{
		"Action": describeNetworkInterfaces, "MaxResults": "1000", "Filter.1.Name": "tag:networking.k8s.aws/cluster-id",
		"Filter.1.Value.1": cluster, "Filter.1.Value.2": "former",
	}
	for i, token := range []string{"", "two", "three"} {
		if token != "" {
			first["NextToken"] = token
		}
		if diff := cmp.Diff(first, parameters(s.requests()[i])); diff != "" {
			t.Errorf("request %d: %s", i, diff)
		}
	}
}

func TestListInterfacesNarrowed(t *testing.T) {
	c, s := newScripted(t, always(page("eni-1", "")))
	uids := make([]string, 250)
	for i := range uids {
		uids[i] = fmt.Sprintf("uid-%03d", i)
	}
	got, err := c.ListInterfaces(t.Context(), []string{cluster}, uids)
	if err != nil || len(got) != 2 {
		t.Fatalf("%v, %v: want the interfaces of both calls", got, err)
	}
	for i, want := range []int{200, 50} {
		form := s.requests()[i]
		if form.Get("Filter.1.Name") != "tag:networking.k8s.aws/nodeeni-uid" || values(form, "Filter.1.Value.") != want || form.Has("Filter.2.Name") {
			t.Errorf("request %d has %d UIDs, want %d and nothing else: %v", i, values(form, "Filter.1.Value."), want, form)
		}
	}
	if none, err := c.ListInterfaces(t.Context(), []string{cluster}, []string{}); err != nil || none != nil || len(s.requests()) != 2 {
		t.Errorf("asking for no UID: %v, %v, %d requests; want nothing asked", none, err, len(s.requests()))
	}
}

// values counts the parameters that begin so.
func values(form url.Values, prefix string) int {
	n := 0
	for key := range form {
		if strings.HasPrefix(key, prefix) {
			n++
		}
	}
	return n
}

func TestIncompleteListIsAnError(t *testing.T) {
	for name, second := range map[string]answer{
		"throttled":     refusal(503, "RequestLimitExceeded", "slow"),
		"cut":           {status: 200, body: page("eni-2", "").body[:200]},
		"expired token": refusal(400, "InvalidNextToken", "expired"),
		"endless":       page("eni-2", "two"),
	} {
		t.Run(name, func(t *testing.T) {
			c, _ := newScripted(t, inTurn(page("eni-1", "two"), second))
			if got, err := c.ListInterfaces(t.Context(), []string{cluster}, nil); err == nil || got != nil {
				t.Errorf("got %v, %v: want an error and nothing else", got, err)
			}
		})
	}
}

func TestListingNeedsACluster(t *testing.T) {
	c, s := newScripted(t, always(page("eni-1", "")))
	if got, err := c.ListInterfaces(t.Context(), nil, []string{"uid"}); err == nil || len(s.requests()) != 0 {
		t.Errorf("got %v, %v after %v", got, err, s.requests())
	}
}

func TestDescribeInterfacesInChunks(t *testing.T) {
	c, s := newScripted(t, always(page("eni-1", "")))
	var ids []string
	for i := range 401 {
		ids = append(ids, fmt.Sprintf("eni-%03d", i%400))
	}
	if _, err := c.DescribeInterfaces(t.Context(), ids); err != nil {
		t.Fatal(err)
	}
	if n := len(s.requests()); n != 2 {
		t.Fatalf("%d requests for 400 distinct IDs, want 2", n)
	}
	for _, form := range s.requests() {
		if form.Get("Filter.1.Name") != "network-interface-id" || values(form, "Filter.1.Value.") != 200 || form.Get("MaxResults") != "1000" {
			t.Errorf("request %v", form)
		}
	}
	if got, err := c.DescribeInterfaces(t.Context(), nil); got != nil || err != nil || len(s.requests()) != 2 {
		t.Errorf("asking for nothing: %v, %v, %d requests", got, err, len(s.requests()))
	}
}

const describedInstance = `<reservationSet><item><instancesSet><item><instanceId>i-0aaaaaaaaaaaaaaa1</instanceId><instanceType>m5.xlarge</instanceType>
<instanceState><code>16</code><name>running</name></instanceState><placement><availabilityZone>us-east-1a</availabilityZone></placement>
<privateIpAddress>10.0.0.1</privateIpAddress><privateDnsName>ip-10-0-0-1.ec2.internal</privateDnsName>
<subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId><networkInterfaceSet>
<item><networkInterfaceId>eni-1</networkInterfaceId><description>primary</description><ownerId>1</ownerId>
  <attachment><deviceIndex>0</deviceIndex><networkCardIndex>0</networkCardIndex><status>attached</status></attachment></item>
<item><networkInterfaceId>eni-2</networkInterfaceId><attachment><deviceIndex>2</deviceIndex><networkCardIndex>1</networkCardIndex><status>attaching</status></attachment></item>
<item><networkInterfaceId>eni-3</networkInterfaceId><attachment><deviceIndex>3</deviceIndex><status>detached</status></attachment></item>
<item><networkInterfaceId>eni-4</networkInterfaceId></item>
</networkInterfaceSet></item></instancesSet></item></reservationSet>`

const describedType = `<instanceTypeSet><item><instanceType>m5.xlarge</instanceType><networkInfo><maximumNetworkInterfaces>4</maximumNetworkInterfaces>
<defaultNetworkCardIndex>0</defaultNetworkCardIndex><networkCards>
<item><networkCardIndex>0</networkCardIndex><maximumNetworkInterfaces>8</maximumNetworkInterfaces></item>
<item><networkCardIndex>1</networkCardIndex><maximumNetworkInterfaces>2</maximumNetworkInterfaces></item>
</networkCards></networkInfo></item></instanceTypeSet>`

// byAction answers each action with what is said for it.
func byAction(answers map[string]answer) func(url.Values) answer {
	return func(form url.Values) answer { return answers[form.Get("Action")] }
}

func TestDescribeInstances(t *testing.T) {
	c, s := newScripted(t, byAction(map[string]answer{
		describeInstances:     success(describeInstances, describedInstance),
		describeInstanceTypes: success(describeInstanceTypes, describedType),
	}))
	want := []eni.Instance{{
		ID: instance1, Type: "m5.xlarge", Zone: "us-east-1a", VPCID: "vpc-1", SubnetID: "subnet-1", State: eni.InstanceRunning,
		PrivateIP: "10.0.0.1", PrivateDNSName: "ip-10-0-0-1.ec2.internal",
		Interfaces: []eni.InstanceInterface{
			{ID: "eni-1", Description: "primary", OwnerID: "1", Status: eni.Attached},
			{ID: "eni-2", Slot: eni.Slot{Card: 1, Index: 2}, Status: eni.Attaching},
			{ID: "eni-4", Status: eni.UnknownAttachment},
		},
		MaxInterfaces: map[int32]int32{0: 4, 1: 2},
	}}
	for range 2 {
		got, err := c.DescribeInstances(t.Context(), []string{instance1, instance1})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	wantForms := []map[string]string{
		{"Action": describeInstances, "InstanceId.1": instance1},
		{"Action": describeInstanceTypes, "MaxResults": "100", "Filter.1.Name": "instance-type", "Filter.1.Value.1": "m5.xlarge"},
		{"Action": describeInstances, "InstanceId.1": instance1},
	}
	var forms []map[string]string
	for _, form := range s.requests() {
		forms = append(forms, parameters(form))
	}
	if diff := cmp.Diff(wantForms, forms); diff != "" {
		t.Errorf("the type must be asked for once: %s", diff)
	}
}

func TestDescribeInstancesFallsBackToFilters(t *testing.T) {
	var ids []string
	for i := range 1201 {
		ids = append(ids, fmt.Sprintf("i-%05d", i))
	}
	for _, code := range []string{"InvalidInstanceID.NotFound", "InvalidInstanceID.Malformed"} {
		t.Run(code, func(t *testing.T) {
			c, s := newScripted(t, func(form url.Values) answer {
				if form.Get("InstanceId.1") == "i-00000" {
					return refusal(400, code, "i-00007")
				}
				return success(describeInstances, "<reservationSet/>")
			})
			if _, err := c.DescribeInstances(t.Context(), ids); err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, form := range s.requests() {
				got = append(got, fmt.Sprintf("%d IDs, %d in a filter, MaxResults %q",
					values(form, "InstanceId."), values(form, "Filter.1.Value."), form.Get("MaxResults")))
			}
			filtered := `0 IDs, 200 in a filter, MaxResults "1000"`
			want := []string{`1000 IDs, 0 in a filter, MaxResults ""`, filtered, filtered, filtered, filtered, filtered, `201 IDs, 0 in a filter, MaxResults ""`}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDescribeInstancesFailsWhole(t *testing.T) {
	for name, answers := range map[string]map[string]answer{
		"instances": {describeInstances: refusal(500, "InternalError", "")},
		"types":     {describeInstances: success(describeInstances, describedInstance), describeInstanceTypes: refusal(403, "UnauthorizedOperation", "")},
	} {
		c, s := newScripted(t, byAction(answers))
		if got, err := c.DescribeInstances(t.Context(), []string{instance1}); err == nil || got != nil {
			t.Errorf("%s: got %v, %v after %v", name, got, err, s.requests())
		}
	}
}

func TestUnknownTypeIsAskedForSeldom(t *testing.T) {
	c, s := newScripted(t, byAction(map[string]answer{
		describeInstances:     success(describeInstances, describedInstance),
		describeInstanceTypes: success(describeInstanceTypes, "<instanceTypeSet/>"),
	}))
	for range 3 {
		got, err := c.DescribeInstances(t.Context(), []string{instance1})
		if err != nil || len(got) != 1 || len(got[0].MaxInterfaces) != 0 {
			t.Errorf("got %v, %v: want an instance without limits", got, err)
		}
	}
	if n := len(s.requests()); n != 4 {
		t.Errorf("%d requests, want 3 for instances and 1 for types", n)
	}
}

func TestDescribeSubnets(t *testing.T) {
	c, s := newScripted(t, always(success(describeSubnets, `<subnetSet><item><subnetId>subnet-1</subnetId><vpcId>vpc-1</vpcId>
<availabilityZone>us-east-1a</availabilityZone><cidrBlock>10.0.0.0/24</cidrBlock><availableIpAddressCount>17</availableIpAddressCount></item></subnetSet>`)))
	got, err := c.DescribeSubnets(t.Context(), []string{"subnet-1", "subnet-2"})
	if err != nil {
		t.Fatal(err)
	}
	want := []eni.Subnet{{ID: "subnet-1", VPCID: "vpc-1", Zone: "us-east-1a", CIDR: "10.0.0.0/24", FreeAddresses: 17}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	wantForm := map[string]string{
		"Action": describeSubnets, "MaxResults": "1000", "Filter.1.Name": "subnet-id", "Filter.1.Value.1": "subnet-1", "Filter.1.Value.2": "subnet-2",
	}
	if diff := cmp.Diff(wantForm, parameters(s.requests()[0])); diff != "" {
		t.Error(diff)
	}
}
