// Package actionlint holds the version of actionlint, and tests of what it does not look at: how the public repository's
// workflows are pinned and what they may do.
package actionlint

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v4"
)

const root = "../../.."

// workflows are the parsed workflows by file name, and their text.
func workflows(t *testing.T) (parsed map[string]*actionlint.Workflow, texts map[string]string) {
	t.Helper()
	parsed, texts = map[string]*actionlint.Workflow{}, map[string]string{}
	files, err := filepath.Glob(filepath.Join(root, ".github/workflows/*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no workflows: %v", err)
	}
	for _, file := range files {
		if filepath.Ext(file) != ".yaml" {
			t.Errorf("hack/verify-workflows.sh lints .yaml only: %s", file)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		workflow, errs := actionlint.Parse(data)
		if len(errs) > 0 {
			t.Fatalf("%s: %v", file, errs)
		}
		parsed[filepath.Base(file)], texts[filepath.Base(file)] = workflow, string(data)
	}
	return parsed, texts
}

// A tag can be moved, a commit can not; the comment is for people and Dependabot.
func TestActionsArePinned(t *testing.T) {
	pinned := regexp.MustCompile(`^uses: [\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	_, texts := workflows(t)
	count := 0
	for file, text := range texts {
		for line := range strings.Lines(text) {
			line = strings.TrimPrefix(strings.TrimSpace(line), "- ")
			if !strings.HasPrefix(line, "uses:") {
				continue
			}
			count++
			if !pinned.MatchString(line) {
				t.Errorf("%s: not pinned to a commit, with its version behind it: %s", file, line)
			}
		}
	}
	if count == 0 {
		t.Error("no action is used: nothing was looked at")
	}
}

// Who may write what; everything else reads the repository at most.
func TestPermissionsAreTheLeast(t *testing.T) {
	mayWrite := map[string][]string{
		"release.yaml image":   {"id-token", "packages"},
		"release.yaml release": {"contents"},
	}
	parsed, _ := workflows(t)
	for file, workflow := range parsed {
		if p := workflow.Permissions; p == nil || p.All != nil || len(p.Scopes) != 1 || p.Scopes["contents"] == nil || p.Scopes["contents"].Value.Value != "read" {
			t.Errorf("%s: the workflow's permissions must be contents: read", file)
		}
		for name, job := range workflow.Jobs {
			if got, want := writes(t, job), mayWrite[file+" "+name]; !slices.Equal(got, want) {
				t.Errorf("%s: job %s may write %q, want %q", file, name, got, want)
			}
			if job.TimeoutMinutes == nil {
				t.Errorf("%s: job %s has no timeout", file, name)
			}
		}
	}
}

// writes are the scopes that a job may write.
func writes(t *testing.T, job *actionlint.Job) (scopes []string) {
	t.Helper()
	if job.Permissions == nil {
		return nil
	}
	if job.Permissions.All != nil {
		return []string{job.Permissions.All.Value}
	}
	for name, scope := range job.Permissions.Scopes {
		if scope.Value.Value == "write" {
			scopes = append(scopes, name)
		}
	}
	slices.Sort(scopes)
	return scopes
}

// What a stranger wrote - a branch's name, a title - is never a part of a script, and what make is asked for is there.
func TestScriptsAreFixedAndTheirTargetsExist(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	target := regexp.MustCompile(`\bmake((?: --?[\w-]+)*)((?: [a-z][\w-]*)+)`)
	parsed, _ := workflows(t)
	called := map[string]bool{}
	for file, workflow := range parsed {
		for _, job := range workflow.Jobs {
			for _, step := range job.Steps {
				run, ok := step.Exec.(*actionlint.ExecRun)
				if !ok {
					continue
				}
				if strings.Contains(run.Run.Value, "${{") {
					t.Errorf("%s: an expression in a script: %s", file, run.Run.Value)
				}
				for _, match := range target.FindAllStringSubmatch(run.Run.Value, -1) {
					for name := range strings.FieldsSeq(match[2]) {
						called[name] = true
					}
				}
			}
		}
	}
	for name := range called {
		if !strings.Contains(string(makefile), "\n"+name+":") {
			t.Errorf("no such target: make %s", name)
		}
	}
	for _, name := range []string{"test", "test-console", "test-clients", "verify", "vuln", "install-yaml"} {
		if !called[name] {
			t.Errorf("no workflow calls make %s: %v", name, slices.Sorted(maps.Keys(called)))
		}
	}
}

// needs are the jobs that have to succeed before a job begins, by others' needs too.
func needs(workflow *actionlint.Workflow, name string) (all []string) {
	for _, need := range workflow.Jobs[name].Needs {
		all = append(append(all, need.Value), needs(workflow, need.Value)...)
	}
	return all
}

// Nothing is published of a tag before all tests and checks have passed on it.
func TestAReleaseWaitsForTheTests(t *testing.T) {
	parsed, _ := workflows(t)
	release := parsed["release.yaml"]
	publishing := 0
	for name, job := range release.Jobs {
		if len(writes(t, job)) == 0 {
			continue
		}
		publishing++
		var scripts []string
		for _, need := range needs(release, name) {
			for _, step := range release.Jobs[need].Steps {
				if run, ok := step.Exec.(*actionlint.ExecRun); ok && step.If == nil && step.ContinueOnError == nil {
					scripts = append(scripts, run.Run.Value)
				}
			}
		}
		if !slices.Contains(scripts, "make verify test") || job.If != nil {
			t.Errorf("job %s does not wait for make verify test: %q", name, scripts)
		}
	}
	if publishing != 2 {
		t.Errorf("%d jobs publish something, want the image's and the release's", publishing)
	}
}

// A pull request builds the image for all platforms of a release, and pushes nothing.
func TestAPullRequestBuildsTheImage(t *testing.T) {
	parsed, _ := workflows(t)
	built := map[string]map[string]*actionlint.Input{}
	for file, job := range map[string]string{"ci.yaml": "image", "release.yaml": "image"} {
		for _, step := range parsed[file].Jobs[job].Steps {
			if action, ok := step.Exec.(*actionlint.ExecAction); ok && strings.HasPrefix(action.Uses.Value, "docker/build-push-action@") {
				built[file] = action.Inputs
			}
		}
	}
	ci, release := built["ci.yaml"], built["release.yaml"]
	if ci == nil || release == nil {
		t.Fatal("an image is built in neither or one of the two")
	}
	if ci["platforms"].Value.Value != release["platforms"].Value.Value {
		t.Errorf("built for %s, released for %s", ci["platforms"].Value.Value, release["platforms"].Value.Value)
	}
	if ci["push"] == nil || ci["push"].Value.Value != "false" || ci["outputs"] != nil {
		t.Errorf("a pull request may push: %v", ci)
	}
}

// What the README has people check is what signs a release: this repository's workflow for releases, on a tag.
func TestTheSignatureThatPeopleCheckIsTheReleases(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`--certificate-identity-regexp='([^']+)'`).FindAllStringSubmatch(string(readme), -1)
	if len(found) != 2 || !strings.Contains(string(readme), "--certificate-oidc-issuer=https://token.actions.githubusercontent.com") {
		t.Fatalf("the README checks %q, want the image and install.yaml", found)
	}
	const repository = "https://github.com/multi-eni/aws-multi-eni-controller/.github/workflows/"
	for _, match := range found {
		identity := regexp.MustCompile(match[1])
		for _, right := range []string{"v1.2.3", "v1.2.3-rc.1", "v10.20.30"} {
			if !identity.MatchString(repository + "release.yaml@refs/tags/" + right) {
				t.Errorf("%s does not match a release of %s", match[1], right)
			}
		}
		for _, wrong := range []string{
			repository + "release.yaml@refs/heads/main", repository + "ci.yaml@refs/tags/v1.2.3", repository + "releaseXyaml@refs/tags/v1.2.3",
			strings.Replace(repository, "multi-eni/", "else/", 1) + "release.yaml@refs/tags/v1.2.3", "https://evil.example/" + repository + "release.yaml@refs/tags/v1.2.3",
			repository + "release.yaml@refs/tags/v1.2.3/../x",
		} {
			if identity.MatchString(wrong) {
				t.Errorf("%s matches %s", match[1], wrong)
			}
		}
	}
}

