package cloud

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/component-base/metrics/legacyregistry"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// gathered is what the registry says of one metric: of counters the values, of histograms the counts, by
// the values of the labels.
func gathered(t *testing.T, name string) map[string]float64 {
	t.Helper()
	families, err := legacyregistry.DefaultGatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, metric := range family.GetMetric() {
			var labels []string
			for _, label := range metric.GetLabel() {
				labels = append(labels, label.GetName()+"="+label.GetValue())
			}
			out[strings.Join(labels, " ")] = metric.GetCounter().GetValue() + float64(metric.GetHistogram().GetSampleCount())
		}
	}
	return out
}

func TestCallsAreCounted(t *testing.T) {
	c, _ := newScripted(t, inTurn(
		success(createTags, ""), refusal(400, "TagLimitExceeded", ""), answer{err: errors.New("cut")}))
	calls.Reset()
	callDuration.Reset()
	throttleWait.Reset()
	for range 3 {
		_ = c.PutTags(t.Context(), ours(), map[string]string{"a": "b"})
	}
	stopped, _ := newScripted(t, accept, fenced(time.Time{}, false))
	_ = stopped.PutTags(t.Context(), ours(), map[string]string{"a": "b"})
	for name, want := range map[string]map[string]float64{
		"multi_eni_ec2_calls_total": {
			"action=CreateTags code=OK": 1, "action=CreateTags code=TagLimitExceeded": 1, "action=CreateTags code=NoAnswer": 1,
		},
		"multi_eni_ec2_call_duration_seconds": {"action=CreateTags": 3},
		"multi_eni_ec2_throttle_wait_seconds": {"action=CreateTags": 4},
	} {
		if diff := cmp.Diff(want, gathered(t, name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestLog: one line for each call, with what is needed to find it in CloudTrail, and nothing secret.
func TestLog(t *testing.T) {
	logger := ktesting.NewLogger(t, ktesting.NewConfig(ktesting.Verbosity(4), ktesting.BufferLogs(true)))
	ctx := klog.NewContext(t.Context(), logger)
	c, _ := newScripted(t, inTurn(success(deleteNetworkInterface, ""), refusal(400, "InvalidNetworkInterface.InUse", "busy")))
	_ = c.DeleteInterface(ctx, ours(), confirmed)
	if err := c.DeleteInterface(ctx, ours(), confirmed); !errors.Is(err, eni.KindInterfaceInUse) {
		t.Fatal(err)
	}
	text := logger.GetSink().(ktesting.Underlier).GetBuffer().String()
	for _, want := range []string{
		`action="DeleteNetworkInterface"`, `subject="eni-0aaaaaaaaaaaaaaa1"`, `requestID="req-ok"`, `code="OK"`,
		`requestID="req-bad"`, `code="InvalidNetworkInterface.InUse"`, "duration=",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is missing in\n%s", want, text)
		}
	}
	for _, secret := range []string{"secret", "AKIDEXAMPLE"} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is in\n%s", secret, text)
		}
	}
}
