package main

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/plan"
)

// What a message offers for pasting sets a time that the controller reads, an hour from when it is pasted, and is what the
// README offers.
func TestTheOfferedTimeIsInAnHour(t *testing.T) {
	atRoot(t)
	readme := read(t, "README.md")
	for _, key := range []string{v1alpha1.AnnotationAllowReleaseUntil, v1alpha1.AnnotationForceDetachUntil} {
		n := &v1alpha1.NodeENI{ObjectMeta: metav1.ObjectMeta{Name: "NAME", Annotations: map[string]string{key: "tomorrow"}}}
		complaints := plan.AnnotationComplaints(n, time.Now())
		if len(complaints) != 1 {
			t.Fatalf("%s: %q", key, complaints)
		}
		_, line, _ := strings.Cut(complaints[0], "run: ")
		if !strings.Contains(readme, "\n"+line+"\n") {
			t.Errorf("the README does not offer %s", line)
		}
		command := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(line, "kubectl", "printf '%s\\n'", 1))
		// Whatever zone the shell of that person is in.
		command.Env = append(command.Environ(), "TZ=Asia/Kolkata")
		before := time.Now().Truncate(time.Second)
		out, err := command.Output()
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		words := strings.Fields(string(out))
		value := strings.TrimPrefix(words[len(words)-1], key+"=")
		until, err := time.Parse(time.RFC3339, value)
		if err != nil || until.Before(before.Add(time.Hour)) || until.After(time.Now().Add(time.Hour)) {
			t.Errorf("%q is not in an hour from %s: %v", value, before.UTC().Format(time.RFC3339), err)
		}
		n.Annotations[key] = value
		if complaints := plan.AnnotationComplaints(n, time.Now()); len(complaints) > 0 {
			t.Errorf("the controller does not follow what it offers: %q", complaints)
		}
	}
}
