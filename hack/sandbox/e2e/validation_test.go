package e2e

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/dynamic"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

type fields = map[string]any

// withSpec is a good NodeENI whose spec is changed; nil takes a field away.
func withSpec(change fields) *unstructured.Unstructured {
	spec := fields{
		"nodeSelector":     fields{"ng": "multi-eni"},
		"subnetID":         sandbox.SubnetA,
		"securityGroupIDs": []any{sandbox.Workers},
	}
	maps.Copy(spec, change)
	maps.DeleteFunc(spec, func(_ string, value any) bool { return value == nil })
	return &unstructured.Unstructured{Object: fields{
		"apiVersion": v1alpha1.SchemeGroupVersion.String(), "kind": "NodeENI", "metadata": fields{"name": "x"}, "spec": spec,
	}}
}

// groups are so many different security groups.
func groups(count int) []any {
	var list []any
	for i := range count {
		list = append(list, fmt.Sprintf("sg-%017x", i))
	}
	return list
}

// entries are so many labels or tags.
func entries(count int) fields {
	all := fields{}
	for i := range count {
		all[fmt.Sprint("key", i)] = "value"
	}
	return all
}

// submit sends the object for a dry run, and refuses unknown fields as kubectl does.
func submit(t *testing.T, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	t.Helper()
	client, err := dynamic.NewForConfig(shared.cluster.Config)
	if err != nil {
		t.Fatal(err)
	}
	return client.Resource(v1alpha1.SchemeGroupVersion.WithResource("nodeenis")).Create(t.Context(), object, metav1.CreateOptions{
		DryRun: []string{metav1.DryRunAll}, FieldValidation: metav1.FieldValidationStrict,
	})
}

// badSpecs are what the API server must refuse; TestEveryRuleHasACase reads them too.
var badSpecs = func() map[string]badSpec {
	const (
		reserved   = "tags must not use the reserved key prefixes"
		labelKey   = "each key of nodeSelector must be a label key"
		labelValue = "each value of nodeSelector must be a label value"
	)
	return map[string]badSpec{
		"selector that is no map":    {fields{"nodeSelector": "ng=multi-eni"}, []string{"spec.nodeSelector", "must be of type object"}},
		"no selector":                {fields{"nodeSelector": nil}, []string{"spec.nodeSelector", "Required value"}},
		"empty selector":             {fields{"nodeSelector": fields{}}, []string{"spec.nodeSelector", "at least 1"}},
		"too many labels":            {fields{"nodeSelector": entries(65)}, []string{"spec.nodeSelector", "at most 64"}},
		"label that is no text":      {fields{"nodeSelector": fields{"gpu": true}}, []string{"spec.nodeSelector.gpu", "must be of type string"}},
		"expression for a label key": {fields{"nodeSelector": fields{"ng in (a, b)": ""}}, []string{labelKey}},
		"label key too long":         {fields{"nodeSelector": fields{strings.Repeat("n", 64): "a"}}, []string{labelKey}},
		"two values for a label":     {fields{"nodeSelector": fields{"ng": "a,b"}}, []string{labelValue}},
		"label value too long":       {fields{"nodeSelector": fields{"ng": strings.Repeat("v", 64)}}, []string{labelValue}},
		"label value ends badly":     {fields{"nodeSelector": fields{"ng": "a."}}, []string{labelValue}},
		"subnet that is no text":     {fields{"subnetID": int64(1)}, []string{"spec.subnetID", "must be of type string"}},
		"no subnet":                  {fields{"subnetID": nil}, []string{"spec.subnetID", "Required value"}},
		"empty subnet":               {fields{"subnetID": ""}, []string{"spec.subnetID", "at least 1 chars"}},
		"subnet of another kind":     {fields{"subnetID": "vpc-0123456789abcdef0"}, []string{"subnetID must be 'subnet-' followed by 8 to 17 lower-case hex digits"}},
		"subnet in capitals":         {fields{"subnetID": "subnet-0F59B4F1"}, []string{"subnetID must be 'subnet-'"}},
		"subnet too short":           {fields{"subnetID": "subnet-0f59b4f"}, []string{"subnetID must be 'subnet-'"}},
		"subnet too long":            {fields{"subnetID": "subnet-0123456789abcdef01"}, []string{"spec.subnetID", "at most 24"}},
		"subnet far too long":        {fields{"subnetID": strings.Repeat("s", 65)}, []string{"spec.subnetID", "more than 64 bytes"}},
		"groups as one text":         {fields{"securityGroupIDs": sandbox.Workers}, []string{"spec.securityGroupIDs", "must be of type array"}},
		"a group that is no text":    {fields{"securityGroupIDs": []any{int64(1)}}, []string{"spec.securityGroupIDs[0]", "must be of type string"}},
		"no groups":                  {fields{"securityGroupIDs": nil}, []string{"spec.securityGroupIDs", "Required value"}},
		"empty groups":               {fields{"securityGroupIDs": []any{}}, []string{"spec.securityGroupIDs", "at least 1"}},
		"too many groups":            {fields{"securityGroupIDs": groups(17)}, []string{"spec.securityGroupIDs", "at most 16"}},
		"a group twice":              {fields{"securityGroupIDs": []any{sandbox.Workers, sandbox.Workers}}, []string{"spec.securityGroupIDs[1]", "Duplicate value"}},
		"a group of another kind":    {fields{"securityGroupIDs": []any{sandbox.Workers, "default"}}, []string{"each of securityGroupIDs must be 'sg-' followed by 8 to 17 lower-case hex digits"}},
		"an empty group":             {fields{"securityGroupIDs": []any{""}}, []string{"spec.securityGroupIDs[0]", "at least 1 chars"}},
		"a group too long":           {fields{"securityGroupIDs": []any{"sg-0123456789abcdef01"}}, []string{"spec.securityGroupIDs[0]", "at most 20"}},
		"a group far too long":       {fields{"securityGroupIDs": []any{strings.Repeat("s", 65)}}, []string{"spec.securityGroupIDs[0]", "more than 64 bytes"}},
		"index of the primary":       {fields{"deviceIndex": int64(0)}, []string{"spec.deviceIndex", "greater than or equal to 1"}},
		"index too high":             {fields{"deviceIndex": int64(100)}, []string{"spec.deviceIndex", "less than or equal to 99"}},
		"index that is no number":    {fields{"deviceIndex": "one"}, []string{"spec.deviceIndex", "must be of type integer"}},
		"flag that is no flag":       {fields{"deleteOnTermination": "yes"}, []string{"spec.deleteOnTermination", "must be of type boolean"}},
		"description too long":       {fields{"description": strings.Repeat("x", 256)}, []string{"spec.description", "more than 255 bytes"}},
		"description no text":        {fields{"description": int64(1)}, []string{"spec.description", "must be of type string"}},
		"tags that are no map":       {fields{"tags": []any{"team"}}, []string{"spec.tags", "must be of type object"}},
		"too many tags":              {fields{"tags": entries(36)}, []string{"spec.tags", "at most 35"}},
		"tag that is no text":        {fields{"tags": fields{"costs": int64(1)}}, []string{"spec.tags.costs", "must be of type string"}},
		"tag key empty":              {fields{"tags": fields{"": "value"}}, []string{"each key of tags must have 1 to 128 characters"}},
		"tag key too long":           {fields{"tags": fields{strings.Repeat("k", 129): "value"}}, []string{"each key of tags must have 1 to 128 characters"}},
		"tag value too long":         {fields{"tags": fields{"key": strings.Repeat("v", 257)}}, []string{"each value of tags must have at most 256 characters"}},
		"tag of the controller":      {fields{"tags": fields{"networking.k8s.aws/slot": "0-1"}}, []string{reserved}},
		"tag of AWS":                 {fields{"tags": fields{"aws:x": "y"}}, []string{reserved}},
		"tag of EKS":                 {fields{"tags": fields{"eks:x": "y"}}, []string{reserved}},
		"tag of Kubernetes":          {fields{"tags": fields{"kubernetes.io/cluster/x": "owned"}}, []string{reserved}},
		"tag of the VPC CNI":         {fields{"tags": fields{"node.k8s.amazonaws.com/no_manage": "false"}}, []string{reserved}},
		"a field that nobody knows":  {fields{"subnetId": sandbox.SubnetA}, []string{`unknown field "spec.subnetId"`}},
		"several mistakes, all told": {fields{"deviceIndex": int64(0), "subnetID": nil}, []string{"spec.deviceIndex", "spec.subnetID"}},
	}
}()

