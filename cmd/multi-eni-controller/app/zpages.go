package app

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"k8s.io/component-base/metrics"
	"k8s.io/component-base/version"
)

// The pages that Kubernetes' components show of themselves, in the text that those show.
// Sources: https://github.com/kubernetes/enhancements/tree/master/keps/sig-instrumentation/4827-component-statusz
// and 4828-component-flagz.

// zpageHead is how a page begins.
func zpageHead(page string) string {
	return fmt.Sprintf("\n%s %s\nWarning: This endpoint is not meant to be machine parseable, has no formatting compatibility guarantees and is for debugging purposes only.\n", programName, page)
}

// statusz tells what runs, and since when.
func statusz(paths []string, now time.Time) string {
	started := now
	if seconds, err := metrics.GetProcessStart(); err == nil { // it is read from /proc
		started = time.Unix(int64(seconds), 0)
	}
	up := now.Sub(started).Truncate(time.Second)
	v := version.Get()
	return zpageHead("statusz") + fmt.Sprintf("\nStarted: %s\nUp: %d hr %02d min %02d sec\nGo version: %s\nBinary version: %s\n\nPaths: %s\n",
		started.UTC().Format(time.UnixDate), int(up.Hours()), int(up.Minutes())%60, int(up.Seconds())%60, v.GoVersion, v.GitVersion, strings.Join(paths, " "))
}

// classified marks a flag whose value nobody is shown.
const classified = "classified"

// flagz has the value of each flag, in the order of their names.
func flagz(flags *pflag.FlagSet) string {
	var b strings.Builder
	b.WriteString(zpageHead("flagz"))
	flags.VisitAll(func(f *pflag.Flag) {
		value := f.Value.String()
		if len(f.Annotations[classified]) > 0 || !plainlyPublic(f) {
			value = "CLASSIFIED"
		}
		fmt.Fprintf(&b, "%s=%s\n", f.Name, value)
	})
	return b.String()
}

// plainlyPublic reports whether nothing in a flag's name hints at a secret: who adds one has it hidden without having
// to think of it.
func plainlyPublic(f *pflag.Flag) bool {
	name := strings.ToLower(f.Name)
	for _, hint := range []string{"secret", "password", "passwd", "token", "credential", "private", "key"} {
		if strings.Contains(name, hint) {
			return false
		}
	}
	return true
}
