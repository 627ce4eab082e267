// Bench prints the figures that the benches have measured, and fails when one misses its target.
package main

import (
	"flag"
	"fmt"
	"os"

	"github.com/multi-eni/aws-multi-eni-controller/hack/bench/report"
)

func main() {
	path := flag.String("figures", ".bench/latest.json", "the file to which the benches have written")
	flag.Parse()
	if err := run(*path); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(path string) error {
	rows, err := report.Read(path)
	if err != nil {
		return err
	}
	if len(rows) == 0 {
		return fmt.Errorf("no bench has written to %s", path)
	}
	if err := report.Table(os.Stdout, rows); err != nil {
		return err
	}
	if missed := report.Missed(rows); len(missed) > 0 {
		return fmt.Errorf("%d of %d figures miss their targets", len(missed), len(rows))
	}
	return nil
}
