package app

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
)

// quotas is a flag such as AttachNetworkInterface=150:15,CreateNetworkInterface=300:15, which may be given several times.
type quotas map[string]cloud.Quota

// String is the flag as it may be given.
func (q *quotas) String() string {
	var parts []string
	for _, action := range slices.Sorted(maps.Keys(*q)) {
		quota := (*q)[action]
		parts = append(parts, fmt.Sprintf("%s=%v:%v", action, quota.Bucket, quota.Refill))
	}
	return strings.Join(parts, ",")
}

// Set adds quotas, each for an action that has none yet.
func (q *quotas) Set(text string) error {
	for part := range strings.SplitSeq(text, ",") {
		action, quota, err := parseQuota(strings.TrimSpace(part))
		if err != nil {
			return err
		}
		if _, twice := (*q)[action]; twice {
			return fmt.Errorf("%s is given twice", action)
		}
		if *q == nil {
			*q = quotas{}
		}
		(*q)[action] = quota
	}
	return nil
}

// Type names the flag's values in the usage text.
func (*quotas) Type() string { return "action=bucket:refill" }

func parseQuota(text string) (action string, quota cloud.Quota, err error) {
	action, numbers, ok := strings.Cut(text, "=")
	bucket, refill, both := strings.Cut(numbers, ":")
	if !ok || !both {
		return "", quota, fmt.Errorf("%q is not like AttachNetworkInterface=50:5, which is a bucket of 50 calls that gets 5 a second", text)
	}
	if documented := cloud.DocumentedQuotas(); documented[action] == (cloud.Quota{}) {
		return "", quota, fmt.Errorf("%q is no EC2 action that the controller calls; it calls %s", action, strings.Join(slices.Sorted(maps.Keys(documented)), ", "))
	}
	if quota.Bucket, err = positive(bucket, 1); err != nil {
		return "", quota, fmt.Errorf("the bucket of %s: %w", action, err)
	}
	if quota.Refill, err = positive(refill, 0.01); err != nil {
		return "", quota, fmt.Errorf("what comes in for %s each second: %w", action, err)
	}
	return action, quota, nil
}

func positive(text string, least float64) (float64, error) {
	number, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(number, 0) || !(number >= least) {
		return 0, fmt.Errorf("%q is no number of at least %v", text, least)
	}
	return number, nil
}
