// Package prometheus holds what the controller tells of itself against Prometheus: its own parsers, storage, query
// engine and alerting rules, of one of its releases. It is a module of its own, so that the product does not depend on
// Prometheus.
//
// The whole controller runs in a bubble of virtual time, with the EC2 simulator and the strict API server of package
// strictapi (lab_test.go), and is scraped every 30 seconds (scrape_test.go). What was scraped is then stored, and the
// alerts of manifests/monitoring/prometheusrule.yaml are evaluated at the same virtual times (alerts_test.go): each must
// fire in the story that is told for it (stories_test.go), with those alone that the story names, must be silent before the trouble
// and end after it; and none fires in a healthy day. Each query of manifests/monitoring/dashboard.json must return data
// (dashboard_test.go). The table of metrics in manifests/monitoring/README.md is written from such a scrape (table_test.go).
//
// Counters are the process's, so a scenario begins with those of the last one: as in a real Prometheus, only their
// increase tells anything.
package prometheus
