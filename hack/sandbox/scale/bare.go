package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/hack/sandbox"
)

const (
	// attachWorkers is how many instances the controller works on at a time, by default, and the bare loop as well.
	attachWorkers = 20
	// bareIndex is the first device index that the controller leaves free, and barePlaces how many there are.
	bareIndex  = 5
	barePlaces = 3
	// warmUp is how many interfaces come before the counted ones: until then the SDK fills its caches.
	warmUp = 50
)

// bareLoop brings interfaces up with nothing but the SDK. It runs as a process of its own, which is told by flags.
type bareLoop struct {
	url, key string
	nodes    int
}

// bareCost is what the process tells about its loop.
type bareCost struct {
	Interfaces int
	CPU, Wall  time.Duration
}

func (b *bareLoop) addFlags(flags *flag.FlagSet) {
	flags.StringVar(&b.url, "bare-url", "", "be the bare loop, against the simulator at this address")
	flags.StringVar(&b.key, "bare-key", "", "access key of the bare loop")
	flags.IntVar(&b.nodes, "bare-nodes", 0, "number of instances for the bare loop")
}

// start runs the loop in a process of its own.
func (b *bareLoop) start(ctx context.Context) (bareCost, error) {
	self, err := os.Executable()
	if err != nil {
		return bareCost{}, err
	}
	command := exec.CommandContext(ctx, self, "-bare-url="+b.url, "-bare-key="+b.key, "-bare-nodes="+strconv.Itoa(b.nodes))
	command.Stderr = os.Stderr
	output, err := command.Output()
	if err != nil {
		return bareCost{}, fmt.Errorf("the bare loop: %w", err)
	}
	var cost bareCost
	return cost, json.Unmarshal(output, &cost)
}

// place is where one interface goes.
type place struct {
	instance string
	index    int32
}

// run is the process.
func (b *bareLoop) run(ctx context.Context, stdout io.Writer) error {
	client := ec2.New(ec2.Options{
		Region: sandbox.Region, BaseEndpoint: aws.String(b.url), Credentials: credentials.NewStaticCredentialsProvider(b.key, "secret", ""),
	})
	var places []place
	for index := range int32(barePlaces) {
		for number := 1; number <= b.nodes; number++ {
			places = append(places, place{sandbox.InstanceID(number), bareIndex + index})
		}
	}
	first := min(warmUp, len(places)/2)
	if err := bringUpAll(ctx, client, places[:first]); err != nil {
		return err
	}
	began, before := time.Now(), ownCPU()
	if err := bringUpAll(ctx, client, places[first:]); err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(bareCost{Interfaces: len(places) - first, CPU: ownCPU() - before, Wall: time.Since(began)})
}

// ownCPU is the CPU time of this process so far.
func ownCPU() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // the arguments are constants
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func bringUpAll(ctx context.Context, client *ec2.Client, places []place) error {
	var group sync.WaitGroup
	queue := make(chan place)
	errs := make([]error, attachWorkers)
	for worker := range attachWorkers {
		group.Go(func() {
			for p := range queue {
				if errs[worker] == nil {
					errs[worker] = bringUp(ctx, client, p)
				}
			}
		})
	}
	for _, p := range places {
		queue <- p
	}
	close(queue)
	group.Wait()
	return errors.Join(errs...)
}

// bringUp makes the three calls, with tags like the controller's.
func bringUp(ctx context.Context, client *ec2.Client, p place) error {
	created, err := client.CreateNetworkInterface(ctx, &ec2.CreateNetworkInterfaceInput{
		SubnetId: aws.String(subnets[0]), Groups: []string{sandbox.Workers}, TagSpecifications: []types.TagSpecification{{
			ResourceType: types.ResourceTypeNetworkInterface, Tags: bareTags(p),
		}},
	})
	if err != nil {
		return err
	}
	id := created.NetworkInterface.NetworkInterfaceId
	attached, err := client.AttachNetworkInterface(ctx, &ec2.AttachNetworkInterfaceInput{
		NetworkInterfaceId: id, InstanceId: aws.String(p.instance), DeviceIndex: aws.Int32(p.index), NetworkCardIndex: aws.Int32(0),
	})
	if err != nil {
		return err
	}
	_, err = client.ModifyNetworkInterfaceAttribute(ctx, &ec2.ModifyNetworkInterfaceAttributeInput{
		NetworkInterfaceId: id, Attachment: &types.NetworkInterfaceAttachmentChanges{AttachmentId: attached.AttachmentId, DeleteOnTermination: aws.Bool(true)},
	})
	return err
}

// bareTags are as many as the controller puts on an interface, and as long.
func bareTags(p place) []types.Tag {
	var tags []types.Tag
	for key, value := range map[string]string{
		"example.com/cluster-id": "0123abcd-0123-0123-0123-0123456789ab", "example.com/cluster-name": sandbox.ClusterName,
		"example.com/nodeeni-uid": "0123abcd-0123-0123-0123-0123456789ab", "example.com/nodeeni-name": "scale-1",
		"example.com/node-name": "ip-10-0-0-1.ec2.internal", "example.com/instance-id": p.instance, "example.com/slot": fmt.Sprintf("0-%d", p.index),
		"Name": "scale-1/ip-10-0-0-1.ec2.internal", "node.k8s.amazonaws.com/no_manage": "true",
	} {
		tags = append(tags, types.Tag{Key: aws.String(key), Value: aws.String(value)})
	}
	return tags
}
