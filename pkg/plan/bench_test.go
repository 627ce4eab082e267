package plan

import (
	"fmt"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// busy is an instance with four NodeENIs, each of which has its interface.
func busy() Snapshot {
	s := world()
	s.Instance.MaxInterfaces = map[int32]int32{0: 15}
	for i := range int32(4) {
		n := nodeENI(fmt.Sprint("n", i), atIndex(i+1))
		s.NodeENIs = append(s.NodeENIs, n)
		s.Interfaces = append(s.Interfaces, interfaceOf(n, fmt.Sprint("eni-", i), attached))
	}
	return s
}

var fleets = []int{1000, 5000, 50000}

func BenchmarkInstance(b *testing.B) {
	created := busy()
	created.Interfaces = nil
	for name, s := range map[string]Snapshot{"attached": busy(), "to create": created} {
		for _, instances := range fleets {
			b.Run(fmt.Sprintf("%s/instances=%d", name, instances), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					for range instances {
						Instance(s)
					}
				}
			})
		}
	}
}

func BenchmarkStatus(b *testing.B) {
	for _, nodes := range fleets {
		in := StatusInput{NodeENI: nodeENI("a"), Now: now, Subnet: &eni.ObservedSubnet{}}
		for i := range nodes {
			state, reason := v1alpha1.AttachmentAttached, ""
			if i%10 == 0 {
				state, reason = v1alpha1.AttachmentBlocked, v1alpha1.ReasonSubnetFull
			}
			in.Attachments = append(in.Attachments, reportOn(fmt.Sprintf("node-%05d", nodes-i), state, reason))
		}
		in.NodeENI.Status = Status(in)
		b.Run(fmt.Sprintf("nodes=%d", nodes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Status(in)
			}
		})
	}
}
