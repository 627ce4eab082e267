package inventory

import "k8s.io/component-base/metrics"

var (
	listedDesc = metrics.NewDesc("multi_eni_inventory_list_timestamp_seconds",
		"When the last complete list of our interfaces in EC2 began, or, before the first, when this replica began to try. Time minus this is the inventory's age.",
		nil, nil, metrics.ALPHA, "")
	resyncDesc = metrics.NewDesc("multi_eni_inventory_resync_period_seconds",
		"How often everything is to be read from EC2 (--ec2-resync-period).", nil, nil, metrics.ALPHA, "")
	readsDesc = metrics.NewDesc("multi_eni_inventory_reads_total",
		"Reads of EC2 by the inventory, by what was read.", []string{"read"}, nil, metrics.ALPHA, "")
	failuresDesc = metrics.NewDesc("multi_eni_inventory_read_failures_total",
		"Reads of EC2 by the inventory that failed, by what was read.", []string{"read"}, nil, metrics.ALPHA, "")
	interfacesDesc = metrics.NewDesc("multi_eni_inventory_interfaces",
		"Interfaces of ours that the inventory holds (any), that are asked about until EC2 shows what is expected (polled), and that EC2 did not show where it should have (missing).",
		[]string{"kind"}, nil, metrics.ALPHA, "")
)

// collector makes the inventory's metrics when it is asked for them. A replica that does not lead reads nothing, and so
// has none.
type collector struct {
	metrics.BaseStableCollector
	inventory *Inventory
}

// Collector is what tells the inventory's metrics.
func (i *Inventory) Collector() metrics.StableCollector { return &collector{inventory: i} }

// DescribeWithStability implements metrics.StableCollector.
func (c *collector) DescribeWithStability(descs chan<- *metrics.Desc) {
	for _, desc := range []*metrics.Desc{listedDesc, resyncDesc, readsDesc, failuresDesc, interfacesDesc} {
		descs <- desc
	}
}

// CollectWithStability implements metrics.StableCollector.
func (c *collector) CollectWithStability(out chan<- metrics.Metric) {
	s := c.inventory.Stats()
	if s.Listed.IsZero() {
		return
	}
	gauge := func(desc *metrics.Desc, value float64, labels ...string) {
		out <- metrics.NewLazyConstMetric(desc, metrics.GaugeValue, value, labels...)
	}
	gauge(listedDesc, float64(s.Listed.UnixNano())/1e9)
	gauge(resyncDesc, c.inventory.options.Resync.Seconds())
	gauge(interfacesDesc, float64(s.Interfaces), "any")
	gauge(interfacesDesc, float64(s.Polled), "polled")
	gauge(interfacesDesc, float64(s.Missing), "missing")
	for _, read := range allReads {
		out <- metrics.NewLazyConstMetric(readsDesc, metrics.CounterValue, float64(s.Reads[read]), read)
		out <- metrics.NewLazyConstMetric(failuresDesc, metrics.CounterValue, float64(s.Failures[read]), read)
	}
}
