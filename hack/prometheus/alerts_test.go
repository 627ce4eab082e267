package prometheus

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/rules"
	"sigs.k8s.io/yaml"
)

// root is the project's folder.
var root = filepath.Join("..", "..")

func manifest(t *testing.T, name string, into any) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "manifests", "monitoring", name))
	if err == nil {
		err = yaml.UnmarshalStrict(data, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// ruleGroups are the groups of prometheusrule.yaml, read as Prometheus reads a file of rules.
func ruleGroups(t *testing.T) []rulefmt.RuleGroup {
	t.Helper()
	var object prometheusRule
	manifest(t, "prometheusrule.yaml", &object)
	data, err := yaml.Marshal(object.Spec)
	if err != nil {
		t.Fatal(err)
	}
	groups, errs := rulefmt.Parse(data, false, model.LegacyValidation, queryParser, slog.New(slog.DiscardHandler))
	for _, err := range errs {
		t.Error(err)
	}
	return groups.Groups
}

// alertRules are the alerts, as Prometheus makes them of what is in the file, with nothing pending yet.
func alertRules(t *testing.T) (list []*rules.AlertingRule) {
	t.Helper()
	for _, group := range ruleGroups(t) {
		if time.Duration(group.Interval) != interval {
			t.Errorf("group %s is evaluated every %s, the stories every %s", group.Name, group.Interval, interval)
		}
		for _, rule := range group.Rules {
			expr, err := queryParser.ParseExpr(rule.Expr)
			if err != nil {
				t.Fatalf("%s: %v", rule.Alert, err)
			}
			list = append(list, rules.NewAlertingRule(rule.Alert, expr, time.Duration(rule.For), time.Duration(rule.KeepFiringFor),
				labels.FromMap(rule.Labels), labels.FromMap(rule.Annotations), labels.EmptyLabels(), "", true, nil))
		}
	}
	return list
}

// fired is what came of one alert.
type fired struct {
	first, last time.Time
	// labels and annotations are those of the first that fired.
	labels, annotations map[string]string
}

// evaluate evaluates the alerts over all that was scraped, and returns those that fired, by name.
func evaluate(t *testing.T, seen scrapes) map[string]*fired {
	t.Helper()
	st, list, all := stored(t, seen), alertRules(t), map[string]*fired{}
	query := rules.EngineQueryFunc(newEngine(), st)
	for at := st.first; !at.After(st.last); at = at.Add(interval) {
		for _, rule := range list {
			if _, err := rule.Eval(context.Background(), 0, at, query, &url.URL{}, 0); err != nil {
				t.Fatalf("%s: %v", rule.Name(), err)
			}
			rule.SetEvaluationTimestamp(at)
			if rule.State() != rules.StateFiring {
				continue
			}
			f := all[rule.Name()]
			if f == nil {
				f = &fired{first: at}
				all[rule.Name()] = f
			}
			f.last = at
			for _, alert := range rule.ActiveAlerts() {
				if alert.State == rules.StateFiring && f.labels == nil {
					f.labels, f.annotations = alert.Labels.Map(), alert.Annotations.Map()
				}
			}
		}
	}
	return all
}

// TestEachAlertFires tells the stories. An alert that no story fires, or that fires in a story which does not name it,
// fails, and so does one that fires before anything is wrong, or goes on firing after all is well.
func TestEachAlertFires(t *testing.T) {
	firedIn := map[string]string{}
	for _, story := range stories {
		t.Run(story.name, func(t *testing.T) {
			seen := inLab(t, story.tell)
			if seen.began.IsZero() || seen.ended.Before(seen.began) {
				t.Fatal("the story does not say when something is wrong")
			}
			got := evaluate(t, seen)
			if diff := cmp.Diff(story.fires, slices.Sorted(maps.Keys(got))); diff != "" {
				t.Errorf("alerts that fire, - wanted, + got:\n%s", diff)
			}
			end := seen.answers[len(seen.answers)-1].at
			for name, f := range got {
				t.Logf("%s fires %s after the trouble began, until %s after it ended: %s", name, f.first.Sub(seen.began), f.last.Sub(seen.ended), f.annotations["summary"])
				firedIn[name] = story.name
				if !f.first.After(seen.began) {
					t.Errorf("%s fires %s before anything is wrong", name, seen.began.Sub(f.first))
				}
				if !f.last.Before(end) {
					t.Errorf("%s still fires at the end, %s after all was well", name, end.Sub(seen.ended))
				}
				for _, text := range f.annotations {
					if strings.Contains(text, "{{") || strings.Contains(text, "<error") || strings.Contains(text, "<no value>") {
						t.Errorf("%s says %q", name, text)
					}
				}
			}
			for name, want := range story.labels {
				if f := got[name]; f != nil && !subset(want, f.labels) {
					t.Errorf("%s has the labels %v, want %v", name, f.labels, want)
				}
			}
		})
	}
	if t.Failed() {
		return
	}
	for _, rule := range alertRules(t) {
		if firedIn[rule.Name()] == "" {
			t.Errorf("no story fires %s", rule.Name())
		}
	}
}

func subset(want, got map[string]string) bool {
	for key, value := range want {
		if got[key] != value {
			return false
		}
	}
	return true
}

// TestNoAlertFiresInAHealthyDay: nodes come and go, NodeENIs too, a replica is restarted, a call fails now and then.
func TestNoAlertFiresInAHealthyDay(t *testing.T) {
	seen := inLab(t, healthyDay)
	if len(seen.answers) < 12*120 {
		t.Fatalf("%d scrapes are too few", len(seen.answers))
	}
	for name, f := range evaluate(t, seen) {
		t.Errorf("%s fires: %s", name, f.annotations["summary"])
	}
}

// TestTheFirstDenialIsToldAndAnOldOneIsNot: of a counter that begins with the first denial, and of one that nobody has
// scraped for a while.
func TestTheFirstDenialIsToldAndAnOldOneIsNot(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	const scraped, lost, unscraped = "scraped", "lost", "unscraped"
	for _, test := range []struct {
		name string
		// started is when the process started, denied when its first call was denied, before or after the first scrape.
		started, denied time.Duration
		// target is how the target answers at a time.
		target func(at time.Duration) string
		fires  bool
	}{
		{name: "nothing is denied", started: -time.Hour, denied: 24 * time.Hour, target: func(time.Duration) string { return scraped }},
		{name: "denied while it is scraped", started: -time.Hour, denied: 40 * time.Minute, target: func(time.Duration) string { return scraped }, fires: true},
		{name: "denied before the first scrape of a new process", started: 40 * time.Minute, denied: 40 * time.Minute, fires: true, target: func(at time.Duration) string {
			if at < 41*time.Minute {
				return lost
			}
			return scraped
		}},
		{name: "denied long ago, the target did not answer for a while", started: -time.Hour, denied: -time.Hour, target: func(at time.Duration) string {
			if at > 40*time.Minute && at < time.Hour {
				return lost
			}
			return scraped
		}},
		{name: "denied long ago, Prometheus was away", started: -time.Hour, denied: -time.Hour, target: func(at time.Duration) string {
			if at > 40*time.Minute && at < time.Hour {
				return unscraped
			}
			return scraped
		}},
	} {
		var seen scrapes
		for at := time.Duration(0); at < 2*time.Hour; at += interval {
			body := fmt.Sprintf("process_start_time_seconds %d\n", begin.Add(test.started).Unix())
			if at >= test.denied {
				body += "multi_eni_ec2_calls_total{action=\"AttachNetworkInterface\",code=\"UnauthorizedOperation\"} 1\n"
			}
			switch test.target(at) {
			case scraped:
				seen.answers = append(seen.answers, answer{begin.Add(at), acceptText, []byte(body)})
			case lost:
				seen.answers = append(seen.answers, answer{at: begin.Add(at)})
			}
		}
		got := evaluate(t, seen)["MultiENIPermissionDenied"]
		if fires := got != nil; fires != test.fires {
			t.Errorf("%s: it fires: %v, want %v", test.name, fires, test.fires)
		}
		if got != nil && got.last.Sub(got.first) > 20*time.Minute {
			t.Errorf("%s: it fires for %s after a single denial", test.name, got.last.Sub(got.first))
		}
	}
}
