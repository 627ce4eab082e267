package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"k8s.io/klog/v2"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// Prober asks EC2 whether a call would be allowed, without making it: nil when it would. Errors wrap an eni.Kind.
type Prober interface {
	Probe(ctx context.Context, probe eni.Probe) error
}

const (
	// reprobe is how often EC2 is asked again about what it allows.
	reprobe = time.Hour
	// firstReprobe and maxReprobe are the back-off after a denial, so that a policy that was mended is seen soon.
	firstReprobe = 30 * time.Second
	maxReprobe   = 5 * time.Minute
	// probeIdle keeps looks for something to ask about apart.
	probeIdle = time.Second
)

// preflight asks EC2 for each of its actions whether it is allowed, as soon as there is something real to ask about:
// before that it is not checkable, which is no failure. It decides nothing: calls are made whatever it finds, and
// EC2's answer to them counts. It tells people what the policy lacks before a node waits for it in vain.
//
//	               a subject      allowed, after an hour
//	not checkable ──────────► ask ◄──────────────────────┐
//	                          │ ▲  denied, with back-off │
//	                          ▼ └───────────┐            │
//	                        answer ─────────┴────────────┘
//
// What was answered counts until the call is to be asked about again and has no subject any more.
type preflight struct {
	prober Prober
	wake   chan struct{}

	mu     sync.Mutex
	checks map[eni.ProbeCall]*checked
	// waiting is true while some call has nothing to be asked about.
	waiting bool
	// understood is true once a dry run of a read was answered as one; misunderstood once one was answered as if it
	// were none. What would change EC2 is asked about only when the first and not the second is so: where nobody knows
	// what a dry run is, it would be done.
	understood, misunderstood bool
	// missing is what was last told.
	missing string
}

// checked is what is known of one call.
type checked struct {
	asked, denied bool
	answer        string
	next          time.Time
	step          time.Duration
}

func newPreflight(prober Prober) *preflight {
	return &preflight{prober: prober, wake: make(chan struct{}, 1), checks: map[eni.ProbeCall]*checked{}}
}

// look has subjects looked for, if any are missing.
func (p *preflight) look() {
	p.mu.Lock()
	waiting := p.waiting
	p.mu.Unlock()
	if waiting {
		p.wakeUp()
	}
}

func (p *preflight) wakeUp() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// runPreflight asks until ctx ends.
func (c *Controller) runPreflight(ctx context.Context) {
	if c.preflight.prober == nil {
		return
	}
	for ctx.Err() == nil {
		next := c.probeDue(ctx)
		c.tellMissing(ctx)
		due := time.NewTimer(time.Until(next))
		select {
		case <-ctx.Done():
		case <-due.C:
		case <-c.preflight.wake:
			pause(ctx, probeIdle)
		}
		due.Stop()
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// probeDue asks about every call whose time has come and that has a subject, and returns when the next one is due.
func (c *Controller) probeDue(ctx context.Context) (next time.Time) {
	p := c.preflight
	p.setWaiting(true) // what comes while it is looked for wakes us up
	waiting := false
	next = time.Now().Add(reprobe)
	for _, check := range permissionChecks {
		if due := p.due(check.call); due.After(time.Now()) {
			next = sooner(next, due)
			continue
		}
		if !p.safe(check) {
			continue
		}
		subject, ok := check.subject(c)
		if !ok {
			p.unknown(check)
			waiting = true
			continue
		}
		subject.Call = check.call
		err := p.prober.Probe(ctx, subject)
		if ctx.Err() != nil {
			return next
		}
		next = sooner(next, p.answered(ctx, check, c.believed(check, subject, err), time.Now()))
	}
	p.setWaiting(waiting)
	return next
}

// believed is the answer about a subject, unless that has gone meanwhile: of what is gone EC2 does not know that it was
// ours, and denies everything.
func (c *Controller) believed(check permissionCheck, subject eni.Probe, answer error) error {
	if eni.KindOf(answer) != eni.KindDenied {
		return answer
	}
	if now, ok := check.subject(c); !ok || now.Interface.ID != subject.Interface.ID {
		return fmt.Errorf("%s went meanwhile: %w", subject.Interface.ID, eni.KindNotFound)
	}
	return answer
}

func (p *preflight) setWaiting(waiting bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.waiting = waiting
}

// due is when a call is to be asked about; zero when it never was.
func (p *preflight) due(call eni.ProbeCall) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.checks[call]; known != nil {
		return known.next
	}
	return time.Time{}
}

// unknown forgets what was answered about a call that can not be asked about any more: nobody would see that it is
// allowed since.
func (p *preflight) unknown(check permissionCheck) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if known := p.checks[check.call]; known != nil {
		known.asked, known.denied, known.answer = false, false, ""
		uncountPermission(check)
	}
}

// safe reports whether a call may be asked about.
func (p *preflight) safe(check permissionCheck) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.misunderstood && (check.reads() || p.understood)
}

