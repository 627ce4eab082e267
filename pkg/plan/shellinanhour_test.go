package plan

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// What a message offers for pasting sets a time that the controller reads, an hour from when it is pasted.
func TestTheOfferedTimeIsInAnHour(t *testing.T) {
	n := nodeENI("a")
	command := exec.CommandContext(t.Context(), "sh", "-c", strings.Replace(annotateCommand(n, v1alpha1.AnnotationAllowReleaseUntil), "kubectl", "printf '%s\\n'", 1))
	// Whatever zone the shell of that person is in.
	command.Env = append(command.Environ(), "TZ=Asia/Kolkata")
	before := time.Now().Truncate(time.Second)
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(out))
	value, ok := strings.CutPrefix(words[len(words)-1], v1alpha1.AnnotationAllowReleaseUntil+"=")
	if !ok {
		t.Fatalf("the last word of %q sets no annotation", words)
	}
	until := ApprovedUntil(map[string]string{v1alpha1.AnnotationAllowReleaseUntil: value})
	if until.Before(before.Add(time.Hour)) || until.After(time.Now().Add(time.Hour)) {
		t.Errorf("%s is not in an hour from %s", value, before.UTC().Format(time.RFC3339))
	}
	n.Annotations = map[string]string{v1alpha1.AnnotationForceDetachUntil: value}
	if until, complaint := ForceDetachUntil(n.Annotations, time.Now()); until.IsZero() || complaint != "" {
		t.Errorf("%s lets nothing be detached by force: %s", value, complaint)
	}
}