func TestDependabotKnowsEveryModule(t *testing.T) {
	data, err := os.ReadFile(filepath.Join(root, ".github/dependabot.yml"))
	if err != nil {
		t.Fatal(err)
	}
	var config struct {
		Updates []struct {
			Ecosystem   string `yaml:"package-ecosystem"`
			Directory   string
			Directories []string
		}
	}
	if err := yaml.Unmarshal(data, &config); err != nil {
		t.Fatal(err)
	}
	known := map[string][]string{}
	for _, update := range config.Updates {
		known[update.Ecosystem] = append(update.Directories, update.Directory)
	}
	err = filepath.WalkDir(root, func(path string, entry os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name := entry.Name(); entry.IsDir() && strings.HasPrefix(name, ".") && name != ".." {
			return filepath.SkipDir
		}
		if relative, err := filepath.Rel(root, filepath.Dir(path)); err == nil && entry.Name() == "go.mod" {
			if folder := filepath.Join("/", relative); !slices.Contains(known["gomod"], folder) {
				t.Errorf("Dependabot does not know the module in %s", folder)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, ecosystem := range []string{"github-actions", "docker"} {
		if !slices.Contains(known[ecosystem], "/") {
			t.Errorf("Dependabot does not look after %s", ecosystem)
		}
	}
}
