package sandbox

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const (
	auditPolicyFile = "audit-policy.yaml"
	auditLogFile    = "audit.log"
)

// auditPolicy has the API server write down what the controller asks of it, and nobody else.
const auditPolicy = `apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["system:serviceaccount:` + Namespace + `:` + ServiceAccount + `"]
- level: None
`

// AuditedCall is one call of the controller, as the API server's audit log has it.
type AuditedCall struct {
	Verb string `json:"verb"`
	URI  string `json:"requestURI"`
	// Object is nil for a path that is no resource.
	Object *AuditedObject `json:"objectRef"`
	// Annotations say what RBAC decided, and why.
	Annotations map[string]string `json:"annotations"`
}

// AuditedObject is what a call is about.
type AuditedObject struct {
	Group       string `json:"apiGroup"`
	Resource    string `json:"resource"`
	Subresource string `json:"subresource"`
	Namespace   string `json:"namespace"`
	Name        string `json:"name"`
}

// Audited are all calls of all controllers so far.
func (c *Cluster) Audited() ([]AuditedCall, error) {
	data, err := os.ReadFile(filepath.Join(c.dir, auditLogFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil // it is made with the first call
	}
	if err != nil {
		return nil, err
	}
	var calls []AuditedCall
	for line := range bytes.Lines(data) {
		var call AuditedCall
		if err := json.Unmarshal(line, &call); err != nil {
			return nil, fmt.Errorf("audit log: %w: %s", err, line)
		}
		calls = append(calls, call)
	}
	return calls, nil
}
