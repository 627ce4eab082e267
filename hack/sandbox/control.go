package sandbox

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/ec2sim"
)

// Calls counts EC2 calls by action and outcome.
type Calls map[string]map[string]int

// Control is the simulator seen from behind the stage: what it reads is the truth, and what it changes
// happens without a call to EC2.
type Control struct {
	URL string
}

// World is everything that there is, as it really is.
func (c *Control) World(ctx context.Context) (ec2sim.Snapshot, error) {
	var world ec2sim.Snapshot
	return world, c.do(ctx, http.MethodGet, "world", nil, &world)
}

// Calls counts the calls so far.
func (c *Control) Calls(ctx context.Context) (Calls, error) {
	calls := Calls{}
	return calls, c.do(ctx, http.MethodGet, "calls", nil, &calls)
}

// CallLog is every call so far, oldest first.
func (c *Control) CallLog(ctx context.Context) ([]ec2sim.LogEntry, error) {
	data, err := c.read(ctx, http.MethodGet, "log", nil)
	var entries []ec2sim.LogEntry
	for decoder := json.NewDecoder(bytes.NewReader(data)); err == nil && decoder.More(); {
		var entry ec2sim.LogEntry
		err = decoder.Decode(&entry)
		entries = append(entries, entry)
	}
	return entries, err
}

// Terminate terminates an instance, which takes its time.
func (c *Control) Terminate(ctx context.Context, instance string) error {
	return c.do(ctx, http.MethodPost, "instances/"+instance+"/terminate", nil, nil)
}

// AddInterface makes an interface of somebody else's and returns its ID.
func (c *Control) AddInterface(ctx context.Context, iface ec2sim.Interface) (string, error) {
	var made ec2sim.InterfaceNow
	err := c.do(ctx, http.MethodPost, "interfaces", iface, &made)
	return made.ID, err
}

// Detach detaches an interface at once.
func (c *Control) Detach(ctx context.Context, iface string) error {
	return c.do(ctx, http.MethodPost, "interfaces/"+iface+"/detach?now=true", nil, nil)
}

// Delete deletes an interface at once.
func (c *Control) Delete(ctx context.Context, iface string) error {
	return c.do(ctx, http.MethodPost, "interfaces/"+iface+"/delete", nil, nil)
}

// AddFault makes calls go wrong.
func (c *Control) AddFault(ctx context.Context, fault ec2sim.Fault) error {
	return c.do(ctx, http.MethodPost, "faults", fault, nil)
}

// RemoveFaults ends all of it.
func (c *Control) RemoveFaults(ctx context.Context) error {
	return c.do(ctx, http.MethodDelete, "faults", nil, nil)
}

// do makes one call of the control protocol.
func (c *Control) do(ctx context.Context, method, path string, input, output any) error {
	data, err := c.read(ctx, method, path, input)
	if err != nil || output == nil {
		return err
	}
	return json.Unmarshal(data, output)
}

func (c *Control) read(ctx context.Context, method, path string, input any) ([]byte, error) {
	var body io.Reader = http.NoBody
	if input != nil {
		data, err := json.Marshal(input)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(data)
	}
	request, err := http.NewRequestWithContext(ctx, method, c.URL+"/_sim/"+path, body)
	if err != nil {
		return nil, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	data, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("simulator: %s %s: %s: %s", method, path, response.Status, strings.TrimSpace(string(data)))
	}
	return data, err
}
