package eni

// FoundInterface is an interface of anybody's, with what EC2 tells of who made it.
type FoundInterface struct {
	Interface
	// Type is EC2's interface type: "interface", or what an AWS service needed.
	// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_NetworkInterface.html
	Type string
	// Requester is the account or service that made an interface which Interface.RequesterManaged tells of.
	Requester string
	// Operator is the service that operates the interface in the account's stead; empty when none does.
	Operator string
}
