package inventory

import (
	"errors"
	"testing"
	"time"

	"k8s.io/component-base/metrics"
)

// gathered is what a registry tells of an inventory, by name and the value of the only label.
func gathered(t *testing.T, i *Inventory) map[string]float64 {
	t.Helper()
	registry := metrics.NewKubeRegistry()
	registry.CustomMustRegister(i.Collector())
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			name := family.GetName()
			for _, label := range metric.GetLabel() {
				name += " " + label.GetValue()
			}
			out[name] = metric.GetGauge().GetValue() + metric.GetCounter().GetValue()
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	inBubble(t, Options{Resync: 5 * time.Minute}, func(f *fakeEC2) { f.put(eni1(attaching)) }, func(t *testing.T, b *bench) {
		pass(2.5)
		began := float64(b.ec2.begun.Unix())
		expect(t, "metrics", map[string]float64{
			"multi_eni_inventory_list_timestamp_seconds": began, "multi_eni_inventory_resync_period_seconds": 300,
			"multi_eni_inventory_interfaces any": 1, "multi_eni_inventory_interfaces polled": 1, "multi_eni_inventory_interfaces missing": 0,
			"multi_eni_inventory_reads_total list": 1, "multi_eni_inventory_reads_total narrowed_list": 0, "multi_eni_inventory_reads_total poll": 2,
			"multi_eni_inventory_reads_total interfaces": 0, "multi_eni_inventory_reads_total instances": 1, "multi_eni_inventory_reads_total subnets": 0,
			"multi_eni_inventory_reads_total foreign_interfaces": 0, "multi_eni_inventory_read_failures_total foreign_interfaces": 0,
			"multi_eni_inventory_read_failures_total list": 0, "multi_eni_inventory_read_failures_total narrowed_list": 0,
			"multi_eni_inventory_read_failures_total poll": 0, "multi_eni_inventory_read_failures_total interfaces": 0,
			"multi_eni_inventory_read_failures_total instances": 0, "multi_eni_inventory_read_failures_total subnets": 0,
		}, gathered(t, b.Inventory))
	})
}

func TestAgeIsCountedFromWhenAListBegan(t *testing.T) {
	inBubble(t, Options{Resync: 5 * time.Minute}, func(f *fakeEC2) { f.delay = 4 * time.Second }, func(t *testing.T, b *bench) {
		pass(310)
		want := float64(b.ec2.begun.Unix()) + 304
		expect(t, "the second list", want, gathered(t, b.Inventory)["multi_eni_inventory_list_timestamp_seconds"])
	})
}

func TestAgeGrowsFromTheFirstTryOn(t *testing.T) {
	inBubble(t, Options{}, func(f *fakeEC2) { f.fail("list", errors.New("cut off")) }, func(t *testing.T, b *bench) {
		pass(100)
		expect(t, "age in a replica that has never listed", float64(b.ec2.begun.Unix()), gathered(t, b.Inventory)["multi_eni_inventory_list_timestamp_seconds"])
		expect(t, "a replica that does not lead", map[string]float64{}, gathered(t, New(b.ec2, Options{})))
	})
}
