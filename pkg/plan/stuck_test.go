package plan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// gaveUp says how many attaches of the slot of "a" were given up.
func gaveUp(count int) func(*Snapshot) {
	return func(s *Snapshot) {
		s.StuckAttaches = map[SlotKey]int{{NodeENI: "uid-a", Instance: instanceA, Slot: eni.Slot{Index: 1}}: count}
	}
}

// force is the annotation with the given value.
func force(value string) func(*v1alpha1.NodeENI) {
	return func(n *v1alpha1.NodeENI) {
		n.Annotations = map[string]string{v1alpha1.AnnotationForceDetachUntil: value}
	}
}

func inAnHour() string { return now.Add(time.Hour).Format(time.RFC3339) }

func shownAgo(age time.Duration) func(*eni.ObservedInterface) {
	return func(i *eni.ObservedInterface) { i.ShownAt = now.Add(-age) }
}

func dry(s *Snapshot) { s.DryRun = true }

// forcibly writes which of the actions are by force.
func forcibly(actions []Action) []string {
	list := steps(actions)
	for i, a := range actions {
		if a.Force {
			list[i] += " by force"
		}
	}
	return list
}

func TestWhatIsStuck(t *testing.T) {
	a := nodeENI("a")
	stuck := func(status eni.AttachmentStatus, age time.Duration, changes ...func(*eni.ObservedInterface)) func(*Snapshot) {
		return having(interfaceOf(a, "eni-1", append([]func(*eni.ObservedInterface){attachment(status), since(age)}, changes...)...))
	}
	held := func(until time.Duration) func(*Snapshot) {
		return func(s *Snapshot) {
			s.ReleaseSetbacks = map[string]Setback{"eni-1": {Reason: v1alpha1.ReasonDetachStuck, Message: "was told by force", Until: now.Add(until)}}
		}
	}
	deleted := func(changes ...func(*v1alpha1.NodeENI)) func(*Snapshot) {
		return with(nodeENI("a", append(changes, beingDeleted)...))
	}
	for _, test := range []struct {
		name    string
		world   Snapshot
		release []string
		reports []string
		message string
		again   time.Duration
		refresh Refresh
	}{
		{name: "attaching", world: world(with(a), stuck(eni.Attaching, time.Minute)), reports: []string{"a Attaching"}, again: 4 * time.Minute},
		{name: "attaching for long", world: world(with(a), stuck(eni.Attaching, 6*time.Minute)), release: []string{"Detach eni-1"}, reports: []string{"a Attaching"}, message: "attempt 2 of 3", again: 9 * time.Minute},
		{name: "attaching for ever", world: world(with(a), stuck(eni.Attaching, 15*time.Minute)), release: []string{"Detach eni-1"}, reports: []string{"a Blocked AttachStuck"}, message: "could not be detached"},
		{name: "the second time", world: world(with(a), gaveUp(1), stuck(eni.Attaching, 6*time.Minute)), release: []string{"Detach eni-1"}, reports: []string{"a Attaching"}, message: "attempt 3 of 3", again: 9 * time.Minute},
		{name: "the second time lasts", world: world(with(a), gaveUp(1), stuck(eni.Attaching, time.Minute)), reports: []string{"a Attaching"}, message: "attempt 2 of 3", again: 4 * time.Minute},
		{name: "the third time lasts", world: world(with(a), gaveUp(2), stuck(eni.Attaching, time.Minute)), reports: []string{"a Attaching"}, message: "attempt 3 of 3", again: 4 * time.Minute},
		{name: "the third time", world: world(with(a), gaveUp(2), stuck(eni.Attaching, 6*time.Minute)), reports: []string{"a Blocked AttachStuck"}, message: "reboot or replace", again: 54 * time.Minute},
		{name: "the third time for an hour", world: world(with(a), gaveUp(2), stuck(eni.Attaching, time.Hour)), release: []string{"Detach eni-1"}, reports: []string{"a Blocked AttachStuck"}, message: "in 3 attempts"},
		{name: "hourly, being detached", world: world(with(a), gaveUp(3), stuck(eni.Detaching, time.Second)), reports: []string{"a Blocked AttachStuck"}, message: "in 3 attempts", again: 10*time.Minute - time.Second},
		{name: "hourly, attaching", world: world(with(a), gaveUp(3), stuck(eni.Attaching, time.Second)), reports: []string{"a Blocked AttachStuck"}, message: "in 3 attempts", again: 5*time.Minute - time.Second},
		{name: "attached after all", world: world(with(a), gaveUp(3), stuck(eni.Attached, time.Second)), reports: []string{"a Attached settled"}},
		{name: "attaching for long, not seen lately", world: world(with(a), stuck(eni.Attaching, 6*time.Minute, shownAgo(time.Minute))), reports: []string{"a Attaching"}, refresh: Refresh{Interfaces: []string{"eni-1"}}, again: retryRefresh},
		{name: "attaching for long, instance not described lately", world: world(with(a), stuck(eni.Attaching, 6*time.Minute), describedAgo(time.Minute)), reports: []string{"a Attaching"}, refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "attaching for long, instance stopping", world: world(with(a), stuck(eni.Attaching, 6*time.Minute), instanceState(eni.InstanceStopping)), reports: []string{"a Attaching"}, again: 9 * time.Minute},
		{name: "attaching for long, instance dying", world: world(with(a), stuck(eni.Attaching, 6*time.Minute), instanceState(eni.InstanceShuttingDown)), reports: []string{"a Blocked InstanceNotRunning"}, again: recheck - time.Second},
		{name: "attaching for long, missing", world: world(with(a), stuck(eni.Attaching, 6*time.Minute, func(i *eni.ObservedInterface) { i.Missing = true })), reports: []string{"a Attaching"}},
		{name: "attaching for long, detach refused", world: world(with(a), held(time.Minute), stuck(eni.Attaching, 6*time.Minute)), reports: []string{"a Blocked DetachStuck"}, again: time.Minute},
		{name: "attaching for long, dry run", world: world(with(a), dry, stuck(eni.Attaching, 6*time.Minute)), reports: []string{"a Blocked CleanupDryRun"}, message: "would detach eni-1", again: 9 * time.Minute},

		{name: "detaching for long", world: world(deleted(), stuck(eni.Detaching, 11*time.Minute))},
		{name: "detaching for long, force allowed", world: world(deleted(force(inAnHour())), stuck(eni.Detaching, 11*time.Minute)), release: []string{"Detach eni-1 by force"}, again: time.Hour},
		{name: "detaching, force allowed", world: world(deleted(force(inAnHour())), stuck(eni.Detaching, 9*time.Minute)), again: time.Minute},
		{name: "force allowed once", world: world(deleted(force("2026-03-01T11:00:00Z")), stuck(eni.Detaching, 11*time.Minute))},
		{name: "force allowed for ever", world: world(deleted(force("2126-03-01T11:00:00Z")), stuck(eni.Detaching, 11*time.Minute))},
		{name: "force allowed at no time", world: world(deleted(force("yes")), stuck(eni.Detaching, 11*time.Minute))},
		{name: "force allowed, just made", world: world(deleted(force(inAnHour())), held(2*time.Minute), stuck(eni.Detaching, 11*time.Minute)), again: 2 * time.Minute},
		{name: "force allowed, made before", world: world(deleted(force(inAnHour())), held(0), stuck(eni.Detaching, 11*time.Minute)), release: []string{"Detach eni-1 by force"}, again: time.Hour},
		{name: "force allowed, not seen lately", world: world(deleted(force(inAnHour())), stuck(eni.Detaching, 11*time.Minute, shownAgo(time.Minute))), refresh: Refresh{Interfaces: []string{"eni-1"}}, again: retryRefresh},
		{name: "force allowed, instance not described lately", world: world(deleted(force(inAnHour())), stuck(eni.Detaching, 11*time.Minute), describedAgo(time.Minute)), refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "force allowed, dry run", world: world(deleted(force(inAnHour())), dry, stuck(eni.Detaching, 11*time.Minute)), again: time.Hour},
		{name: "force allowed, instance dying", world: world(deleted(force(inAnHour())), stuck(eni.Detaching, 11*time.Minute), instanceState(eni.InstanceShuttingDown)), again: recheck - time.Second},
		{name: "detaching for long, instance stopped", world: world(deleted(), stuck(eni.Detaching, 11*time.Minute), instanceState(eni.InstanceStopped)), release: []string{"Detach eni-1 by force"}},
		{name: "detaching for long, instance terminated for long", world: world(deleted(), stuck(eni.Detaching, 11*time.Minute), instanceState(eni.InstanceTerminated)), release: []string{"Detach eni-1 by force"}},
		{name: "detaching for long, instance not described", world: world(deleted(), stuck(eni.Detaching, 11*time.Minute), func(s *Snapshot) { s.Instance = nil }), refresh: Refresh{Instance: true}, again: retryRefresh},
		{name: "wanted, detaching for long", world: world(with(nodeENI("a", force(inAnHour()))), stuck(eni.Detaching, 11*time.Minute)), release: []string{"Detach eni-1 by force"}, reports: []string{"a Blocked DetachStuck"}, again: time.Hour},
		{name: "wanted, detaching for long, no force", world: world(with(a), stuck(eni.Detaching, 11*time.Minute)), reports: []string{"a Blocked DetachStuck"}, message: "have it detached by force"},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Instance(test.world)
			if diff := cmp.Diff(test.release, forcibly(got.Release)); diff != "" {
				t.Errorf("releases (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.reports, standing(got.Attachments)); diff != "" {
				t.Errorf("reports (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.refresh, got.Refresh); diff != "" {
				t.Errorf("refresh (-want +got):\n%s", diff)
			}
			if test.message != "" && !messageIn(got.Attachments, test.message) {
				t.Errorf("no message has %q: %+v", test.message, got.Attachments)
			}
			wantAgain := time.Time{}
			if test.again != 0 {
				wantAgain = now.Add(test.again)
			}
			if !got.Again.Equal(wantAgain) {
				t.Errorf("again at %v, want %v", got.Again, wantAgain)
			}
			if withheld := len(got.Withheld) > 0; withheld != test.world.DryRun {
				t.Errorf("withheld: %v", got.Withheld)
			}
		})
	}
}

