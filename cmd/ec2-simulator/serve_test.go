package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const world = `subnets:
- {id: subnet-0f59b4f14737be9ad, vpc: vpc-1, zone: us-east-1a, cidr: 10.0.1.0/24}
`

func worldFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "world.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestServe starts on a free port, calls, hangs a call, and ends while it hangs.
func TestServe(t *testing.T) {
	t.Parallel()
	path := worldFile(t, world+`faults: [{action: DescribeVpcs, effect: hang}]`)
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() { ended <- run(ctx, []string{"--listen=127.0.0.1:0", "--world=" + path}, in) }()
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	url, ok := strings.CutPrefix(strings.TrimSpace(line), "listening on ")
	if !ok {
		t.Fatalf("it says %q", line)
	}
	if status := get(t, url+"/_sim/world", ""); status != http.StatusOK {
		t.Errorf("the world is answered with %d", status)
	}
	hung := make(chan int, 1)
	go func() {
		hung <- get(t, url+"/?Action=DescribeVpcs", "AWS4-HMAC-SHA256 Credential=A/20260102/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	}()
	for calls := ""; !strings.Contains(calls, "hang"); {
		calls = read(t, url+"/_sim/calls")
	}
	stop()
	if status := <-hung; status != 0 {
		t.Errorf("a call that hangs is answered with %d", status)
	}
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

// TestVirtualTime: the same calls get the same answers, and time moves when it is told to.
func TestVirtualTime(t *testing.T) {
	t.Parallel()
	path := worldFile(t, world+"instances: [{id: i-0aaaaaaaaaaaaaaa1, type: m5.large, subnet: subnet-0f59b4f14737be9ad}]\n")
	story := func() string {
		ctx, stop := context.WithCancel(t.Context())
		out, in := io.Pipe()
		ended := make(chan error, 1)
		go func() {
			ended <- run(ctx, []string{"--listen=127.0.0.1:0", "--world=" + path, "--virtual-time=2026-01-02T03:04:05Z"}, in)
		}()
		line, err := bufio.NewReader(out).ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		url := strings.TrimPrefix(strings.TrimSpace(line), "listening on ")
		told := ask(t, http.MethodPost, url+"/?Action=CreateNetworkInterface&SubnetId=subnet-0f59b4f14737be9ad", "")
		told += ask(t, http.MethodPost, url+"/?Action=StopInstances&InstanceId.1=i-0aaaaaaaaaaaaaaa1", "")
		before := ask(t, http.MethodGet, url+"/?Action=DescribeInstances", "")
		moved := ask(t, http.MethodPost, url+"/_sim/clock", `{"advance": "5s"}`)
		after := ask(t, http.MethodGet, url+"/?Action=DescribeInstances", "")
		if !strings.Contains(before, "<name>stopping</name>") || !strings.Contains(after, "<name>stopped</name>") || moved != `{"now":"2026-01-02T03:04:10Z"}`+"\n" {
			t.Errorf("before:\n%s\nthe clock: %s\nafter:\n%s", before, moved, after)
		}
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		return told + before + moved + after
	}
	if first, second := story(), story(); first != second {
		t.Errorf("two runs of one story differ:\n%s\n%s", first, second)
	}
}

// ask makes a signed call and returns its answer.
func ask(t *testing.T, method, url, body string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=A/20260102/us-east-1/ec2/aws4_request, SignedHeaders=host, Signature=0")
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// get returns the status, or 0 where there was no answer.
func get(t *testing.T, url, auth string) int {
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Error(err)
		return 0
	}
	r.Header.Set("Authorization", auth)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0
	}
	if err := resp.Body.Close(); err != nil {
		t.Error(err)
	}
	return resp.StatusCode
}

func read(t *testing.T, url string) string {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestUsage(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"--world is missing":                  nil,
		"unexpected argument":                 {"--world=x", "y"},
		"flag provided but not defined":       {"--wrold=x"},
		"invalid value":                       {"--world=x", "--virtual-time=noon"},
		"no such file":                        {"--world=/nowhere.yaml"},
		"subnets[0].zome: is not a known key": {"--world=" + worldFile(t, strings.Replace(world, "zone", "zome", 1))},
		"world.yaml:15: instances[11]: InsufficientFreeAddressesInSubnet": {"--world=" + worldFile(t, fullWorld())},
		"already has an interface attached at dev":                        {"--world=" + worldFile(t, world+"instances: [{id: i-0aaaaaaaaaaaaaaa1, type: m5.large, subnet: subnet-0f59b4f14737be9ad}]\ninterfaces: [{subnet: subnet-0f59b4f14737be9ad, attachment: {instance: i-0aaaaaaaaaaaaaaa1, deviceIndex: 0}}]\n")},
	} {
		var out bytes.Buffer
		err := run(t.Context(), args, &out)
		if !errors.Is(err, errUsage) || !strings.Contains(err.Error(), name) {
			t.Errorf("%v gives %v, want %s", args, err, name)
		}
	}
	var out bytes.Buffer
	if err := run(t.Context(), []string{"--help"}, &out); err != nil || !strings.Contains(out.String(), "world file") {
		t.Errorf("--help gives %v: %s", err, out.String())
	}
}

// fullWorld has more instances than its subnet has addresses.
func fullWorld() string {
	var b strings.Builder
	b.WriteString(strings.Replace(world, "/24", "/28", 1) + "instances:\n")
	for _, c := range "0123456789ab" {
		b.WriteString("- {id: i-0000000" + string(c) + ", type: m5.large, subnet: subnet-0f59b4f14737be9ad}\n")
	}
	return b.String()
}
