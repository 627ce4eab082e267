package prometheus

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/yaml"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/cloud"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// prometheusRule is as much of prometheus-operator's kind as we use; what is in it beside is refused. The groups have
// the shape of Prometheus's own files.
type prometheusRule struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Groups []struct {
			Name     string `json:"name"`
			Interval string `json:"interval"`
			Rules    []struct {
				Alert       string            `json:"alert"`
				Expr        string            `json:"expr"`
				For         string            `json:"for,omitempty"`
				Labels      map[string]string `json:"labels"`
				Annotations map[string]string `json:"annotations"`
			} `json:"rules"`
		} `json:"groups"`
	} `json:"spec"`
}

// serviceMonitor is the same of the other kind.
type serviceMonitor struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Selector          metav1.LabelSelector `json:"selector"`
		NamespaceSelector struct {
			MatchNames []string `json:"matchNames"`
		} `json:"namespaceSelector"`
		Endpoints []struct {
			Port     string `json:"port"`
			Path     string `json:"path"`
			Interval string `json:"interval"`
		} `json:"endpoints"`
	} `json:"spec"`
}

func TestServiceMonitorFindsTheService(t *testing.T) {
	var monitor serviceMonitor
	manifest(t, "servicemonitor.yaml", &monitor)
	var service corev1.Service
	data, err := os.ReadFile(filepath.Join(root, "manifests", "60-metrics-service.yaml"))
	if err == nil {
		err = yaml.UnmarshalStrict(data, &service)
	}
	if err != nil {
		t.Fatal(err)
	}
	if monitor.APIVersion != "monitoring.coreos.com/v1" || monitor.Kind != "ServiceMonitor" {
		t.Errorf("it is a %s of %s", monitor.Kind, monitor.APIVersion)
	}
	selector, err := metav1.LabelSelectorAsSelector(&monitor.Spec.Selector)
	if err != nil {
		t.Fatal(err)
	}
	if !selector.Matches(labelSet(service.Labels)) || !slices.Contains(monitor.Spec.NamespaceSelector.MatchNames, service.Namespace) {
		t.Errorf("it does not select Service %s/%s", service.Namespace, service.Name)
	}
	if service.Name != job || service.Namespace != namespace {
		t.Errorf("the Service is %s/%s, the rules and stories go by %s/%s", service.Namespace, service.Name, namespace, job)
	}
	endpoint := monitor.Spec.Endpoints[0]
	if !slices.ContainsFunc(service.Spec.Ports, func(p corev1.ServicePort) bool { return p.Name == endpoint.Port }) {
		t.Errorf("the Service has no port %s", endpoint.Port)
	}
	if endpoint.Interval != "30s" {
		t.Errorf("it scrapes every %s, the stories every %s", endpoint.Interval, interval)
	}
}

type labelSet map[string]string

func (s labelSet) Has(key string) bool { _, ok := s[key]; return ok }

func (s labelSet) Get(key string) string { return s[key] }

func (s labelSet) Lookup(key string) (string, bool) { v, ok := s[key]; return v, ok }

// TestEachAlertSaysWhatToDo: severity, summary, description, and a runbook that is a heading of the README.
func TestEachAlertSaysWhatToDo(t *testing.T) {
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	anchors := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(readme), -1) {
		anchors[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	for _, group := range ruleGroups(t) {
		for _, rule := range group.Rules {
			if !slices.Contains([]string{"critical", "warning", "info"}, rule.Labels["severity"]) {
				t.Errorf("%s has severity %q", rule.Alert, rule.Labels["severity"])
			}
			if rule.Annotations["summary"] == "" || len(rule.Annotations["description"]) < 80 {
				t.Errorf("%s says too little", rule.Alert)
			}
			_, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "#")
			if anchor != strings.ToLower(rule.Alert) || !anchors[anchor] {
				t.Errorf("%s has the runbook %q, which is no heading of the README", rule.Alert, rule.Annotations["runbook_url"])
			}
		}
	}
}

// TestCodesInRules: the patterns of the rules tell EC2's codes apart as the controller does.
func TestCodesInRules(t *testing.T) {
	patterns := map[string]*regexp.Regexp{}
	for _, group := range ruleGroups(t) {
		for _, rule := range group.Rules {
			if found := regexp.MustCompile(`code=~"([^"]+)"`).FindStringSubmatch(rule.Expr); found != nil {
				patterns[rule.Alert] = regexp.MustCompile("^(?:" + strings.ReplaceAll(found[1], `\\`, `\`) + ")$")
			}
			if found := regexp.MustCompile(`code!~"([^"]+)"`).FindStringSubmatch(rule.Expr); found != nil {
				patterns[rule.Alert] = regexp.MustCompile("^(?:" + strings.ReplaceAll(found[1], `\\`, `\`) + ")$")
			}
		}
	}
	throttled, denied, fails := patterns["MultiENIEC2Throttled"], patterns["MultiENIPermissionDenied"], patterns["MultiENIEC2CallsFail"]
	for _, row := range cloud.ErrorTable() {
		isThrottle, isDenial := row.Kind == eni.KindThrottled, row.Kind == eni.KindDenied || row.Kind == eni.KindCredentials || row.Kind == eni.KindNoAccess
		for _, code := range row.Codes {
			if code == "ConcurrentTagAccess" {
				isThrottle = false // it is waited for like a throttle, and says nothing of the rate
			}
			if throttled.MatchString(code) != isThrottle {
				t.Errorf("MultiENIEC2Throttled takes %s for a throttle: %v", code, !isThrottle)
			}
			if denied.MatchString(code) != isDenial {
				t.Errorf("MultiENIPermissionDenied takes %s for a denial: %v", code, !isDenial)
			}
			if fails.MatchString(code) != (isThrottle || isDenial) {
				t.Errorf("MultiENIEC2CallsFail counts %s: %v", code, isThrottle || isDenial)
			}
		}
	}
}
