package schema

import (
	"slices"
	"strings"
	"testing"
)

// Messages that several cases share.
const (
	subnetForm     = "subnetID must be 'subnet-' followed by 8 to 17 lower-case hex digits (at most 24 characters in all), for example subnet-0f59b4f14737be9ad"
	groupForm      = "each of securityGroupIDs must be 'sg-' followed by 8 to 17 lower-case hex digits (at most 20 characters in all), for example sg-05da196f3314d4af8"
	labelKeyForm   = "each key of nodeSelector must be a label key: 1 to 63 letters, digits"
	labelValueForm = "each value of nodeSelector must be a label value: at most 63 letters, digits"
	tagKeyForm     = "each key of tags must have 1 to 128 characters"
	tagValueForm   = "each value of tags must have at most 256 characters"
	tagReserved    = "tags must not use the reserved key prefixes networking.k8s.aws/, aws:, eks:, kubernetes.io/ and node.k8s.amazonaws.com/; choose another key"
)

func TestAccepted(t *testing.T) {
	newest := load(t, crdFile)
	cases := map[string]map[string]any{
		"least":                      nil,
		"several labels":             {"nodeSelector": map[string]any{"ng": "multi-eni", "subnet": "a"}},
		"label with a DNS name":      {"nodeSelector": one("node.kubernetes.io/instance-type", "m5.xlarge")},
		"label of one character":     {"nodeSelector": one("a", "b")},
		"label in capitals":          {"nodeSelector": one("Example.A_b-9", "Z.y_X-1")},
		"label without a value":      {"nodeSelector": one("node-role.kubernetes.io/worker", "")},
		"longest label name":         {"nodeSelector": one(repeat("n", 63), "v")},
		"longest label":              {"nodeSelector": one(repeat(repeat("d", 62)+".", 4)+"d/"+repeat("n", 63), repeat("v", 63))},
		"most labels":                {"nodeSelector": entries(64)},
		"shortest subnet":            {"subnetID": "subnet-01234567"},
		"longest subnet":             {"subnetID": "subnet-0123456789abcdef0"},
		"shortest group":             {"securityGroupIDs": []any{"sg-01234567"}},
		"most groups":                {"securityGroupIDs": groups(16)},
		"first index":                {"deviceIndex": int64(1)},
		"last index":                 {"deviceIndex": int64(99)},
		"left on termination":        {"deleteOnTermination": false},
		"empty description":          {"description": ""},
		"longest description":        {"description": repeat("ä", 255)},
		"no tags":                    {"tags": map[string]any{}},
		"most tags":                  {"tags": entries(35)},
		"longest tag":                {"tags": one(repeat("ä", 128), repeat("ä", 256))},
		"tag without a value":        {"tags": one("team", "")},
		"tag Name":                   {"tags": one("Name", "uplink")},
		"reserved prefix elsewhere":  {"tags": one("my/aws:tag", "eks:")},
		"reserved word, no prefix":   {"tags": one("aws", "kubernetes.io/cluster")},
		"label with a reserved name": {"nodeSelector": one("networking.k8s.aws/pool", "a")},
	}
	for name, changes := range cases {
		t.Run(name, func(t *testing.T) {
			if said := judge(newest, nodeENI(changes)); len(said) > 0 {
				t.Errorf("refused: %q", said)
			}
		})
	}
}

