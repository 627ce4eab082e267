package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// At the highest level, in JSON: every line can be read by a machine, and none tells a secret.
func TestLogsInJSONWithoutSecrets(t *testing.T) {
	const secretKey, sessionToken = "wJalrXUtnFEMI-the-secret-key", "IQoJb3JpZ2lu-the-session-token"
	nodes := machines(1)
	l := newLab(t, nodes...)
	kubeconfig, err := clientcmd.LoadFromFile(l.kubeconfig)
	l.must(err)
	secrets := []string{secretKey, sessionToken}
	for _, user := range kubeconfig.AuthInfos {
		if user.Token == "" {
			t.Fatal("the controller has no token that could be told")
		}
		secrets = append(secrets, user.Token, user.Token[strings.LastIndexByte(user.Token, '.')+1:])
	}
	controller := l.startControllerIn([]string{"AWS_SECRET_ACCESS_KEY=" + secretKey, "AWS_SESSION_TOKEN=" + sessionToken}, l.id, "--logging-format=json", "-v=9")
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	id := l.the().ID
	l.delete("a")
	l.gone("a")

	log := controller.Log()
	for _, secret := range secrets {
		if strings.Contains(log, secret) {
			t.Errorf("the log tells %q", secret)
		}
	}
	type line struct {
		Msg, ENIID, RequestID string
		V                     int
		Err                   any
	}
	life, deepest, calls := map[string]int{}, 0, 0
	for text := range strings.Lines(log) {
		var one line
		if err := json.Unmarshal([]byte(text), &one); err != nil || one.Msg == "" && one.Err == nil {
			t.Fatalf("not a line of JSON (%v): %s", err, text)
		}
		deepest = max(deepest, one.V)
		if one.ENIID == id && one.V <= 2 {
			life[one.Msg]++
		}
		if one.Msg == "EC2 call" && one.RequestID != "" {
			calls++
		}
	}
	for _, step := range []string{"Created interface", "Attaching interface", "Attached interface", "Changed interface", "Detaching interface", "Detached interface", "Deleted interface"} {
		if life[step] != 1 {
			t.Errorf("%q is told %d times, want once", step, life[step])
		}
	}
	if deepest < 8 || calls < 6 {
		t.Errorf("the deepest level is %d, with %d calls: the test has shown nothing", deepest, calls)
	}
}