// A dry run reports every release as held, and plans the rest as ever.
func TestADryRunPlansNoRelease(t *testing.T) {
	deleted := nodeENI("a", beingDeleted)
	for _, test := range []struct {
		name   string
		world  Snapshot
		would  []string
		report string
	}{
		{"attached", world(dry, with(deleted), having(interfaceOf(deleted, "eni-1", attached))), []string{"Detach eni-1"}, "would detach eni-1 from " + instanceA},
		{"available", world(dry, with(deleted), having(interfaceOf(deleted, "eni-1"))), []string{"Delete eni-1"}, "would delete eni-1"},
		{"described long ago", world(dry, with(deleted), describedAgo(4*time.Minute), having(interfaceOf(deleted, "eni-1", attached))), []string{"Detach eni-1"}, "would detach eni-1"},
	} {
		got := Instance(test.world)
		if diff := cmp.Diff(test.would, steps(got.Withheld)); diff != "" || len(got.Release) > 0 {
			t.Errorf("%s: withheld (-want +got):\n%s; released: %v", test.name, diff, steps(got.Release))
		}
		if r := got.Releases[0]; !r.Held || r.Release.Reason != v1alpha1.ReasonCleanupDryRun || !strings.Contains(r.Release.Message, test.report) {
			t.Errorf("%s: %+v", test.name, r)
		}
		if got.Refresh.Instance {
			t.Errorf("%s: the instance is described for nothing", test.name)
		}
	}
}

