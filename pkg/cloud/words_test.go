package cloud

import (
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestEqualWordsAreHeldOnce(t *testing.T) {
	answer := func() types.NetworkInterface {
		copied := func(text string) *string { return new(strings.Clone(text)) }
		return types.NetworkInterface{
			SubnetId: copied("subnet-1"), AvailabilityZone: copied("us-east-1a"), Groups: []types.GroupIdentifier{{GroupId: copied("sg-1")}},
			TagSet: []types.Tag{{Key: copied("key"), Value: copied("value")}},
		}
	}
	a, b := interfaceFrom(answer()), interfaceFrom(answer())
	for _, pair := range [][2]string{
		{a.SubnetID, b.SubnetID}, {a.Zone, b.Zone}, {a.SecurityGroupIDs[0], b.SecurityGroupIDs[0]}, {a.Tags["key"], b.Tags["key"]},
	} {
		if pair[0] == "" || pair[0] != pair[1] || unsafe.StringData(pair[0]) != unsafe.StringData(pair[1]) {
			t.Errorf("%q and %q are two copies", pair[0], pair[1])
		}
	}
}

func TestWordsAreNotHeldWithoutEnd(t *testing.T) {
	var w words
	for i := range 3 * mostWords {
		if text := fmt.Sprint(i); w.same(text) != text {
			t.Fatalf("%q became another word", text)
		}
	}
	if len(w.held) > mostWords {
		t.Errorf("%d words are held", len(w.held))
	}
}
