package e2e

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// shown is a page of a controller's that must be there.
func (l *lab) shown(get func(path string) (int, string, error), path string, words ...string) string {
	l.Helper()
	status, body, err := get(path)
	l.must(err)
	for _, word := range words {
		if status != http.StatusOK || !strings.Contains(body, word) {
			l.Errorf("%s: %d, want it with %q:\n%s", path, status, word, body)
		}
	}
	return body
}

// Whoever is on the controller's host sees what it sees, by the debug port.
func TestDebugPort(t *testing.T) {
	nodes := machines(1)
	l := newLab(t, nodes...)
	leader := l.startController("-v=4")
	l.leader("")
	waiting := l.startController()
	l.must(waiting.WaitHealthy(l.ctx))
	l.create(nodeENI("a", sandbox.SubnetA, 1))
	l.converge(onAll(nodes, "a", sandbox.SubnetA, 1)...)
	iface := l.the()
	debug := func(path string) (int, string, error) { return leader.GetDebug(l.ctx, path) }

	l.shown(debug, "/", "/statusz", "/flagz", "/debug/topology", "/debug/enis/", "/debug/pprof/")
	l.shown(debug, "/statusz", "multi-eni-controller statusz", "\nUp: 0 hr", "\nBinary version: v")
	l.shown(debug, "/flagz", "multi-eni-controller flagz", "\ncluster-name="+sandbox.ClusterName+"\n", "\nec2-visibility-horizon=1s\n", "\nv=4\n")
	l.shown(debug, "/debug/pprof/goroutine?debug=1", "goroutine profile:", "(*Inventory).Run")
	l.shown(debug, "/debug/topology", nodes[0].Name, nodes[0].InstanceID, iface.ID, "wanted at 0-1", "by NodeENI a")
	var topology struct {
		Leading bool
		Nodes   []struct {
			Node, InstanceID string
			Slots            []struct {
				Slot, ENIID string
				Ours        bool
			}
		}
	}
	l.must(json.Unmarshal([]byte(l.shown(debug, "/debug/topology?format=json")), &topology))
	if len(topology.Nodes) != 1 || !topology.Leading || topology.Nodes[0].InstanceID != nodes[0].InstanceID || len(topology.Nodes[0].Slots) != 2 ||
		topology.Nodes[0].Slots[1].ENIID != iface.ID || !topology.Nodes[0].Slots[1].Ours || topology.Nodes[0].Slots[0].Ours {
		t.Errorf("topology %+v", topology)
	}
	l.recordedFlight(leader, iface.ID)

	for _, row := range []struct {
		path string
		want int
	}{{"/debug/enis/eni-0fffffffffffffff0", 404}, {"/nothing", 404}, {"/debug/topology?format=xml", 400}} {
		if status, body, err := debug(row.path); err != nil || status != row.want || body == "" {
			t.Errorf("%s: %d %q %v, want %d", row.path, status, body, err, row.want)
		}
	}
	l.shown(func(path string) (int, string, error) { return waiting.GetDebug(l.ctx, path) }, "/debug/topology", "does not lead")

	l.sayWell(leader)
}

// sayWell asks the port that is for everybody.
func (l *lab) sayWell(controller *sandbox.Controller) {
	l.Helper()
	get := func(path string) (int, string, error) { return controller.Get(l.ctx, path) }
	l.shown(get, "/livez", "ok")
	l.shown(get, "/readyz?verbose", "[+]nodes ok", "[+]nodeenis ok", "[+]ec2-permissions ok", "readyz check passed")
	l.shown(get, "/metrics", `multi_eni_ec2_permission_denied{action="DetachNetworkInterface",statements="ManageOwnInterfaces,AttachToInstances"} 0`)
	if status, _, err := get("/debug/topology"); err != nil || status != http.StatusNotFound {
		l.Errorf("the debug pages on the main port: %d %v", status, err)
	}
}

// recordedFlight wants the calls that brought the interface there in the recorder, with the request IDs that EC2 gave
// them and that the log has.
func (l *lab) recordedFlight(controller *sandbox.Controller, id string) {
	l.Helper()
	_, flight, err := controller.GetDebug(l.ctx, "/debug/enis/"+id)
	l.must(err)
	calls, err := l.sim.CallLog(l.ctx)
	l.must(err)
	for _, action := range []string{"CreateNetworkInterface", "AttachNetworkInterface", "ModifyNetworkInterfaceAttribute"} {
		i := slices.IndexFunc(calls, func(c ec2sim.LogEntry) bool { return c.Action == action && c.Code == "OK" })
		line := regexp.MustCompile(`called: ` + action + ` +OK +\S+ +` + regexp.QuoteMeta(calls[i].RequestID))
		if !line.MatchString(flight) {
			l.Errorf("%s, request %s, is not recorded:\n%s", action, calls[i].RequestID, flight)
		}
		if !strings.Contains(controller.Log(), calls[i].RequestID) {
			l.Errorf("the log does not have request %s of %s", calls[i].RequestID, action)
		}
	}
}
