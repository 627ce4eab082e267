package controller

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/generated/applyconfiguration"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// maxObject is what etcd takes in one request, --max-request-bytes of etcd by default.
// Source: https://etcd.io/docs/v3.6/dev-guide/limit/
const maxObject = 1536 * 1024

// storedSize is the size of a NodeENI as the API server stores it: JSON, with a managedFields entry of ours that names
// every field of the status, and each entry of its lists by its key.
func storedSize(t *testing.T, n *v1alpha1.NodeENI) int {
	t.Helper()
	scheme := runtime.NewScheme()
	if err := v1alpha1.AddToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	n = n.DeepCopy()
	n.APIVersion, n.Kind = v1alpha1.SchemeGroupVersion.String(), "NodeENI"
	typed, err := applyconfiguration.NewTypeConverter(scheme).ObjectToTyped(n)
	if err != nil {
		t.Fatal(err)
	}
	set, err := typed.ToFieldSet()
	if err != nil {
		t.Fatal(err)
	}
	fields, err := set.ToJSON()
	if err != nil {
		t.Fatal(err)
	}
	if count := len(n.Status.Attachments); bytes.Count(fields, []byte(`k:{`)) < count {
		t.Fatalf("the fields do not name each of %d attachments", count)
	}
	var raw metav1.FieldsV1
	raw.SetRawBytes(fields)
	n.ManagedFields = []metav1.ManagedFieldsEntry{{
		Manager: fieldManager, Operation: metav1.ManagedFieldsOperationUpdate, Subresource: "status",
		FieldsType: "FieldsV1", FieldsV1: &raw, Time: new(metav1.Now()),
	}}
	data, err := json.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return len(data)
}

// A NodeENI that selects a hundred thousand Nodes fits into etcd, whatever is to be said of them.
func TestStatusOfAHundredThousandNodesIsStored(t *testing.T) {
	const nodes = 100_000
	long := strings.Repeat("ip-10-0-255-255.a-long-name.", 9)[:240]
	for name, entry := range map[string]struct {
		state   v1alpha1.AttachmentState
		reason  string
		message string
	}{
		"all attached":                   {v1alpha1.AttachmentAttached, "", ""},
		"all blocked, with long answers": {v1alpha1.AttachmentBlocked, v1alpha1.ReasonAttachFailed, strings.Repeat(`EC2 said "no". `, 300)},
	} {
		n := &v1alpha1.NodeENI{
			ObjectMeta: metav1.ObjectMeta{Name: "a", UID: types.UID(strings.Repeat("u", 36)), Generation: 1, Finalizers: []string{v1alpha1.Finalizer}},
			Spec:       v1alpha1.NodeENISpec{NodeSelector: map[string]string{"ng": "multi"}, SubnetID: subnetA, SecurityGroupIDs: []string{groupA}, DeviceIndex: 1},
		}
		in := plan.StatusInput{NodeENI: n, Now: time.Now()}
		for i := range nodes {
			id := fmt.Sprintf("%017x", i)
			in.Attachments = append(in.Attachments, plan.AttachmentReport{NodeENI: n.UID, Settled: entry.reason == "", Attachment: v1alpha1.Attachment{
				NodeName: fmt.Sprintf("%s%06d", long, i), NetworkCardIndex: new(int32(0)), DeviceIndex: 1, State: entry.state, InstanceID: "i-" + id, ENIID: "eni-" + id,
				AttachmentID: "eni-attach-" + id, SubnetID: subnetA, SubnetCIDR: "10.0.0.0/16", AvailabilityZone: "us-east-1a",
				PrivateIP: "10.0.255.255", MACAddress: "02:00:00:00:00:00", Reason: entry.reason, Message: fmt.Sprint(i, ": ", entry.message),
			}})
			in.Releases = append(in.Releases, plan.ReleaseReport{NodeENI: n.UID, Held: entry.reason != "", Release: v1alpha1.Release{
				ENIID: "eni-r" + id, State: v1alpha1.ReleaseDetaching, NodeName: fmt.Sprintf("%s%06d", long, i), InstanceID: "i-" + id,
				Reason: v1alpha1.ReasonReleaseFailed, Message: fmt.Sprint(i, ": ", entry.message),
			}})
		}
		n.Status = plan.Status(in)
		size := storedSize(t, n)
		t.Logf("%s: %d bytes", name, size)
		if size > maxObject*9/10 {
			t.Errorf("%s: %d bytes, of %d that etcd takes", name, size, maxObject)
		}
		if got := int(*n.Status.MatchingNodes); got != nodes || len(n.Status.Attachments)+int(n.Status.AttachmentsOmitted) != nodes ||
			len(n.Status.Releasing)+int(n.Status.ReleasingOmitted) != nodes {
			t.Errorf("%s: %d nodes match, %d attachments are listed and %d omitted", name, got, len(n.Status.Attachments), n.Status.AttachmentsOmitted)
		}
	}
}
