package e2e

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
	ownership "github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// adoptionTags are all tags that an adoption writes.
func adoptionTags() map[string]string {
	return ownership.Owner{
		ClusterID: "id", ClusterName: sandbox.ClusterName, NodeENIUID: "0f0f0f0f", NodeENIName: "a",
		NodeName: "node", InstanceID: "i-0123456789abcdef0", Slot: ownership.Slot{Index: 1},
	}.Tags()
}

// abuse is what one condition of the policy for adoption alone stands against: tagging an interface that bears some tags.
type abuse struct{ bears, with map[string]string }

func abusesOfAdoption() map[string]abuse {
	changed := func(key, value string) map[string]string {
		tags := adoptionTags()
		tags[key] = value
		return tags
	}
	const resource = "Null aws:ResourceTag/"
	return map[string]abuse{
		"StringEquals aws:RequestTag/" + ownership.TagClusterName: {with: changed(ownership.TagClusterName, "another")},
		"ForAllValues:StringEquals aws:TagKeys":                   {with: changed("team", "core")},
		resource + ownership.TagClusterID:                         {bears: map[string]string{ownership.TagClusterID: "another"}, with: adoptionTags()},
		resource + ownership.TagClusterName:                       {bears: map[string]string{ownership.TagClusterName: "another"}, with: adoptionTags()},
		resource + ownership.TagNodeENIUID:                        {bears: map[string]string{ownership.TagNodeENIUID: "another"}, with: adoptionTags()},
		resource + ownership.TagCNIInstance:                       {bears: map[string]string{ownership.TagCNIInstance: "i-0123456789abcdef0"}, with: adoptionTags()},
	}
}

// adoptionPolicy is a policy as far as its conditions matter.
type adoptionPolicy struct {
	Version   string
	Statement []map[string]any
}

func readAdoptionPolicy(t *testing.T) (policy adoptionPolicy) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared.repo, "manifests", "iam", "adoption-policy.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &policy); err != nil || len(policy.Statement) != 1 {
		t.Fatalf("%d statements, %v", len(policy.Statement), err)
	}
	return policy
}

// conditions are those of the policy, as operator and key.
func (p adoptionPolicy) conditions() (list []string) {
	for operator, keys := range p.Statement[0]["Condition"].(map[string]any) {
		for key := range keys.(map[string]any) {
			list = append(list, operator+" "+key)
		}
	}
	return slices.Sorted(slices.Values(list))
}

// without takes a condition out.
func (p adoptionPolicy) without(condition string) adoptionPolicy {
	operator, key, _ := strings.Cut(condition, " ")
	all := p.Statement[0]["Condition"].(map[string]any)
	if delete(all[operator].(map[string]any), key); len(all[operator].(map[string]any)) == 0 {
		delete(all, operator)
	}
	return p
}

// allowed are the abuses that EC2 carries out for an adopter with this policy.
func (p adoptionPolicy) allowed(t *testing.T) (list []string) {
	t.Helper()
	repo := t.TempDir()
	iam := filepath.Join(repo, "manifests", "iam")
	if err := os.CopyFS(iam, os.DirFS(filepath.Join(shared.repo, "manifests", "iam"))); err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(iam, "adoption-policy.json"), data, 0o644); err != nil {
		t.Fatal(err)
	}
	sim, err := sandbox.StartSimulator(t.Context(), repo, shared.binaries, sandbox.NewWorld(machines(1), quick), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = sim.Kill(context.Background()) }()
	for name, abuse := range abusesOfAdoption() {
		id, err := sim.AddInterface(t.Context(), ec2sim.Interface{Subnet: sandbox.SubnetA, Tags: abuse.bears})
		if err != nil {
			t.Fatal(err)
		}
		switch err := sim.AdoptersHand().Tags(t.Context(), id, abuse.with); {
		case err == nil:
			list = append(list, name)
		case !strings.Contains(err.Error(), "UnauthorizedOperation"):
			t.Errorf("%s: %v", name, err)
		}
	}
	return slices.Sorted(slices.Values(list))
}

// Each condition of the policy for adoption stands against something that no other one does, and all that the policy
// lets be written is what an adoption writes.
func TestEveryConditionOfTheAdoptionPolicyIsNeeded(t *testing.T) {
	conditions := readAdoptionPolicy(t).conditions()
	if known := slices.Sorted(maps.Keys(abusesOfAdoption())); !slices.Equal(conditions, known) {
		t.Fatalf("the policy has the conditions %q, and the test abuses for %q", conditions, known)
	}
	if allowed := readAdoptionPolicy(t).allowed(t); len(allowed) > 0 {
		t.Errorf("with the policy as it is shipped EC2 carries out what these are against: %q", allowed)
	}
	for _, condition := range conditions {
		if allowed := readAdoptionPolicy(t).without(condition).allowed(t); !slices.Equal(allowed, []string{condition}) {
			t.Errorf("without %q EC2 carries out what these are against: %q", condition, allowed)
		}
	}
	keys := readAdoptionPolicy(t).Statement[0]["Condition"].(map[string]any)["ForAllValues:StringEquals"].(map[string]any)["aws:TagKeys"].([]any)
	var may []string
	for _, key := range keys {
		may = append(may, key.(string))
	}
	if want := slices.Sorted(maps.Keys(adoptionTags())); !slices.Equal(slices.Sorted(slices.Values(may)), want) {
		t.Errorf("the policy lets the keys %q be written, and an adoption writes %q", may, want)
	}
}
