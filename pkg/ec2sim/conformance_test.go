package ec2sim

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
)

// Where rows have their answers from: pages of EC2's documentation, reports of what EC2
// has answered, code of those who live by it, or words that say that it is nowhere.
// docAPI is the reference page of the row's action. The page of errors has the codes,
// also those for all that a reference page rules out in general: InvalidParameterValue
// for a value, InvalidParameterCombination for two parameters together.
const (
	docAPI        = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_*.html"
	docErrors     = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html"
	docPages      = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html"
	docFilters    = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html"
	docTokens     = "https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html"
	docTags       = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Tags.html"
	docENI        = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/using-eni.html"
	docDetach     = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DetachNetworkInterface.html"
	docEFA        = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-efa.html"
	seenPrefixes  = "https://github.com/aws/amazon-vpc-cni-k8s/releases/tag/v1.9.0"
	docEFAOnly    = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/efa-acc-inst-types.html"
	docENAExpress = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ena-express.html"
	docLife       = "https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/ec2-instance-lifecycle.html"
	docSizing     = "https://docs.aws.amazon.com/vpc/latest/userguide/subnet-sizing.html"
	docIAM        = "https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonec2.html"
	docConditions = "https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html"
	docInstance   = "https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_Instance.html"
	seenSlot      = "https://github.com/lstoll/k8s-vpcnet/issues/71"
	seenLimit     = "https://github.com/cilium/cilium/issues/15877"
	seenDelete    = "https://github.com/gruntwork-io/cloud-nuke/issues/431"
	seenPrimary   = "https://github.com/redhat-performance/cloud-governance/issues/952"
	seenManaged   = "https://github.com/boto/boto3/issues/2219"
	seenPages     = "https://github.com/aws/amazon-vpc-resource-controller-k8s/issues/188"
	seenValues    = "https://github.com/apache/druid/issues/1954"
	cardBug       = "https://github.com/cilium/cilium/issues/42512"
	seenFull      = "https://github.com/aws/amazon-vpc-cni-k8s/issues/3105"
	seenRange     = "https://github.com/JamesWoolfenden/terraform-aws-cassandra/issues/18"
	seenAddress   = "https://github.com/hashicorp/terraform-provider-aws/issues/23114"
	seenGone      = "https://github.com/hashicorp/terraform-provider-aws/issues/35568"
	seenNothing   = "https://github.com/aws/aws-sdk-go-v2/issues/1107"
	seenStuck     = "https://github.com/ansible-collections/amazon.aws/issues/501"
	seenReserved  = "https://github.com/kubernetes-sigs/cluster-api-provider-aws/issues/5120"
	seenNoTags    = "https://github.com/dask/dask-ec2/issues/90"
	seenEmptyKey  = "https://github.com/aws/aws-cli/issues/3283"
	seenFilter    = "https://github.com/boto/boto3/issues/1299"
	seenType      = "https://github.com/scylladb/scylla-cluster-tests/issues/12419"
	seenAction    = "https://github.com/boto/boto/issues/3137"
	seenNetworks  = "https://github.com/ansible/ansible-modules-core/issues/347"
	seenBoth      = "https://github.com/aws/aws-cli/issues/809"
	// Instances' status has filters of its own, tags are none of them.
	seenStatusFilter = "https://github.com/aws/aws-cli/issues/7225"
	seenLaunchLimit  = "https://github.com/chef/knife-ec2/pull/375"
	seenLaunchInUse  = "https://github.com/hashicorp/terraform-provider-aws/issues/27513"
	codeCNI          = "https://github.com/aws/amazon-vpc-cni-k8s/blob/master/pkg/awsutils/awsutils.go"
	codeCilium       = "https://github.com/cilium/cilium/blob/0007e35d0a5de7b570e4750cb12a7965b3301949/pkg/aws/eni/node.go"
	// assumed is what nobody has verified: the answer that hurts a careless client most.
	assumed = "an assumption of ours"
	// choice is an assumption, too, and the other one: a world chooses it.
	choice = "the other assumption; see Variants"
	// order is which of two refusals comes first.
	order = "an assumption of ours: the order of checks in the package's documentation"
	// simulated is what only a fault rule brings about.
	simulated = "a fault of the simulator's making"
	// ours is what EC2 does and the simulator does not.
	ours = "not implemented; see the package's documentation"
)

