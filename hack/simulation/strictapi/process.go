package strictapi

import utilruntime "k8s.io/apimachinery/pkg/util/runtime"

// PrepareProcess makes a process fit for client-go in bubbles. It is to be called once, before the first bubble.
//
// What handles errors in client-go, those of failed lists and watches for one, keeps them a millisecond apart, from
// the last one on, which the process remembers over all bubbles. In a bubble it is the year 2000, and who handles an
// error there would sleep until the last error of the real world, or of a bubble that lasted longer.
func PrepareProcess() {
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1] // the first one logs
}
