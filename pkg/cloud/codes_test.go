package cloud

import (
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// mustKnow are the codes that our calls can be answered with, by the section of the source that has them. It is kept
// apart from the table, by what EC2 says and not by what we make of it. Where a source does not say which actions answer
// a code, those do that have the parameter, or the state, that it is about.
var mustKnow = []struct {
	source, codes string
	actions       []string // none: every action
}{
	{docErrors + "#common-client-errors", "AuthFailure Blocked DryRunOperation OptInRequired PendingVerification RequestExpired UnauthorizedOperation", nil},
	{docErrors + "#common-client-errors", "IdempotentParameterMismatch", []string{createNetworkInterface}},
	{docErrors + "#common-client-errors", "InvalidParameter InvalidParameterValue MissingParameter UnknownParameter UnsupportedOperation", changing},
	{docErrors + "#common-client-errors", "InvalidParameterCombination", []string{createNetworkInterface, modifyInterfaceAttribute, attachNetworkInterface}},
	{docErrors + "#common-client-errors", "InvalidParameterValue InvalidParameterCombination", describing},
	{docErrors + "#server-errors", "BandwidthLimitExceeded InternalError InternalFailure RequestLimitExceeded ServiceUnavailable Unavailable", nil},
	{docErrors + "#client-errors", "AttachmentLimitExceeded IncorrectInstanceState IncorrectState InvalidInstanceID.NotFound", []string{attachNetworkInterface}},
	{docErrors + "#client-errors", "IncorrectInstanceState IncorrectState InvalidAttachmentID.NotFound InvalidAttachment.NotFound", []string{detachNetworkInterface}},
	{docErrors + "#client-errors", "IncorrectState", []string{deleteNetworkInterface, modifyInterfaceAttribute, createTags, deleteTags}},
	{docErrors + "#client-errors", "InvalidAttachmentID.NotFound InvalidAttachment.NotFound InvalidNetworkInterfaceAttachmentID.NotFound", []string{modifyInterfaceAttribute, detachNetworkInterface}},
	{docErrors + "#client-errors", "InvalidNetworkInterface.InUse InvalidNetworkInterfaceID.InUse", onInterface},
	{docErrors + "#client-errors", "InvalidNetworkInterface.NotFound InvalidNetworkInterfaceID.NotFound", onInterface},
	{docErrors + "#client-errors", "InvalidID", []string{createTags, deleteTags, attachNetworkInterface, modifyInterfaceAttribute}},
	{docErrors + "#client-errors", "InvalidSubnetID.NotFound InvalidSubnet.NotFound InsufficientFreeAddressesInSubnet NetworkInterfaceLimitExceeded PrivateIpAddressLimitExceeded InvalidIPAddress.InUse Resource.AlreadyAssigned InvalidClientToken", []string{createNetworkInterface}},
	{docErrors + "#client-errors", "InvalidGroup.NotFound InvalidGroupID.NotFound InvalidSecurityGroupID.NotFound InvalidSecurityGroup.NotFound SecurityGroupsPerInterfaceLimitExceeded", groupsGiven},
	{docErrors + "#client-errors", "InvalidSubnetID.Malformed InvalidGroupId.Malformed InvalidSecurityGroupId.Malformed", groupsGiven},
	{docErrors + "#client-errors", "InvalidNetworkInterfaceId.Malformed InvalidInstanceID.Malformed InvalidNetworkInterfaceAttachmentId.Malformed OperationNotPermitted", changing},
	{docErrors + "#client-errors", "TagLimitExceeded InvalidTagKey.Malformed", []string{createNetworkInterface, createTags}},
	{docErrors + "#client-errors", "ConcurrentTagAccess", []string{createTags, deleteTags, modifyInterfaceAttribute}},
	{docErrors + "#client-errors", "FilterLimitExceeded InvalidFilter InvalidMaxResults InvalidNextToken InvalidPaginationToken", describing},
	{docErrors + "#client-errors", "InvalidInstanceID.NotFound InvalidInstanceID.Malformed InvalidNetworkInterfaceID.NotFound InvalidNetworkInterfaceId.Malformed InvalidSubnetID.NotFound InvalidSubnetID.Malformed OperationNotPermitted", describing},
	{docCommon, "AccessDeniedException ExpiredTokenException IncompleteSignature MissingAuthenticationToken InvalidClientTokenId RequestTimeoutException ThrottlingException UnrecognizedClientException", nil},
	// What front ends and proxies before EC2 are known to say, by the SDK's lists and AWS's guide to signing.
	{sdkCodes, "Throttling ThrottledException RequestThrottled RequestThrottledException TooManyRequestsException EC2ThrottledException SlowDown Client.RequestLimitExceeded RequestTimeout ExpiredToken", nil},
	{"https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html", "SignatureDoesNotMatch AccessDenied InvalidSecurityToken InvalidAccessKeyId", nil},
	{"https://github.com/aws/amazon-vpc-cni-k8s/issues/3105", "InsufficientCidrBlocks", []string{createNetworkInterface}},
}

// TestEveryCodeThatMustBeKnownIs, and the table has no code that nobody says there is.
func TestEveryCodeThatMustBeKnownIs(t *testing.T) {
	listed := map[string]bool{}
	for _, m := range mustKnow {
		actions := m.actions
		if len(actions) == 0 {
			actions = slices.Concat(changing, describing)
		}
		for _, code := range codes(m.codes) {
			listed[strings.ToLower(code)] = true
			for _, action := range actions {
				if _, known := rowOf(action, code); !known {
					t.Errorf("no row for %s from %s, which is in %s", code, action, m.source)
				}
			}
		}
	}
	for _, row := range ErrorTable() {
		for _, code := range row.Codes {
			if !listed[strings.ToLower(code)] {
				t.Errorf("the table has %s, which is in no source", code)
			}
		}
	}
}

// neverForUs are codes of the simulator's that none of our calls is answered with, and why.
var neverForUs = map[string]string{
	"InvalidAction": "we call no action that EC2 does not have", "MissingAction": "the SDK names the action", "NoSuchVersion": "the SDK names the version",
	"MalformedQueryString": "the SDK writes the form", "InvalidQueryParameter": "the SDK writes the form", "InvalidRequest": "the SDK writes the form",
	"VPCIdNotSpecified": "of RunInstances", "InvalidAMIID.Malformed": "of RunInstances", "InvalidAMIID.NotFound": "of RunInstances",
	"InvalidVpcID.Malformed": "of DescribeVpcs", "InvalidVpcID.NotFound": "of DescribeVpcs",
	"InvalidInstanceType":                  "of DescribeInstanceTypes and RunInstances, for a type that does not exist; types are filtered by",
	"InsufficientAddressCapacity":          "of launches and addresses, as a fault",
	"InsufficientCapacity":                 "of launches and addresses, as a fault",
	"InsufficientCapacityOnHost":           "of launches and addresses, as a fault",
	"InsufficientCapacityOnOutpost":        "of launches and addresses, as a fault",
	"InsufficientHostCapacity":             "of launches and addresses, as a fault",
	"InsufficientInstanceCapacity":         "of launches and addresses, as a fault",
	"InsufficientReservedInstanceCapacity": "of launches and addresses, as a fault",
	"InsufficientVolumeCapacity":           "of launches and addresses, as a fault",
}

// codeShaped is what a code looks like, where it stands among the simulator's other strings.
var codeShaped = regexp.MustCompile(`^(Invalid|Insufficient|Incorrect|Unauthorized|Idempotent)[A-Za-z]+(\.[A-Z][A-Za-z]+)?$|^[A-Z][A-Za-z]+LimitExceeded$|^[A-Z][A-Za-z]+\.(NotFound|Malformed|InUse)$`)

// TestEveryCodeOfTheSimulatorIsKnown: what it learns to answer, the table must learn, too.
func TestEveryCodeOfTheSimulatorIsKnown(t *testing.T) {
	answered := simulatedCodes(t)
	if len(answered) < 40 {
		t.Errorf("only %d codes were found: %q", len(answered), answered)
	}
	for _, code := range answered {
		known := slices.ContainsFunc(slices.Concat(changing, describing), func(action string) bool {
			_, ok := rowOf(action, code)
			return ok
		})
		if _, excused := neverForUs[code]; known == excused {
			t.Errorf("%s: known %v, excused %v; want one of the two", code, known, excused)
		}
	}
	for code := range neverForUs {
		if !slices.Contains(answered, code) {
			t.Errorf("%s is excused, and the simulator does not have it", code)
		}
	}
}

// simulatedCodes are the codes in the simulator's sources: what it fails with, and what else is shaped like one.
func simulatedCodes(t *testing.T) []string {
	t.Helper()
	found := map[string]bool{}
	folder := filepath.Join("..", "ec2sim")
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), ".go") || strings.HasSuffix(entry.Name(), "_test.go") {
			continue
		}
		file, err := parser.ParseFile(gotoken.NewFileSet(), filepath.Join(folder, entry.Name()), nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.CallExpr:
				if f, ok := n.Fun.(*ast.Ident); ok && f.Name == "fail" {
					if text, ok := literal(n.Args[0]); ok {
						found[text] = true
					}
				}
			case *ast.BasicLit:
				if text, ok := literal(n); ok && codeShaped.MatchString(text) {
					found[text] = true
				}
			}
			return true
		})
	}
	return slices.Sorted(maps.Keys(found))
}

// literal is the text of a string in a source.
func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != gotoken.STRING {
		return "", false
	}
	text, err := strconv.Unquote(lit.Value)
	return text, err == nil
}
