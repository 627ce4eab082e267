package main

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

// footprint.json is what this program measured last, by
//
//	go -C hack/sandbox run ./scale -figures=scale/footprint.json
const footprintFile = "footprint.json"

// attachesASecond are what EC2 grants everybody in the long run.
// Source: https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html
const attachesASecond = 5

// footprint are the recorded figures of one phase, by world, in the order of the file.
func footprint(t *testing.T, phase, figure string) (worlds []string, values map[string]float64) {
	t.Helper()
	rows, err := report.Read(footprintFile)
	if err != nil {
		t.Fatal(err)
	}
	values = map[string]float64{}
	for _, row := range rows {
		if row.Phase == phase && row.Figure == figure {
			worlds, values[row.World] = append(worlds, row.World), row.Value
		}
	}
	if len(worlds) < 2 {
		t.Fatalf("%s has the figure %q of %s for %q only", footprintFile, figure, phase, worlds)
	}
	return worlds, values
}

func deployedResources(t *testing.T) corev1.ResourceRequirements {
	t.Helper()
	data, err := os.ReadFile(filepath.FromSlash("../../../manifests/40-deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var deployment appsv1.Deployment
	if err := yaml.UnmarshalStrict(data, &deployment); err != nil {
		t.Fatal(err)
	}
	return deployment.Spec.Template.Spec.Containers[0].Resources
}

// TestResourcesCoverWhatWasMeasured holds the Deployment's requests and limits against the recorded figures: a replica asks
// for the memory that the largest world takes, may take twice that, and asks for the CPU that it takes to attach interfaces
// as fast as EC2 lets it.
func TestResourcesCoverWhatWasMeasured(t *testing.T) {
	resources := deployedResources(t)
	request, limit := float64(resources.Requests.Memory().Value())/mib, float64(resources.Limits.Memory().Value())/mib
	worlds, peaks := footprint(t, phaseBringUp, "peak RSS")
	if largest := "real, 5000 × 4"; !slices.Contains(worlds, largest) {
		t.Fatalf("%s has no %q, only %q", footprintFile, largest, worlds)
	}
	most := slices.Max(slices.Collect(maps.Values(peaks)))
	if most > request || request > 2*most {
		t.Errorf("%.0f MiB in memory at most, %.0f MiB are asked for, want no less and not twice as much", most, request)
	}
	if limit < 2*most {
		t.Errorf("%.0f MiB in memory at most, %.0f MiB are the limit, want twice as much", most, limit)
	}
	if _, limited := resources.Limits[corev1.ResourceCPU]; limited {
		t.Error("CPU is limited: a leader that is held back loses its Lease")
	}
	_, each := footprint(t, phaseBringUp, "CPU per interface")
	asked := float64(resources.Requests.Cpu().MilliValue())
	for world, cpu := range each {
		// Milliseconds of CPU for each of so many a second are thousandths of a CPU.
		if takes := cpu * attachesASecond; takes > asked {
			t.Errorf("%s: %.0fm of CPU at EC2's rate of attaches, %.0fm are asked for", world, takes, asked)
		}
	}
}

// Whoever reads the manifest learns where its figures come from.
func TestTheManifestNamesItsMeasurements(t *testing.T) {
	data, err := os.ReadFile(filepath.FromSlash("../../../manifests/40-deployment.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(data), "hack/sandbox/scale/"+footprintFile) {
		t.Errorf("40-deployment.yaml does not name %s", footprintFile)
	}
}
