package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
)

func TestQuotasFlag(t *testing.T) {
	for _, row := range []struct {
		name string
		args []string
		want quotas
		// refused is part of the error's text.
		refused string
	}{
		{"none", nil, nil, ""},
		{"two in one", []string{"AttachNetworkInterface=150:15, CreateNetworkInterface=300:7.5"}, quotas{"AttachNetworkInterface": {Bucket: 150, Refill: 15}, "CreateNetworkInterface": {Bucket: 300, Refill: 7.5}}, ""},
		{"one each", []string{"AttachNetworkInterface=150:15", "DescribeInstances=1:0.01"}, quotas{"AttachNetworkInterface": {Bucket: 150, Refill: 15}, "DescribeInstances": {Bucket: 1, Refill: 0.01}}, ""},
		{"twice", []string{"AttachNetworkInterface=150:15", "AttachNetworkInterface=50:5"}, nil, "AttachNetworkInterface is given twice"},
		{"empty", []string{""}, nil, "is not like AttachNetworkInterface=50:5"},
		{"no refill", []string{"AttachNetworkInterface=150"}, nil, "is not like AttachNetworkInterface=50:5"},
		{"not ours", []string{"RunInstances=5:2"}, nil, `"RunInstances" is no EC2 action that the controller calls; it calls AttachNetworkInterface, Create`},
		{"no bucket", []string{"AttachNetworkInterface=0:5"}, nil, `the bucket of AttachNetworkInterface: "0" is no number of at least 1`},
		{"no number", []string{"AttachNetworkInterface=NaN:5"}, nil, `the bucket of AttachNetworkInterface: "NaN"`},
		{"endless", []string{"AttachNetworkInterface=5:Inf"}, nil, `what comes in for AttachNetworkInterface each second: "Inf"`},
		{"nothing comes in", []string{"AttachNetworkInterface=5:0"}, nil, `what comes in for AttachNetworkInterface each second: "0"`},
	} {
		t.Run(row.name, func(t *testing.T) {
			o, fs := NewOptions(), pflag.NewFlagSet("test", pflag.ContinueOnError)
			o.AddFlags(fs)
			var args []string
			for _, value := range row.args {
				args = append(args, "--ec2-quotas="+value)
			}
			err := fs.Parse(args)
			if row.refused != "" {
				if err == nil || !strings.Contains(err.Error(), row.refused) {
					t.Errorf("%v, want an error with %q", err, row.refused)
				}
				return
			}
			if diff := cmp.Diff(row.want, o.EC2Quotas); err != nil || diff != "" {
				t.Errorf("%v, quotas (-want +got):\n%s", err, diff)
			}
			var again quotas
			if text := o.EC2Quotas.String(); text != "" && (again.Set(text) != nil || !cmp.Equal(again, row.want)) {
				t.Errorf("%s does not read as what it is", text)
			}
		})
	}
}

// TestEveryDocumentedQuotaCanBeGiven has the flag accept what the client has anyway.
func TestEveryDocumentedQuotaCanBeGiven(t *testing.T) {
	all := quotas(cloud.DocumentedQuotas())
	var read quotas
	if err := read.Set(all.String()); err != nil || !cmp.Equal(read, all) {
		t.Errorf("%v: %v, want %v", err, read, all)
	}
}