// answered takes in an answer, and returns when the call is to be asked about again.
func (p *preflight) answered(ctx context.Context, check permissionCheck, err error, now time.Time) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.checks[check.call]
	if known == nil {
		known = &checked{}
		p.checks[check.call] = known
	}
	denied := eni.KindOf(err) == eni.KindDenied
	switch {
	case err == nil:
		known.asked, known.denied, known.answer, known.step = true, false, "", reprobe
		p.understood = true
	case errors.Is(err, eni.ErrCarriedOut):
		p.misunderstood = true
		klog.FromContext(ctx).Error(err, "Permissions are not checked: the endpoint does not know dry runs", "action", check.action)
		known.step = reprobe
	case denied:
		if !known.denied {
			known.step = 0
		}
		known.asked, known.denied, known.answer = true, true, answerOf(err)
		known.step = min(max(2*known.step, firstReprobe), maxReprobe)
	default: // nothing is known but what was known before
		klog.FromContext(ctx).V(4).Info("Permission not checked", "action", check.action, "err", err)
		if known.step == reprobe {
			known.step = 0
		}
		known.step = min(max(2*known.step, firstReprobe), reprobe)
	}
	if known.asked {
		countPermission(check, known.denied)
	}
	known.next = now.Add(known.step)
	return known.next
}

// doubt has EC2 asked at once about a read that it has denied, unless it was asked about just now.
func (p *preflight) doubt(err error) {
	failure, ok := errors.AsType[*eni.Error](err)
	if !ok || failure.Kind != eni.KindDenied {
		return
	}
	i := slices.IndexFunc(permissionChecks, func(check permissionCheck) bool { return check.reads() && check.action == failure.Operation })
	if i < 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.checks[permissionChecks[i].call]
	if known == nil || known.denied || time.Since(known.next.Add(-known.step)) < firstReprobe {
		return // it is about to be asked, or was just now
	}
	known.next = time.Time{}
	p.wakeUp()
}

// denies reports whether EC2 has answered that it denies a call.
func (p *preflight) denies(call eni.ProbeCall) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	known := p.checks[call]
	return known != nil && known.denied
}

// denied are the checks that EC2 answered with a denial, in the order of the table.
func (p *preflight) denied() (list []permissionCheck, answers []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, check := range permissionChecks {
		if known := p.checks[check.call]; known != nil && known.denied {
			list, answers = append(list, check), append(answers, known.answer)
		}
	}
	return list, answers
}

// missingPermissions says what the policy lacks; empty when nothing is known to be.
func (p *preflight) missingPermissions() string {
	list, _ := p.denied()
	if len(list) == 0 {
		return ""
	}
	var parts []string
	for _, check := range list {
		parts = append(parts, check.String())
	}
	parts = slices.Compact(parts)
	return fmt.Sprintf("IAM denies %s; compare the controller's policy with manifests/iam/policy.json", strings.Join(parts, "; "))
}

// tellMissing tells of a change of what is missing: once in the log, and in the condition of every NodeENI.
func (c *Controller) tellMissing(ctx context.Context) {
	p, missing := c.preflight, c.preflight.missingPermissions()
	p.mu.Lock()
	before := p.missing
	p.missing = missing
	p.mu.Unlock()
	if missing == before {
		return
	}
	logger := klog.FromContext(ctx)
	if missing == "" {
		logger.Info("EC2 permissions are complete again, as far as they can be checked")
	} else {
		list, answers := p.denied()
		logger.Info("EC2 permissions are missing", "denied", list, "answers", answers)
	}
	c.enqueueStatuses()
}

// readingFirst reports whether the first list of interfaces is on its way, before which there is nothing to say of any.
func (c *Controller) readingFirst() bool {
	return !c.leading.Load() && !c.preflight.denies(eni.ProbeDescribeInterfaces)
}

// tellUnread says of a NodeENI that nothing can be known of its interfaces. It ends when they are listed.
func (c *Controller) tellUnread(ctx context.Context, n *v1alpha1.NodeENI) (again time.Time, err error) {
	stored := *n
	stored.Status = c.written.latest(n)
	input := plan.StatusInput{NodeENI: &stored, Now: time.Now(), MissingPermissions: c.preflight.missingPermissions()}
	if input.MissingPermissions == "" {
		return time.Time{}, nil // mended meanwhile
	}
	return c.storeStatus(ctx, n, madeStatus{stored: stored.Status, status: plan.Unread(input), at: input.Now})
}

// ReadsDenied is an error while EC2 denies a call without which nothing can be known of it.
func (c *Controller) ReadsDenied() error {
	list, _ := c.preflight.denied()
	list = slices.DeleteFunc(list, func(check permissionCheck) bool { return !check.reads() })
	if len(list) == 0 {
		return nil
	}
	return fmt.Errorf("IAM denies what is needed to read from EC2: %v; compare the controller's policy with manifests/iam/policy.json", list)
}
