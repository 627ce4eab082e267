package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/util/jsonpath"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/apis/networking/v1alpha1"
)

// objects are those of a YAML file that are of the wanted kind.
func objects[T any](t *testing.T, kind, text string) (list []T) {
	t.Helper()
	decoder := yaml.NewYAMLToJSONDecoder(strings.NewReader(text))
	for {
		var raw json.RawMessage
		err := decoder.Decode(&raw)
		if errors.Is(err, io.EOF) {
			break
		}
		var named struct{ Kind string }
		if err == nil {
			err = json.Unmarshal(raw, &named)
		}
		if err != nil {
			t.Fatal(err)
		}
		if named.Kind != kind {
			continue
		}
		var object T
		if err := json.Unmarshal(raw, &object); err != nil {
			t.Fatal(err)
		}
		list = append(list, object)
	}
	if len(list) == 0 {
		t.Fatalf("there is no %s", kind)
	}
	return list
}

// commands are the lines of a document's shell blocks that begin so; a line that ends with a backslash goes on.
func commands(text, beginning string) (lines []string) {
	for _, block := range regexp.MustCompile("(?ms)^ *```sh$(.*?)^ *```$").FindAllStringSubmatch(text, -1) {
		joined := regexp.MustCompile(`\\\n\s*`).ReplaceAllString(block[1], "")
		for line := range strings.Lines(joined) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, beginning) {
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// date -d is GNU's, -v is BSD's: what a person is to paste needs neither.
func TestNoCommandNeedsACertainDate(t *testing.T) {
	atRoot(t)
	shown := 0
	for path, text := range documents(t) {
		for _, options := range regexp.MustCompile(`\$\((?:TZ=\S+ )?date([^)]*)\)`).FindAllStringSubmatch(text, -1) {
			shown++
			if options[1] != " +%FT%TZ" {
				t.Errorf("%s: date%s does not work everywhere", path, options[1])
			}
		}
	}
	if shown < 3 {
		t.Errorf("only %d times were found", shown)
	}
}

// The look that comes before the install knows the community controller's definition of the kind from ours.
func TestTheLookBeforeTheInstallKnowsTheOtherKind(t *testing.T) {
	atRoot(t)
	readme := read(t, "README.md")
	look := commands(readme, "kubectl get crd nodeenis.networking.k8s.aws ")
	if len(look) != 1 {
		t.Fatalf("the look before the install is %q", look)
	}
	template := regexp.MustCompile(`jsonpath='(.+)'`).FindStringSubmatch(look[0])
	if install := strings.Index(readme, "kubectl apply -f manifests/"); install < strings.Index(readme, look[0]) || template == nil {
		t.Fatal("the install comes before the look, or it prints no field")
	}
	for path, want := range map[string]string{
		"hack/sandbox/e2e/testdata/community-crd.yaml": "array",
		"manifests/10-crd-nodeenis.yaml":               "",
	} {
		path := filepath.FromSlash(path)
		p := jsonpath.New("look").AllowMissingKeys(true)
		if err := p.Parse(template[1]); err != nil {
			t.Fatal(err)
		}
		var printed bytes.Buffer
		if err := p.Execute(&printed, objects[map[string]any](t, "CustomResourceDefinition", read(t, path))[0]); err != nil {
			t.Fatal(err)
		}
		if printed.String() != want {
			t.Errorf("%s: it prints %q, want %q", path, &printed, want)
		}
	}
}

// installYAML is what hack/install-yaml.sh prints with variables set.
func installYAML(t *testing.T, variables ...string) (string, error) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "hack/install-yaml.sh")
	command.Env = append(os.Environ(), append([]string{"IMAGE=", "CLUSTER_NAME=", "REGION="}, variables...)...)
	out, err := command.Output()
	return string(out), err
}