func TestAnnotationsThatCanNotBeFollowedAreNamedWithTheirCure(t *testing.T) {
	for _, test := range []struct {
		key, value, want string
	}{
		{v1alpha1.AnnotationForceDetachUntil, inAnHour(), ""},
		{v1alpha1.AnnotationForceDetachUntil, "2020-01-01T00:00:00Z", ""},
		{v1alpha1.AnnotationForceDetachUntil, "", `has the value "", which is no RFC 3339 time`},
		{v1alpha1.AnnotationForceDetachUntil, "1h", `has the value "1h", which is no RFC 3339 time`},
		{v1alpha1.AnnotationForceDetachUntil, now.Add(MaxForce + time.Second).Format(time.RFC3339), "which is more than 24h0m0s ahead"},
		{v1alpha1.AnnotationAllowReleaseUntil, inAnHour(), ""},
		{v1alpha1.AnnotationAllowReleaseUntil, "always", `has the value "always", which is no RFC 3339 time`},
	} {
		n := nodeENI("a", func(n *v1alpha1.NodeENI) { n.Annotations = map[string]string{test.key: test.value} })
		got := strings.Join(AnnotationComplaints(n, now), "; ")
		cure := "kubectl annotate --overwrite nodeeni a " + test.key
		if (got != "") != (test.want != "") || !strings.Contains(got, test.want) || (got != "" && !strings.Contains(got, cure)) {
			t.Errorf("%s=%q: %q, want %q", test.key, test.value, got, test.want)
		}
	}
}
