package cloud

import (
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/component-base/metrics"
)

func TestBudgetIsToldAndNotTouched(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLimiter(nil)
		registry := metrics.NewKubeRegistry()
		registry.CustomMustRegister(&budget{limiter: l})
		told := func(name string) float64 {
			families, err := registry.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, family := range families {
				for _, metric := range family.GetMetric() {
					if family.GetName() == name && metric.GetLabel()[0].GetValue() == attachNetworkInterface {
						return metric.GetGauge().GetValue()
					}
				}
			}
			t.Fatalf("%s is not told", name)
			return 0
		}
		want := func(tokens, ratio float64) {
			t.Helper()
			if gotTokens, gotRatio := told("multi_eni_ec2_budget_tokens"), told("multi_eni_ec2_budget_ratio"); !about(gotTokens, tokens) || !about(gotRatio, ratio) {
				t.Errorf("%v tokens at %v of the rate, want %v at %v", gotTokens, gotRatio, tokens, ratio)
			}
		}
		want(49, 1)
		if _, err := l.take(t.Context(), attachNetworkInterface, usual); err != nil {
			t.Fatal(err)
		}
		want(48, 1)
		l.throttled(attachNetworkInterface, time.Now())
		want(0, 0.7)

		b := l.buckets[attachNetworkInterface]
		updated := b.updated
		pass(15 * time.Second)
		want(36.75, 0.75)
		if !b.updated.Equal(updated) || b.tokens != 0 {
			t.Error("looking at a bucket changes it")
		}
		pass(5 * time.Minute)
		want(49, 1)
	})
}