// assumedCode is the source of a refusal that a page tells of without its code.
func assumedCode(page string) string { return page + "; the code is an assumption of ours" }

// sourced tells whether a source is one: a page, an issue, code, or the word for none.
func sourced(source string) bool {
	return strings.HasPrefix(source, "https://") || slices.Contains([]string{assumed, choice, order, simulated, ours}, source)
}

// conformance is the whole suite: what each action answers in each situation, and what
// comes of it.
func conformance() []row {
	return slices.Concat(
		createRows(), clientTokenRows(), attachRows(), detachRows(), deleteRows(), modifyRows(), assignRows(), ipv6Rows(), tagsRows(),
		describeInterfacesRows(), describeInstancesRows(), interfaceAttributeRows(), instanceAttributeRows(), instanceStatusRows(), zoneRows(), describeTagsRows(), describeRestRows(),
		runInstancesRows(), lifeRows(), accessRows(), stuckRows(), wholeRows(), orderRows(), valueRows(), rulesRows(),
	)
}

// leastRows is how many rows the suite must not fall below.
const leastRows = 400

// TestConformance runs the suite with the real SDK over HTTP, each row in a world of its own.
func TestConformance(t *testing.T) {
	t.Parallel()
	rows := conformance()
	if len(rows) < leastRows {
		t.Errorf("the suite has %d rows, want at least %d", len(rows), leastRows)
	}
	told := map[[2]string]bool{}
	for _, r := range rows {
		key := [2]string{r.action, r.situation}
		if _, known := operations[r.action]; !known && r.code != "InvalidAction" || r.situation == "" || !sourced(r.source) || r.code == "" || told[key] {
			t.Errorf("row %q lacks a column, or is there twice", key)
		}
		told[key] = true
		t.Run(r.action+"/"+r.situation, func(t *testing.T) {
			t.Parallel()
			r.check(t)
		})
	}
	for action := range operations {
		if !slices.ContainsFunc(rows, func(r row) bool { return r.action == action }) {
			t.Errorf("the suite has no row for %s", action)
		}
	}
}

// overHTTP puts a server and a socket between the lab's client and its simulator. In the
// end every answer is held against the SDK.
func (l *lab) overHTTP() {
	seen := &recordingHandler{next: l.sim}
	server := httptest.NewServer(seen)
	l.Cleanup(func() {
		server.Close()
		known, err := sdkShapes()
		if err != nil {
			l.Fatal(err)
		}
		for _, x := range seen.all {
			if err := x.check(known); err != nil {
				l.Error(err)
			}
		}
	})
	l.server = server
	l.ec2 = l.client("AKIDTEST")
}

// things are what a call that is refused must leave as it is: all but what the call costs
// (tokens of buckets, its client token, its turn of fault rules), random numbers, and
// pictures of the past.
func (l *lab) things() string {
	now := l.sim.Save()
	now.Time = l.began
	st := now.State
	st.Random, st.Buckets, st.Tokens, st.Faults, st.EventSeq = nil, nil, nil, nil, 0
	st.UnsettledInterfaces, st.UnsettledInstances, st.UnsettledSubnets, st.UnsettledGroups, st.UnsettledVPCs = nil, nil, nil, nil, nil
	out, err := json.Marshal(now)
	l.must(err)
	return string(out)
}

// check runs one row.
func (r row) check(t *testing.T) {
	l := newLab(t, func(w *World) {
		if r.world != nil {
			r.world(w)
		}
	})
	l.overHTTP()
	if r.given != nil {
		r.given(l)
	}
	before, at := l.things(), l.sim.Now()
	code, status := outcome(r.when(l))
	if want := r.wantStatus(); code != r.code || status != want {
		t.Errorf("got %s %d, want %s %d (%s)", code, status, r.code, want, strings.Replace(r.source, "*", r.action, 1))
	}
	if r.code != "OK" && l.sim.Now().Equal(at) && l.things() != before {
		t.Errorf("a call that was refused has changed the world from\n%s\nto\n%s", before, l.things())
	}
	if r.then != nil {
		r.then(l)
	}
	checkInvariants(t, l.sim)
}

func (r row) wantStatus() int {
	switch {
	case r.status != 0:
		return r.status
	case r.code == "OK":
		return http.StatusOK
	}
	return http.StatusBadRequest
}