type badSpec struct {
	spec fields
	want []string // in the message
}

func TestBadSpecIsRefused(t *testing.T) {
	for name, test := range badSpecs {
		t.Run(name, func(t *testing.T) {
			_, err := submit(t, withSpec(test.spec))
			if !apierrors.IsInvalid(err) && !apierrors.IsBadRequest(err) {
				t.Fatalf("not refused as it should: %v", err)
			}
			for _, want := range test.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the message does not say %q:\n%v", want, err)
				}
			}
		})
	}
}

func TestGoodSpecIsAccepted(t *testing.T) {
	cases := map[string]fields{
		"the least":                {},
		"short IDs":                {"subnetID": "subnet-01234567", "securityGroupIDs": []any{"sg-01234567"}},
		"the most groups":          {"securityGroupIDs": groups(16)},
		"the highest index":        {"deviceIndex": int64(99)},
		"an empty description":     {"description": ""},
		"the longest description":  {"description": strings.Repeat("x", 255)},
		"the most labels":          {"nodeSelector": entries(64)},
		"the longest label":        {"nodeSelector": fields{"example.com/" + strings.Repeat("n", 63): strings.Repeat("v", 63)}},
		"a label without a value":  {"nodeSelector": fields{"node-role.kubernetes.io/worker": ""}},
		"the most tags":            {"tags": entries(35)},
		"the longest tag":          {"tags": fields{strings.Repeat("k", 128): strings.Repeat("v", 256)}},
		"an empty tag value":       {"tags": fields{"key": ""}},
		"a prefix that is not one": {"tags": fields{"awsome": "x", "eks": "x", "my.kubernetes.io/x": "y"}},
	}
	for name, spec := range cases {
		t.Run(name, func(t *testing.T) {
			if _, err := submit(t, withSpec(spec)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDefaults(t *testing.T) {
	made, err := submit(t, withSpec(nil))
	if err != nil {
		t.Fatal(err)
	}
	spec := made.Object["spec"].(fields)
	if spec["deviceIndex"] != int64(1) || spec["deleteOnTermination"] != true {
		t.Errorf("deviceIndex %v, deleteOnTermination %v", spec["deviceIndex"], spec["deleteOnTermination"])
	}
}

// What the API server says reaches who uses kubectl.
func TestKubectlShowsWhatIsWrong(t *testing.T) {
	bad := `
apiVersion: networking.k8s.aws/v1alpha1
kind: NodeENI
metadata:
  name: bad
spec:
  nodeSelector: {ng: multi-eni}
  subnetID: my-subnet
  securityGroupIDs: [sg-05da196f3314d4af8]
`
	_, err := shared.cluster.Kubectl.RunInput(t.Context(), bad, "apply", "-f", "-")
	if err == nil || !strings.Contains(err.Error(), "subnetID must be 'subnet-'") || !strings.Contains(err.Error(), "for example subnet-0f59b4f14737be9ad") {
		t.Errorf("kubectl says: %v", err)
	}
}
