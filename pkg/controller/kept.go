package controller

import (
	"unique"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// keptReport is a report in a third of its room: what thousands of reports of one NodeENI say alike - the subnet, the
// state, the reason - is there once.
type keptReport struct {
	// alike is the report without what follows, which is of one interface.
	alike                                                            unique.Handle[plan.AttachmentReport]
	nodeName, instanceID, eniID, attachmentID, privateIP, macAddress string
}

func keep(report plan.AttachmentReport) keptReport {
	a := &report.Attachment
	kept := keptReport{
		nodeName: a.NodeName, instanceID: a.InstanceID, eniID: a.ENIID, attachmentID: a.AttachmentID, privateIP: a.PrivateIP, macAddress: a.MACAddress,
	}
	a.NodeName, a.InstanceID, a.ENIID, a.AttachmentID, a.PrivateIP, a.MACAddress = "", "", "", "", "", ""
	kept.alike = unique.Make(report)
	return kept
}

// report is the whole of it.
func (k *keptReport) report() plan.AttachmentReport {
	report := k.alike.Value()
	a := &report.Attachment
	a.NodeName, a.InstanceID, a.ENIID, a.AttachmentID, a.PrivateIP, a.MACAddress = k.nodeName, k.instanceID, k.eniID, k.attachmentID, k.privateIP, k.macAddress
	return report
}

// says reports whether the report says the same.
func (k *keptReport) says(report *plan.AttachmentReport) bool {
	kept := k.report()
	cardKept, card := kept.Attachment.NetworkCardIndex, report.Attachment.NetworkCardIndex
	if cardKept != card {
		if cardKept == nil || card == nil || *cardKept != *card {
			return false
		}
		kept.Attachment.NetworkCardIndex = card
	}
	return kept == *report
}
