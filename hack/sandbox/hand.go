package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// apiVersion is EC2's one and only.
const apiVersion = "2016-11-15"

// Hand is somebody else who calls EC2: a person at the console, or another tool. It speaks EC2's Query
// protocol itself: the SDK's client for EC2 would take minutes to compile.
type Hand struct {
	url string
	key string
}

// Hand calls the simulator as an account's other users do; its calls are counted like everybody's.
func (c *Control) Hand() Hand {
	return Hand{url: c.URL, key: SomebodyKey}
}

// ControllersHand calls with the controller's rights: what it is denied, the controller is denied.
func (c *Control) ControllersHand() Hand {
	return Hand{url: c.URL, key: controllerKey}
}

// AdoptersHand calls with the rights of a controller that may adopt.
func (c *Control) AdoptersHand() Hand {
	return Hand{url: c.URL, key: adopterKey}
}

// Tag puts a tag on an interface.
func (h Hand) Tag(ctx context.Context, iface, key, value string) error {
	return h.Tags(ctx, iface, map[string]string{key: value})
}

// Tags puts tags on an interface, with one call.
func (h Hand) Tags(ctx context.Context, iface string, tags map[string]string) error {
	form := url.Values{"ResourceId.1": {iface}}
	for i, key := range slices.Sorted(maps.Keys(tags)) {
		name := "Tag." + strconv.Itoa(i+1)
		form.Set(name+".Key", key)
		form.Set(name+".Value", tags[key])
	}
	return h.call(ctx, "CreateTags", form)
}

// Untag takes tags off an interface.
func (h Hand) Untag(ctx context.Context, iface string, keys ...string) error {
	form := url.Values{"ResourceId.1": {iface}}
	for i, key := range keys {
		form.Set("Tag."+strconv.Itoa(i+1)+".Key", key)
	}
	return h.call(ctx, "DeleteTags", form)
}

// Attach attaches an interface, on network card 0.
func (h Hand) Attach(ctx context.Context, iface, instance string, deviceIndex int) error {
	return h.call(ctx, "AttachNetworkInterface", url.Values{
		"NetworkInterfaceId": {iface}, "InstanceId": {instance}, "DeviceIndex": {strconv.Itoa(deviceIndex)},
	})
}

// Detach asks for the end of an attachment.
func (h Hand) Detach(ctx context.Context, attachment string) error {
	return h.call(ctx, "DetachNetworkInterface", url.Values{"AttachmentId": {attachment}})
}

// SetGroups changes the security groups of an interface.
func (h Hand) SetGroups(ctx context.Context, iface string, groups ...string) error {
	form := url.Values{"NetworkInterfaceId": {iface}}
	for i, group := range groups {
		form.Set("SecurityGroupId."+strconv.Itoa(i+1), group)
	}
	return h.call(ctx, "ModifyNetworkInterfaceAttribute", form)
}

// SetDeleteOnTermination changes the flag of an attachment.
func (h Hand) SetDeleteOnTermination(ctx context.Context, iface, attachment string, value bool) error {
	return h.call(ctx, "ModifyNetworkInterfaceAttribute", url.Values{
		"NetworkInterfaceId":             {iface},
		"Attachment.AttachmentId":        {attachment},
		"Attachment.DeleteOnTermination": {strconv.FormatBool(value)},
	})
}

// call makes one signed call of the Query protocol.
func (h Hand) call(ctx context.Context, action string, form url.Values) error {
	form.Set("Action", action)
	form.Set("Version", apiVersion)
	body := form.Encode()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url+"/", strings.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	hash := sha256.Sum256([]byte(body))
	identity := aws.Credentials{AccessKeyID: h.key, SecretAccessKey: "secret"}
	if err := v4.NewSigner().SignHTTP(ctx, identity, request, hex.EncodeToString(hash[:]), "ec2", Region, time.Now()); err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, err := io.ReadAll(response.Body)
		return errors.Join(fmt.Errorf("%s: %s: %s", action, response.Status, answer), err)
	}
	return nil
}
