package cloud

import (
	"context"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// unknownTypeTime is how long it is believed that EC2 does not know a type.
const unknownTypeTime = 10 * time.Minute

// typeCache remembers how many interfaces instance types take. What EC2 says of a type does not change.
type typeCache struct {
	mu     sync.Mutex
	limits map[string]map[int32]int32
	// unknown is when EC2 last left out a type that it was asked for.
	unknown map[string]time.Time
}

// missing are the types of the instances that EC2 must be asked for.
func (t *typeCache) missing(instances []eni.Instance, now time.Time) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	var names []string
	for _, i := range instances {
		asked, unknown := t.unknown[i.Type]
		if i.Type == "" || t.limits[i.Type] != nil || unknown && now.Sub(asked) < unknownTypeTime {
			continue
		}
		names = append(names, i.Type)
	}
	return names
}

// learn takes what EC2 answered about the types that were asked for.
func (t *typeCache) learn(asked []string, limits map[string]map[int32]int32, now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.limits == nil {
		t.limits, t.unknown = map[string]map[int32]int32{}, map[string]time.Time{}
	}
	for _, name := range asked {
		if limits[name] == nil {
			t.unknown[name] = now
			continue
		}
		t.limits[name] = limits[name]
		delete(t.unknown, name)
	}
}

func (t *typeCache) limitsOf(name string) map[int32]int32 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.limits[name]
}

// setLimits fills in how many interfaces the instances take.
func (c *Client) setLimits(ctx context.Context, instances []eni.Instance) error {
	for _, names := range chunks(c.types.missing(instances, time.Now()), typesPageSize) {
		limits, err := c.typeLimits(ctx, names)
		if err != nil {
			return err
		}
		c.types.learn(names, limits, time.Now())
	}
	for i := range instances {
		instances[i].MaxInterfaces = c.types.limitsOf(instances[i].Type)
	}
	return nil
}

// typeLimits asks for types by filter, which passes over those that EC2 does not know.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeInstanceTypes.html
func (c *Client) typeLimits(ctx context.Context, names []string) (map[string]map[int32]int32, error) {
	limits := map[string]map[int32]int32{}
	r := request{action: describeInstanceTypes, subject: several("instance types", names)}
	err := allPages(r, func(token *string) (*string, error) {
		out, err := call(ctx, c, r, c.ec2.DescribeInstanceTypes, &ec2.DescribeInstanceTypesInput{
			Filters:    []types.Filter{filter("instance-type", names...)},
			MaxResults: aws.Int32(typesPageSize),
			NextToken:  token,
		})
		if err != nil {
			return nil, err
		}
		for _, info := range out.InstanceTypes {
			if byCard := limitsFrom(info.NetworkInfo); len(byCard) > 0 {
				limits[string(info.InstanceType)] = byCard
			}
		}
		return out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	return limits, nil
}

// limitsFrom gives the limit of each network card, which is never above that of the whole instance.
func limitsFrom(info *types.NetworkInfo) map[int32]int32 {
	if info == nil {
		return nil
	}
	limits := map[int32]int32{}
	total := aws.ToInt32(info.MaximumNetworkInterfaces)
	for _, card := range info.NetworkCards {
		limit := aws.ToInt32(card.MaximumNetworkInterfaces)
		if total > 0 {
			limit = min(limit, total)
		}
		if limit > 0 {
			limits[aws.ToInt32(card.NetworkCardIndex)] = limit
		}
	}
	if len(limits) == 0 && total > 0 {
		limits[aws.ToInt32(info.DefaultNetworkCardIndex)] = total
	}
	return limits
}