func TestInstallYAMLPutsIn(t *testing.T) {
	atRoot(t)
	plain, err := installYAML(t)
	if err != nil {
		t.Fatal(err)
	}
	for _, left := range []string{"image: multi-eni-controller:CHANGE-ME\n", "- --cluster-name=<CHANGE-ME>\n"} {
		if strings.Count(plain, left) != 1 {
			t.Errorf("with nothing given %q is not left", left)
		}
	}
	filled, err := installYAML(t, "IMAGE=registry.example.com/a/b:v1@sha256:0123", "CLUSTER_NAME=my-cluster.1", "REGION=eu-central-1")
	if err != nil {
		t.Fatal(err)
	}
	container := objects[appsv1.Deployment](t, "Deployment", filled)[0].Spec.Template.Spec.Containers[0]
	if container.Image != "registry.example.com/a/b:v1@sha256:0123" || container.Args[0] != "--cluster-name=my-cluster.1" || strings.Contains(filled, "CHANGE-ME") {
		t.Errorf("image %s, arguments %q", container.Image, container.Args)
	}
	if env := container.Env; len(env) != 1 || env[0].Name != "AWS_REGION" || env[0].Value != "eu-central-1" {
		t.Errorf("environment %v", env)
	}
	for _, bad := range []string{"IMAGE=a|b", "CLUSTER_NAME=a b", "CLUSTER_NAME=-a", "CLUSTER_NAME=<CHANGE-ME>", "REGION=us|east", "REGION=a\nb"} {
		if _, err := installYAML(t, bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

// What --node-readiness-taint, --node-annotation and --node-condition need is given apart.
func TestEachRoleForNodesGivesOneRight(t *testing.T) {
	atRoot(t)
	for file, resource := range map[string]string{"rbac.yaml": "nodes", "rbac-condition.yaml": "nodes/status"} {
		text := read(t, filepath.Join("manifests", "examples", "node-readiness", file))
		roles, bindings := objects[rbacv1.ClusterRole](t, "ClusterRole", text), objects[rbacv1.ClusterRoleBinding](t, "ClusterRoleBinding", text)
		if len(roles) != 1 || len(bindings) != 1 || bindings[0].RoleRef.Name != roles[0].Name {
			t.Fatalf("%s: roles %v, bindings %v", file, roles, bindings)
		}
		rules := roles[0].Rules
		if len(rules) != 1 || !slices.Equal(rules[0].Resources, []string{resource}) || !slices.Equal(rules[0].Verbs, []string{"patch"}) {
			t.Errorf("%s gives %v", file, rules)
		}
	}
}

// No right to write events counts for the whole cluster. That those which are given suffice,
// TestEventsMayBeWrittenWhereTheyBelong asks of an API server.
func TestEventsAreWrittenToTwoNamespacesOnly(t *testing.T) {
	atRoot(t)
	text := read(t, filepath.Join("manifests", "30-rbac.yaml"))
	writes := func(rules []rbacv1.PolicyRule) bool {
		return slices.ContainsFunc(rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "events") })
	}
	for _, role := range objects[rbacv1.ClusterRole](t, "ClusterRole", text) {
		if writes(role.Rules) {
			t.Errorf("ClusterRole %s writes events in every namespace", role.Name)
		}
	}
	var namespaces []string
	for _, role := range objects[rbacv1.Role](t, "Role", text) {
		if writes(role.Rules) {
			namespaces = append(namespaces, role.Namespace)
		}
	}
	slices.Sort(namespaces)
	if !slices.Equal(namespaces, []string{"default", "multi-eni-system"}) {
		t.Errorf("events are written in %q", namespaces)
	}
}

// The documented build gives arguments that the Dockerfile has, and builds for the platforms of a release.
func TestTheDocumentedBuildFitsTheDockerfile(t *testing.T) {
	atRoot(t)
	dockerfile, release := read(t, "Dockerfile"), read(t, filepath.Join(".github", "workflows", "release.yaml"))
	builds := commands(read(t, "README.md"), "docker buildx build ")
	if len(builds) == 0 {
		t.Fatal("no build is documented")
	}
	for _, line := range builds {
		arguments := regexp.MustCompile(`--build-arg=(\w+)=`).FindAllStringSubmatch(line, -1)
		for _, argument := range arguments {
			if !strings.Contains(dockerfile, "\nARG "+argument[1]+"=") {
				t.Errorf("the Dockerfile has no argument %s", argument[1])
			}
		}
		platforms := regexp.MustCompile(`--platform=(\S+)`).FindStringSubmatch(line)
		if len(arguments) == 0 || platforms == nil || !strings.Contains(release, "platforms: "+platforms[1]+"\n") {
			t.Errorf("%s: no version is given, or other platforms than a release has", line)
		}
	}
}

// The logs are read by a label that the pods have, and of all of them.
func TestTheDocumentedLogsAreThoseOfAllReplicas(t *testing.T) {
	atRoot(t)
	pod := labels.Set(objects[appsv1.Deployment](t, "Deployment", read(t, filepath.Join("manifests", "40-deployment.yaml")))[0].Spec.Template.Labels)
	found := 0
	for path, text := range documents(t) {
		for _, line := range regexp.MustCompile(`kubectl -n multi-eni-system logs -l (\S+) (.*)`).FindAllStringSubmatch(text, -1) {
			found++
			selector, err := labels.Parse(line[1])
			if err != nil || selector.Empty() || !selector.Matches(pod) || !strings.Contains(line[2], "--tail=-1") {
				t.Errorf("%s: %s does not read all logs of the pods: %v", path, line[0], err)
			}
		}
		if strings.Contains(text, "kubectl -n multi-eni-system logs deployment/") {
			t.Errorf("%s reads the logs of one replica", path)
		}
	}
	if found < 2 {
		t.Errorf("only %d commands were found", found)
	}
}

// The table of levels tells of those that are used, and of none besides.
func TestTheTableOfLogLevels(t *testing.T) {
	atRoot(t)
	used := map[string]bool{"0": true}
	err := filepath.WalkDir(".", func(path string, entry os.DirEntry, err error) error {
		if err != nil || !entry.IsDir() || !strings.HasPrefix(path, "pkg") && !strings.HasPrefix(path, filepath.Join("cmd", "multi-eni-controller")) {
			return err
		}
		for _, file := range sources(t, path) {
			ast.Inspect(file, func(node ast.Node) bool {
				if level := verbosity(node); level != "" {
					used[level] = true
				}
				return true
			})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(read(t, "README.md"), "| level | what it adds |\n| --- | --- |\n")
	table, _, _ = strings.Cut(table, "\n\n")
	told := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([0-9, ]+) \| (.+) \|$`).FindAllStringSubmatch(table, -1) {
		for level := range strings.SplitSeq(row[1], ", ") {
			if told[level] = true; used[level] == (row[2] == "nothing") {
				t.Errorf("level %s is used: %t, and adds %s", level, used[level], row[2])
			}
		}
	}
	for level := range used {
		if !told[level] {
			t.Errorf("the table does not tell of level %s", level)
		}
	}
	if len(used) < 4 {
		t.Errorf("only the levels %v are used", used)
	}
}

// verbosity is the level of a call X.V(level); empty for what is none.
func verbosity(node ast.Node) string {
	call, ok := node.(*ast.CallExpr)
	if !ok || len(call.Args) != 1 {
		return ""
	}
	method, ok := call.Fun.(*ast.SelectorExpr)
	level, isLiteral := call.Args[0].(*ast.BasicLit)
	if !ok || method.Sel.Name != "V" || !isLiteral || level.Kind != token.INT {
		return ""
	}
	if _, err := strconv.Atoi(level.Value); err != nil {
		return ""
	}
	return level.Value
}

// Each documented sed leaves no placeholder in its policy.
func TestPlaceholdersOfPoliciesAreFilled(t *testing.T) {
	atRoot(t)
	root, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	work := t.TempDir()
	if err := os.Symlink(filepath.Join(root, "manifests"), filepath.Join(work, "manifests")); err != nil {
		t.Fatal(err)
	}
	filled := map[string]bool{}
	for path, text := range documents(t) {
		for _, line := range commands(text, "sed ") {
			parts := regexp.MustCompile(`(manifests/iam/\S+\.json) > (\S+)$`).FindStringSubmatch(line)
			if parts == nil {
				t.Errorf("%s: %s fills no policy", path, line)
				continue
			}
			command := exec.CommandContext(t.Context(), "bash", "-euc", line)
			command.Dir, command.Env = work, append(os.Environ(), "ISSUER=https://oidc.eks.us-east-1.amazonaws.com/id/0123")
			if output, err := command.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v %s", line, err, output)
			}
			written := read(t, filepath.Join(work, parts[2]))
			if left := regexp.MustCompile(`\b[A-Z]{4,}(_[A-Z]+)?\b`).FindString(written); left != "" || !json.Valid([]byte(written)) {
				t.Errorf("%s: %s leaves %q in\n%s", path, line, left, written)
			}
			filled[parts[1]] = true
		}
	}
	policies, err := filepath.Glob("manifests/iam/*.json")
	if err != nil || len(policies) < 4 {
		t.Fatalf("policies %q, %v", policies, err)
	}
	for _, policy := range policies {
		if !filled[filepath.ToSlash(policy)] {
			t.Errorf("no document says how %s is filled", policy)
		}
	}
}

// Whoever must know the startup taint is told the same key.
func TestTheStartupTaintIsOneEverywhere(t *testing.T) {
	atRoot(t)
	examples := filepath.Join("manifests", "examples", "node-readiness")
	for path, wants := range map[string][]string{
		"README.md": {"--startup-taint=" + v1alpha1.TaintNotReady, "kubectl taint nodes --all " + v1alpha1.TaintNotReady + "-"},
		filepath.Join(examples, "eksctl-nodegroup.yaml"):   {"--startup-taint=" + v1alpha1.TaintNotReady, "- key: " + v1alpha1.TaintNotReady},
		filepath.Join(examples, "karpenter-nodepool.yaml"): {"startupTaints:\n      - key: " + v1alpha1.TaintNotReady},
		filepath.Join("manifests", "40-deployment.yaml"):   {"- key: " + v1alpha1.TaintNotReady + "\n        operator: Exists"},
	} {
		text := read(t, path)
		for _, want := range wants {
			if !strings.Contains(text, want) {
				t.Errorf("%s does not have %q", path, want)
			}
		}
	}
}

// What the table of the controller's own troubles quotes is what the program says, and the checks are those it has.
func TestTheTableOfTroublesQuotesTheProgram(t *testing.T) {
	atRoot(t)
	_, table, found := strings.Cut(read(t, "README.md"), "\n### The controller itself\n")
	table, _, _ = strings.Cut(table, "\n### ")
	if !found {
		t.Fatal("there is no such table")
	}
	placeholder := regexp.MustCompile(`--cluster-name=(\S+)`).FindStringSubmatch(read(t, filepath.Join("manifests", "40-deployment.yaml")))[1]
	options := app.NewOptions()
	options.ClusterName = placeholder
	err := options.Validate()
	if quoted := "--cluster-name=" + strconv.Quote(placeholder) + ": must match"; err == nil || !strings.Contains(err.Error(), quoted) || !strings.Contains(table, quoted) {
		t.Errorf("the program says %v, and the table does not", err)
	}
	for path, words := range map[string][]string{
		filepath.Join("pkg", "cloud", "config.go"):                      {"no AWS Region", "no AWS credentials"},
		filepath.Join("cmd", "multi-eni-controller", "app", "build.go"): {"nodes", "nodeenis", "ec2-permissions"},
		filepath.Join("cmd", "multi-eni-controller", "app", "serve.go"): {"/readyz"},
		filepath.Join("manifests", "40-deployment.yaml"):                {"multi-eni-controller:CHANGE-ME", "networking.k8s.aws/eni-not-ready"},
	} {
		source := read(t, path)
		for _, word := range words {
			if !strings.Contains(source, word) || !strings.Contains(table, "`"+word) {
				t.Errorf("%s and the table do not both have %q", path, word)
			}
		}
	}
}
