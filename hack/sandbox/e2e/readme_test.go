package e2e

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

// notRun are the beginnings of lines that no sandbox can run, or that a story of their own runs.
var notRun = map[string]string{
	"make ":   "TestNamedTargetsExist",
	"docker ": "there is no registry",
	"aws ":    "IAM and EKS are not simulated",
	"sed ":    "what it writes is for IAM",
	"ISSUER=": "EKS is not simulated",
	"cosign ": "TestTheSignatureThatPeopleCheckIsTheReleases",
	"kubectl -n multi-eni-system rollout status ":     "no kubelet runs the pods",
	"kubectl -n multi-eni-system logs ":               "no kubelet runs the pods",
	"kubectl -n kube-system set env ":                 "there is no VPC CNI",
	"kubectl -n eni-controller-system ":               "TestMigrate",
	"multi-eni-controller migrate ":                   "TestMigrate",
	"multi-eni-controller audit --security-group=":    "TestAudit",
	"multi-eni-controller audit --cluster-name=prod ": "TestAudit",
	"kubectl delete -f manifests/":                    "TestUninstallAndInstall",
}

// shellLines are the lines of the README's shell blocks, by its sections, whose order is returned too.
func shellLines(t *testing.T) (sections []string, lines map[string][]string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(shared.repo, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	lines = map[string][]string{}
	inBlock, section := false, ""
	for line := range strings.Lines(string(data)) {
		trimmed := strings.TrimSpace(line)
		switch title, isTitle := strings.CutPrefix(line, "## "); {
		case isTitle && !inBlock:
			section = strings.TrimSpace(title)
			sections = append(sections, section)
		case trimmed == "```sh":
			inBlock = true
		case strings.HasPrefix(trimmed, "```"):
			inBlock = false
		case inBlock && trimmed != "":
			lines[section] = append(lines[section], trimmed)
		}
	}
	return sections, lines
}

// excused reports whether a line is not run, and strikes its excuse off the list of those that nobody has used.
func excused(line string, unused map[string]bool) bool {
	for beginning := range notRun {
		if strings.HasPrefix(line, beginning) {
			delete(unused, beginning)
			return true
		}
	}
	return false
}

// Every line of the README that can be run does what the README says, in its order, the uninstall last.
func TestREADME(t *testing.T) {
	nodes := sandbox.Machines(2)
	l := newLab(t, nodes...)
	l.multusKind()
	l.startController()
	words := strings.NewReplacer("my-cluster", sandbox.ClusterName, "nodeeni NAME ", "nodeeni nodeeni-subnet-a ")
	unused := map[string]bool{}
	for beginning := range notRun {
		unused[beginning] = true
	}
	ran := 0
	sections, lines := shellLines(t)
	run := func(section string) {
		for _, line := range lines[section] {
			if excused(line, unused) {
				continue
			}
			ran++
			output, err := l.cluster.RunLine(l.ctx, shared.binaries, l.sim.URL, words.Replace(line))
			l.must(err)
			l.Logf("%s\n%s", line, output)
		}
	}
	for _, section := range sections {
		if section == "Uninstall" {
			continue
		}
		run(section)
		if section == "Attach to two subnets" {
			l.must(l.inEC2(l.ctx, append(onAll(nodes, "nodeeni-subnet-a", sandbox.SubnetA, 1), onAll(nodes, "nodeeni-subnet-b", sandbox.SubnetB, 2)...)))
		}
		if section == "Use with Multus" {
			l.multusReadsTheExamples()
		}
	}
	run("Uninstall")
	l.must(l.inEC2(l.ctx, nil))
	if ran < 12 {
		t.Errorf("only %d lines were run", ran)
	}
	for beginning := range unused {
		t.Errorf("no line of the README begins with %q any more", beginning)
	}
}

// multusKind installs the kind that Multus brings along, for as long as the test runs.
func (l *lab) multusKind() {
	l.Helper()
	const definition = "testdata/network-attachment-definition-crd.yaml"
	l.kubectl("apply", "-f", definition)
	l.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), cleanTimeout)
		defer cancel()
		_, err := l.cluster.Kubectl.Run(ctx, "delete", "-f", example("multus"), "-f", definition, "--ignore-not-found")
		if err != nil {
			l.Error(err)
		}
	})
	l.kubectl("wait", "--for=condition=Established", "--timeout=30s", "-f", definition)
}

// multusReadsTheExamples demands of each definition what Multus demands: a configuration in JSON that names itself and a
// plugin; and that the pods name definitions which are there.
func (l *lab) multusReadsTheExamples() {
	l.Helper()
	var definitions struct {
		Items []struct {
			Metadata metav1.ObjectMeta `json:"metadata"`
			Spec     struct {
				Config string `json:"config"`
			} `json:"spec"`
		} `json:"items"`
	}
	l.must(json.Unmarshal([]byte(l.kubectl("get", "net-attach-def", "--namespace="+corev1.NamespaceDefault, "-o", "json")), &definitions))
	plugins, names := map[string]string{}, map[string]bool{}
	for _, d := range definitions.Items {
		var config struct{ CNIVersion, Name, Type string }
		if err := json.Unmarshal([]byte(d.Spec.Config), &config); err != nil || config.CNIVersion == "" || config.Name != d.Metadata.Name {
			l.Errorf("the configuration of %s is %s: %v", d.Metadata.Name, d.Spec.Config, err)
		}
		plugins[config.Type], names[d.Metadata.Name] = d.Metadata.Name, true
	}
	if len(plugins) != 2 || plugins["host-device"] == "" || plugins["ipvlan"] == "" {
		l.Errorf("the examples are %v", plugins)
	}
	deployments, err := l.cluster.Kube.AppsV1().Deployments(corev1.NamespaceDefault).List(l.ctx, metav1.ListOptions{})
	l.must(err)
	if len(deployments.Items) == 0 {
		l.Error("no example has pods")
	}
	for _, deployment := range deployments.Items {
		if network := deployment.Spec.Template.Annotations["k8s.v1.cni.cncf.io/networks"]; !names[network] {
			l.Errorf("the pods of %s name the network %q", deployment.Name, network)
		}
	}
}