func TestRefused(t *testing.T) {
	newest := load(t, crdFile)
	cases := map[string]struct {
		changes map[string]any
		field   string
		message string
	}{
		"no selector":               {map[string]any{"nodeSelector": nil}, "spec.nodeSelector", "Required value"},
		"empty selector":            {map[string]any{"nodeSelector": map[string]any{}}, "spec.nodeSelector", "should have at least 1 properties"},
		"too many labels":           {map[string]any{"nodeSelector": entries(65)}, "spec.nodeSelector", "must have at most 64 items"},
		"label that is no text":     {map[string]any{"nodeSelector": map[string]any{"gpu": true}}, "spec.nodeSelector.gpu", "must be of type string"},
		"expression as a label key": {map[string]any{"nodeSelector": one("ng in (a, b)", "")}, "spec.nodeSelector", labelKeyForm},
		"empty label key":           {map[string]any{"nodeSelector": one("", "a")}, "spec.nodeSelector", labelKeyForm},
		"label key with two '/'":    {map[string]any{"nodeSelector": one("a/b/c", "a")}, "spec.nodeSelector", labelKeyForm},
		"label key ends badly":      {map[string]any{"nodeSelector": one("ng-", "a")}, "spec.nodeSelector", labelKeyForm},
		"label name too long":       {map[string]any{"nodeSelector": one(repeat("n", 64), "a")}, "spec.nodeSelector", labelKeyForm},
		"DNS name in capitals":      {map[string]any{"nodeSelector": one("Example.com/ng", "a")}, "spec.nodeSelector", labelKeyForm},
		"DNS name too long":         {map[string]any{"nodeSelector": one(repeat("d", 254)+"/n", "a")}, "spec.nodeSelector", labelKeyForm},
		"two label values":          {map[string]any{"nodeSelector": one("ng", "a,b")}, "spec.nodeSelector", labelValueForm},
		"label value too long":      {map[string]any{"nodeSelector": one("ng", repeat("v", 64))}, "spec.nodeSelector", labelValueForm},
		"label value begins badly":  {map[string]any{"nodeSelector": one("ng", "-a")}, "spec.nodeSelector", labelValueForm},
		"label value ends badly":    {map[string]any{"nodeSelector": one("ng", "a.")}, "spec.nodeSelector", labelValueForm},
		"last character is bad":     {map[string]any{"nodeSelector": one("ng", repeat("v", 62)+"*")}, "spec.nodeSelector", labelValueForm},

		"no subnet":              {map[string]any{"subnetID": nil}, "spec.subnetID", "Required value"},
		"empty subnet":           {map[string]any{"subnetID": ""}, "spec.subnetID", subnetForm},
		"subnet by name":         {map[string]any{"subnetID": "private-a"}, "spec.subnetID", subnetForm},
		"subnet too short":       {map[string]any{"subnetID": "subnet-0123456"}, "spec.subnetID", subnetForm},
		"subnet too long":        {map[string]any{"subnetID": "subnet-0123456789abcdef01"}, "spec.subnetID", subnetForm},
		"subnet in capitals":     {map[string]any{"subnetID": "subnet-0F59B4F14737BE9AD"}, "spec.subnetID", subnetForm},
		"subnet with a new line": {map[string]any{"subnetID": "subnet-0f59b4f14737be9ad\n"}, "spec.subnetID", subnetForm},
		"subnet far too long":    {map[string]any{"subnetID": repeat("s", 65)}, "spec.subnetID", "Too long: may not be more than 64 bytes"},

		"no groups":           {map[string]any{"securityGroupIDs": nil}, "spec.securityGroupIDs", "Required value"},
		"empty groups":        {map[string]any{"securityGroupIDs": []any{}}, "spec.securityGroupIDs", "should have at least 1 items"},
		"too many groups":     {map[string]any{"securityGroupIDs": groups(17)}, "spec.securityGroupIDs", "must have at most 16 items"},
		"a group twice":       {map[string]any{"securityGroupIDs": []any{"sg-01234567", "sg-01234567"}}, "spec.securityGroupIDs[1]", `Duplicate value: "sg-01234567"`},
		"group by name":       {map[string]any{"securityGroupIDs": []any{"sg-01234567", "workers"}}, "spec.securityGroupIDs[1]", groupForm},
		"group too short":     {map[string]any{"securityGroupIDs": []any{"sg-0123456"}}, "spec.securityGroupIDs[0]", groupForm},
		"group too long":      {map[string]any{"securityGroupIDs": []any{"sg-0123456789abcdef01"}}, "spec.securityGroupIDs[0]", groupForm},
		"group in capitals":   {map[string]any{"securityGroupIDs": []any{"sg-05DA196F"}}, "spec.securityGroupIDs[0]", groupForm},
		"empty group":         {map[string]any{"securityGroupIDs": []any{""}}, "spec.securityGroupIDs[0]", groupForm},
		"groups as one text":  {map[string]any{"securityGroupIDs": "sg-01234567"}, "spec.securityGroupIDs", "must be of type array"},
		"index 0":             {map[string]any{"deviceIndex": int64(0)}, "spec.deviceIndex", "should be greater than or equal to 1"},
		"index 100":           {map[string]any{"deviceIndex": int64(100)}, "spec.deviceIndex", "should be less than or equal to 99"},
		"index as text":       {map[string]any{"deviceIndex": "1"}, "spec.deviceIndex", "must be of type integer"},
		"flag as text":        {map[string]any{"deleteOnTermination": "true"}, "spec.deleteOnTermination", "must be of type boolean"},
		"description":         {map[string]any{"description": repeat("x", 256)}, "spec.description", "Too long: may not be more than 255 bytes"},
		"too many tags":       {map[string]any{"tags": entries(36)}, "spec.tags", "must have at most 35 items"},
		"empty tag key":       {map[string]any{"tags": one("", "x")}, "spec.tags", tagKeyForm},
		"tag key too long":    {map[string]any{"tags": one(repeat("k", 129), "x")}, "spec.tags", tagKeyForm},
		"tag value too long":  {map[string]any{"tags": one("k", repeat("v", 257))}, "spec.tags", tagValueForm},
		"tag that is no text": {map[string]any{"tags": map[string]any{"costs": int64(1)}}, "spec.tags.costs", "must be of type string"},
		"our own tag":         {map[string]any{"tags": one("networking.k8s.aws/slot", "0-1")}, "spec.tags", tagReserved},
		"tag of AWS":          {map[string]any{"tags": one("aws:x", "x")}, "spec.tags", tagReserved},
		"tag of EKS":          {map[string]any{"tags": one("eks:eni:owner", "x")}, "spec.tags", tagReserved},
		"tag of Kubernetes":   {map[string]any{"tags": one("kubernetes.io/cluster/a", "owned")}, "spec.tags", tagReserved},
		"tag of the VPC CNI":  {map[string]any{"tags": one("node.k8s.amazonaws.com/no_manage", "false")}, "spec.tags", tagReserved},
		"field in lower case": {map[string]any{"subnetId": "subnet-0f59b4f14737be9ad"}, "spec.subnetId", "unknown field"},
	}
	for name, test := range cases {
		t.Run(name, func(t *testing.T) {
			said := judge(newest, nodeENI(test.changes))
			if !slices.ContainsFunc(said, func(s string) bool {
				return strings.Contains(s, test.field) && strings.Contains(s, test.message)
			}) {
				t.Errorf("want %s and %q, got %q", test.field, test.message, said)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	newest := load(t, crdFile)
	object := nodeENI(nil)
	newest.Default(object)
	spec := object["spec"].(map[string]any)
	if spec["deviceIndex"] != int64(1) || spec["deleteOnTermination"] != true {
		t.Errorf("got deviceIndex %v and deleteOnTermination %v, want 1 and true", spec["deviceIndex"], spec["deleteOnTermination"])
	}
	if len(spec) != 5 {
		t.Errorf("other fields have a default too: %v", spec)
	}
}

func TestWithoutSpecRefused(t *testing.T) {
	object := nodeENI(nil)
	delete(object, "spec")
	said := judge(load(t, crdFile), object)
	if len(said) == 0 || !strings.Contains(said[0], "spec: Required value") {
		t.Errorf("got %q", said)
	}
}

func TestExamplesAccepted(t *testing.T) {
	newest := load(t, crdFile)
	for name, object := range documents(t, exampleFile) {
		t.Run(name, func(t *testing.T) {
			if said := judge(newest, object); len(said) > 0 {
				t.Errorf("refused: %q", said)
			}
		})
	}
}
