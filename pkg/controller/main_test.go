package controller

import (
	"flag"
	"fmt"
	"os"
	"runtime/debug"
	"testing"

	"go.uber.org/goleak"
	"k8s.io/klog/v2"
)

// Thousands of lines of log hide the one that says what failed.
var showLogs = flag.String("klog", "", "show the controller's logs at this level of klog; of use with a single test")

// What a lab leaves behind is garbage at once, and there is little of it.
func init() { debug.SetGCPercent(800) }

// TestMain fails when a test leaves a goroutine behind.
func TestMain(m *testing.M) {
	flag.Parse()
	if *showLogs == "" {
		klog.SetLogger(klog.Logger{})
	} else if err := new(klog.Level).Set(*showLogs); err != nil {
		fmt.Fprintf(os.Stderr, "-klog=%s: %v\n", *showLogs, err)
		os.Exit(2)
	}
	goleak.VerifyTestMain(m)
}
