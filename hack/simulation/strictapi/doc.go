// Package strictapi is a Kubernetes API server in memory, as strict as the real one, behind the generated fake
// clientsets. The generated fakes alone take what no API server takes: writes on top of an outdated
// resourceVersion, statuses that change a spec, deletions that do not wait for finalizers. Here resourceVersions,
// generations, finalizers, preconditions, subresources, patches, lists in pages, stale lists and watches with
// bookmarks, initial events, lags and drops behave as on a real server.
//
// A Server holds the objects. A Client is one process's connection to it, with faults of its own: latencies,
// errors before and after a write took effect, watches that lag, drop or repeat themselves, and death at a chosen
// call. A fake is made for each call, so no lock is held while a call waits, the context of a call counts, and
// nothing grows with the number of calls.
//
// The package is made for testing/synctest bubbles. It has no state of its own, every goroutine belongs to one
// watch and ends with it, and a call waits for virtual time only. What chance decides is drawn from the seed, the
// client and the call (verb, resource, name, and how many of these there were), so the order in which the
// scheduler runs concurrent calls does not change their faults.
//
// Not modelled, because nothing here needs it: managedFields and server-side apply (refused with 415), the rules
// of the CRD's schema (its defaults are applied), the deletion of namespaces, dry runs, and the retries that a real
// REST client makes by itself on answers with a Retry-After header: their errors reach the caller at once.
package strictapi
