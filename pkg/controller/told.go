package controller

import (
	"reflect"
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// told remembers what the plans said of which each NodeENI's status was made last, so that a plan which says the same
// again, as most do, has no status made. It holds nothing of a NodeENI between begin and record: whatever is planned
// then is news, lest what changes after the status has gathered is held against what was told before. A write that
// fails is for the queue's back-off to make again.
//
//	status:  begin ── gather, plan ── record ── write
//	plan:                    gather, plan ── news?
type told struct {
	mu    sync.Mutex
	byUID map[types.UID]map[string]account
}

// account is what the plan of one instance says of one NodeENI.
type account struct {
	attachments []plan.AttachmentReport
	releases    []plan.ReleaseReport
	// acts is true when something is to be done for it: once it is done, more may have changed than the reports.
	acts bool
}

func accountOf(result plan.Result, uid types.UID) (a account) {
	for _, report := range result.Attachments {
		if report.NodeENI == uid {
			a.attachments = append(a.attachments, report)
		}
	}
	for _, report := range result.Releases {
		if report.NodeENI == uid {
			a.releases = append(a.releases, report)
		}
	}
	isFor := func(action plan.Action) bool { return action.NodeENI == uid }
	a.acts = slices.ContainsFunc(result.Attach, isFor) || slices.ContainsFunc(result.Release, isFor)
	return a
}

func (a account) empty() bool { return len(a.attachments) == 0 && len(a.releases) == 0 && !a.acts }

// begin is called before the plans are made that a status is made of, and when the NodeENI is gone.
func (t *told) begin(uid types.UID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.byUID, uid)
}

// record takes in what was planned since begin, by instance. Instances that are not among them are forgotten.
func (t *told) record(uid types.UID, accounts map[string]account) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byUID == nil {
		t.byUID = map[types.UID]map[string]account{}
	}
	t.byUID[uid] = accounts
}

// news returns the NodeENIs of which the plan of an instance says something else than their status was made of.
// nodeENIs are those that it concerns; one that it concerned before and does not any more is news as well.
func (t *told) news(instanceID string, nodeENIs []*v1alpha1.NodeENI, result plan.Result) []types.UID {
	t.mu.Lock()
	defer t.mu.Unlock()
	var news []types.UID
	for _, n := range nodeENIs {
		accounts, known := t.byUID[n.UID]
		if !known || !reflect.DeepEqual(accounts[instanceID], accountOf(result, n.UID)) {
			news = append(news, n.UID)
		}
	}
	for uid, accounts := range t.byUID {
		if !accounts[instanceID].empty() && !owns(nodeENIs, uid) {
			news = append(news, uid)
		}
	}
	return news
}
