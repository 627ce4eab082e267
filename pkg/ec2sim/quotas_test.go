package ec2sim

import (
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
)

func TestQuotas(t *testing.T) {
	t.Parallel()
	on := func(change func(*Quotas)) *lab {
		l := newLab(t, func(w *World) { w.Quotas = Quotas{}; change(&w.Quotas) })
		return l
	}
	allowed := func(l *lab, do func(*lab) error) int {
		n := 0
		for n < 1000 {
			if code, _ := outcome(do(l)); code == "RequestLimitExceeded" {
				break
			}
			n++
		}
		return n
	}
	unfiltered := list(ec2.DescribeNetworkInterfacesInput{})
	paged := list(ec2.DescribeNetworkInterfacesInput{Filters: filtered("vpc-id", "vpc-1")})
	for _, c := range []struct {
		name          string
		quotas        func(*Quotas)
		do            func(*lab) error
		burst, refill int
	}{
		{"create", func(*Quotas) {}, doCreate(subnetA), 100, 5},
		{"attach", func(*Quotas) {}, doAttach(new(nobody), node, 0, 1), 50, 5},
		{"refused calls count", func(*Quotas) {}, doDelete(new(nobody)), 100, 5},
		{"unfiltered describe", func(*Quotas) {}, unfiltered, 50, 10},
		{"filtered describe", func(*Quotas) {}, paged, 100, 20},
		{"describe of types", func(*Quotas) {}, func(l *lab) error {
			_, err := l.ec2.DescribeInstanceTypes(l.Context(), &ec2.DescribeInstanceTypesInput{})
			return err
		}, 100, 20},
		{"own size", func(q *Quotas) { q.Actions = map[string]Bucket{"CreateNetworkInterface": {7, 2}} }, doCreate(subnetA), 7, 2},
		{"others eat half", func(q *Quotas) { q.Background = 0.5 }, doCreate(subnetA), 50, 2},
	} {
		l := on(c.quotas)
		if n := allowed(l, c.do); n != c.burst {
			t.Errorf("%s: %d calls at once, want %d", c.name, n, c.burst)
		}
		l.clock.Advance(time.Second)
		if n := allowed(l, c.do); n != c.refill {
			t.Errorf("%s: %d calls a second later, want %d", c.name, n, c.refill)
		}
		checkInvariants(t, l.sim)
	}
	l := on(func(*Quotas) {})
	allowed(l, unfiltered)
	if code, _ := outcome(paged(l)); code != "OK" {
		t.Errorf("a filtered describe draws from the unfiltered bucket: %s", code)
	}
}

// TestResourceBuckets: a call about many instances takes a token for each.
func TestResourceBuckets(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w *World) { w.Quotas = Quotas{InterfacesPerRegion: 5000} })
	most := func(n int32) func(*runInput) { return func(in *runInput) { in.MaxCount = &n } }
	launch := func(n int32) string {
		code, _ := outcome(doRun(1, most(n))(l))
		return code
	}
	if got := launch(900); got != "OK" {
		t.Fatalf("nine hundred instances: %s", got)
	}
	if got := launch(101); got != "RequestLimitExceeded" {
		t.Errorf("more than a thousand instances: %s", got)
	}
	if got := launch(100); got != "OK" {
		t.Errorf("a thousand instances: %s", got)
	}
	l.clock.Advance(10 * time.Second)
	if got := launch(20); got != "OK" {
		t.Errorf("twenty more, ten seconds later: %s", got)
	}
	_, err := l.ec2.RunInstances(t.Context(), &runInput{ImageId: aws.String("ami-12345678"), MinCount: aws.Int32(1), MaxCount: aws.Int32(9), InstanceType: "m5.xlarge", SubnetId: aws.String(subnetA)})
	if err == nil || !strings.Contains(err.Error(), "Account 123456789012 has been throttled on ec2:RunInstances") {
		t.Errorf("a throttle says %v", err)
	}
}

// TestBucketOfNegatives: a launch of fewer than none gives no tokens back.
func TestBucketOfNegatives(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w *World) { w.Quotas = Quotas{InterfacesPerRegion: 5000} })
	launch := func(n int32) string {
		code, _ := outcome(doRun(1, func(in *runInput) { in.MaxCount = &n })(l))
		return code
	}
	for _, c := range []struct {
		n    int32
		want string
	}{{900, "OK"}, {-100_000, "InvalidParameterValue"}, {500, "RequestLimitExceeded"}} {
		if got := launch(c.n); got != c.want {
			t.Errorf("a launch of up to %d gives %s, want %s", c.n, got, c.want)
		}
		checkInvariants(t, l.sim)
	}
}

// TestSharedBucket: a variant has all actions that change something draw from one bucket.
func TestSharedBucket(t *testing.T) {
	t.Parallel()
	l := newLab(t, func(w *World) { w.Quotas, w.Variants.MutatingBuckets = Quotas{}, "shared" })
	n := 0
	for code := "OK"; code == "OK"; n++ {
		code, _ = outcome(doCreate(subnetA)(l))
	}
	if code, _ := outcome(doDelete(nil)(l)); n != 51 || code != "RequestLimitExceeded" {
		t.Errorf("the %d-th create is throttled, and then a delete gives %s", n, code)
	}
	if code, _ := outcome(list(describeAll)(l)); code != "OK" {
		t.Errorf("a describe gives %s", code)
	}
	l.clock.Advance(time.Minute)
	launches := 0
	for code := "OK"; code == "OK" && launches < 50; launches++ {
		code, _ = outcome(doRun(1)(l))
	}
	if launches != 6 {
		t.Errorf("the %d-th launch is throttled, want the sixth: launches keep a smaller bucket of their own", launches)
	}
}
