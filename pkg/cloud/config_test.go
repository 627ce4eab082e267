package cloud

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
)

// bareEnvironment takes away every source of configuration that the machine may have.
func bareEnvironment(t *testing.T) {
	t.Helper()
	nowhere := filepath.Join(t.TempDir(), "nothing")
	setAll(t, map[string]string{
		"AWS_CONFIG_FILE": nowhere, "AWS_SHARED_CREDENTIALS_FILE": nowhere, "AWS_EC2_METADATA_DISABLED": "true",
		"AWS_REGION": "", "AWS_DEFAULT_REGION": "", "AWS_PROFILE": "", "AWS_DEFAULT_PROFILE": "",
		"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": "", "AWS_SESSION_TOKEN": "",
		"AWS_ROLE_ARN": "", "AWS_WEB_IDENTITY_TOKEN_FILE": "",
		"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": "", "AWS_CONTAINER_CREDENTIALS_FULL_URI": "",
		"AWS_ENDPOINT_URL": "", "AWS_ENDPOINT_URL_EC2": "", "AWS_EC2_METADATA_SERVICE_ENDPOINT": "",
	})
}

func setAll(t *testing.T, environment map[string]string) {
	t.Helper()
	for key, value := range environment {
		t.Setenv(key, value)
	}
}

func TestNewExplainsWhatIsMissing(t *testing.T) {
	for _, row := range []struct {
		name string
		env  map[string]string
		want []string
	}{
		{"no Region", nil, []string{"no AWS Region", "AWS_REGION"}},
		{"no credentials", map[string]string{"AWS_REGION": "us-east-1"}, []string{"no AWS credentials", "IRSA", "Pod Identity"}},
		{"profile that is not there", map[string]string{"AWS_REGION": "us-east-1", "AWS_PROFILE": "nobody"}, []string{"AWS configuration", "nobody"}},
	} {
		t.Run(row.name, func(t *testing.T) {
			bareEnvironment(t)
			setAll(t, row.env)
			_, err := New(t.Context(), Options{})
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range row.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not speak of %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than one line: %q", err)
			}
		})
	}
}

// TestNewHonoursTheEnvironment: endpoint, and a user agent that tells our calls apart.
func TestNewHonoursTheEnvironment(t *testing.T) {
	var agent, signed string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent, signed = r.UserAgent(), r.Header.Get("Authorization")
		_, _ = w.Write([]byte(success(describeNetworkInterfaces, "").body))
	}))
	defer server.Close()
	bareEnvironment(t)
	setAll(t, map[string]string{
		"AWS_REGION": "eu-west-1", "AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_ENDPOINT_URL_EC2": server.URL,
		"AWS_MAX_ATTEMPTS": "7", "AWS_RETRY_MODE": "adaptive",
	})
	c, err := New(t.Context(), Options{ClusterIDs: []string{cluster}, Version: "v1.2.3"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.ListInterfaces(t.Context(), []string{cluster}, nil); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(agent, "aws-multi-eni-controller/v1.2.3") {
		t.Errorf("user agent %q", agent)
	}
	if !strings.Contains(signed, "/eu-west-1/ec2/") {
		t.Errorf("signed for %q", signed)
	}
	if attempts := c.ec2.Options().Retryer.MaxAttempts(); attempts != 1 {
		t.Errorf("the SDK would try %d times", attempts)
	}
}

// TestNewOnANode: the instance metadata service is enough for Region and credentials.
func TestNewOnANode(t *testing.T) {
	metadata := http.NewServeMux()
	say := func(path, text string) {
		metadata.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("X-Aws-Ec2-Metadata-Token-Ttl-Seconds", "60")
			_, _ = w.Write([]byte(text))
		})
	}
	say("PUT /latest/api/token", "token")
	say("GET /latest/dynamic/instance-identity/document", `{"region":"eu-north-1"}`)
	for _, path := range []string{"/latest/meta-data/iam/security-credentials/", "/latest/meta-data/iam/security-credentials-extended/"} {
		say("GET "+path+"{$}", "node-role")
		say("GET "+path+"node-role", `{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AKIDEXAMPLE","SecretAccessKey":"secret","Token":"t","Expiration":"2099-01-01T00:00:00Z"}`)
	}
	server := httptest.NewServer(metadata)
	defer server.Close()
	bareEnvironment(t)
	setAll(t, map[string]string{"AWS_EC2_METADATA_DISABLED": "false", "AWS_EC2_METADATA_SERVICE_ENDPOINT": server.URL})
	c, err := New(t.Context(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if region := c.ec2.Options().Region; region != "eu-north-1" {
		t.Errorf("Region %q", region)
	}
}
