package ec2sim

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/ec2query"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go/middleware"
)

// element is one element of an answer.
type element struct {
	XMLName  xml.Name
	Text     string    `xml:",chardata"`
	Children []element `xml:",any"`
}

// shapes are what each of the SDK's deserializers reads: element names, and the
// deserializer of what is inside them; empty for plain values.
type shapes map[string]map[string]string

const deserialize = "awsEc2query_deserialize"

// sdkFolder is where the SDK's source is.
var sdkFolder = sync.OnceValues(func() (string, error) {
	dir, err := exec.Command("go", "list", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2/service/ec2").Output()
	return strings.TrimSpace(string(dir)), err
})

// sdkShapes reads them from the SDK's source, since the SDK itself forgives a wrong case
// that would break other clients.
var sdkShapes = sync.OnceValues(func() (shapes, error) {
	dir, err := sdkFolder()
	if err != nil {
		return nil, err
	}
	file, err := parser.ParseFile(gotoken.NewFileSet(), filepath.Join(dir, "deserializers.go"), nil, parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	out := shapes{}
	for _, decl := range file.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && strings.HasPrefix(f.Name.Name, deserialize) {
			out[strings.TrimPrefix(f.Name.Name, deserialize)] = elementsOf(f)
		}
	}
	return out, nil
})

func elementsOf(f *ast.FuncDecl) map[string]string {
	out := map[string]string{}
	ast.Inspect(f, func(n ast.Node) bool {
		c, ok := n.(*ast.CaseClause)
		if !ok || len(c.List) != 1 {
			return true
		}
		if name, ok := equalFold(c.List[0]); ok {
			out[name] = readerIn(c)
		}
		return true
	})
	return out
}

// equalFold is the name that strings.EqualFold("name", …) compares with.
func equalFold(e ast.Expr) (string, bool) {
	call, ok := e.(*ast.CallExpr)
	if !ok || len(call.Args) != 2 {
		return "", false
	}
	lit, ok := call.Args[0].(*ast.BasicLit)
	if !ok {
		return "", false
	}
	name, err := strconv.Unquote(lit.Value)
	return name, err == nil
}

// readerIn is the deserializer that a case hands its element to.
func readerIn(c *ast.CaseClause) string {
	reader := ""
	ast.Inspect(c, func(n ast.Node) bool {
		if id, ok := n.(*ast.Ident); ok && strings.HasPrefix(id.Name, deserialize) {
			reader = strings.TrimPrefix(id.Name, deserialize)
		}
		return true
	})
	return reader
}

// checkNames follows an answer down the deserializers: every element must be one that
// this very deserializer reads, in this very case.
func (s shapes) checkNames(path, reader string, e element) error {
	known, ok := s[reader]
	if !ok && len(e.Children) > 0 {
		return fmt.Errorf("%s: the SDK reads nothing inside it", path)
	}
	for _, c := range e.Children {
		name := c.XMLName.Local
		next, ok := known[name]
		if !ok {
			return fmt.Errorf("%s: %s does not read <%s>", path, reader, name)
		}
		if next == "" && len(c.Children) > 0 {
			return fmt.Errorf("%s/%s: the SDK reads a plain value", path, name)
		}
		if next != "" {
			if err := s.checkNames(path+"/"+name, next, c); err != nil {
				return err
			}
		}
	}
	return nil
}

// exchange is a call's action with its answer.
type exchange struct {
	action string
	status int
	body   []byte
}

// recordingHandler keeps every answer that passes.
type recordingHandler struct {
	next http.Handler
	mu   sync.Mutex
	all  []exchange
}

func (h *recordingHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	out := &recorder{header: http.Header{}, status: http.StatusOK}
	h.next.ServeHTTP(out, r)
	action := ""
	for pair := range strings.SplitSeq(string(body), "&") {
		if v, ok := strings.CutPrefix(pair, "Action="); ok {
			action = v
		}
	}
	h.mu.Lock()
	h.all = append(h.all, exchange{action, out.status, out.body})
	h.mu.Unlock()
	for name, values := range out.header {
		w.Header()[name] = values
	}
	w.WriteHeader(out.status)
	// The caller may have gone; there is nobody left to tell.
	_, _ = w.Write(out.body)
}

// check holds an answer against the SDK: its names, and that the SDK finds every value
// that is in it.
func (x exchange) check(s shapes) error {
	var root element
	if err := xml.Unmarshal(x.body, &root); err != nil {
		return fmt.Errorf("%s: %w in %s", x.action, err, x.body)
	}
	if x.status != http.StatusOK {
		return x.checkError()
	}
	if root.XMLName.Local != x.action+"Response" || root.XMLName.Space != xmlNamespace {
		return fmt.Errorf("%s answers with <%s> of %s", x.action, root.XMLName.Local, root.XMLName.Space)
	}
	reader := "OpDocument" + x.action + "Output"
	// The protocol itself has a request ID, and return where there is nothing to say.
	root.Children = slices.DeleteFunc(root.Children, func(e element) bool {
		return e.XMLName.Local == "requestId" || e.XMLName.Local == "return" && s[reader]["return"] == ""
	})
	if err := s.checkNames(x.action, reader, root); err != nil {
		return err
	}
	return x.checkValues(root)
}

func (x exchange) checkError() error {
	c, err := ec2query.GetErrorResponseComponents(bytes.NewReader(x.body))
	if err != nil {
		return fmt.Errorf("%s: %w", x.action, err)
	}
	if c.Code == "" || c.Message == "" || c.RequestID == "" {
		return fmt.Errorf("%s: the SDK reads %+v from %s", x.action, c, x.body)
	}
	return nil
}

// checkValues has the SDK read the answer, and looks for each of its values.
func (x exchange) checkValues(root element) error {
	var want []string
	root.leaves(&want)
	out, err := x.decode()
	if err != nil {
		return fmt.Errorf("%s: %w", x.action, err)
	}
	var got []string
	leavesOf(out, &got)
	slices.Sort(want)
	slices.Sort(got)
	if !slices.Equal(want, got) {
		return fmt.Errorf("%s has the values\n%q\nand the SDK reads\n%q", x.action, want, got)
	}
	return nil
}

func (e element) leaves(to *[]string) {
	if len(e.Children) == 0 && e.Text != "" {
		*to = append(*to, e.Text)
	}
	for _, c := range e.Children {
		c.leaves(to)
	}
}

// canned answers every request alike.
type canned struct{ body []byte }

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(c.body)), Request: r}, nil
}

// decode makes the SDK's own call of the action's name.
func (x exchange) decode() (reflect.Value, error) {
	client := clientOf(canned{x.body}, "AKID", func(o *ec2.Options) {
		o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error {
			const validation = "OperationInputValidation"
			if _, there := stack.Initialize.Get(validation); !there {
				return nil
			}
			_, err := stack.Initialize.Remove(validation)
			return err
		})
	})
	method := reflect.ValueOf(client).MethodByName(x.action)
	if !method.IsValid() {
		return reflect.Value{}, fmt.Errorf("the SDK has no such action")
	}
	in := reflect.New(method.Type().In(1).Elem())
	out := method.Call([]reflect.Value{reflect.ValueOf(context.Background()), in})
	if err, failed := out[1].Interface().(error); failed {
		return reflect.Value{}, err
	}
	return out[0].Elem(), nil
}

func leavesOf(v reflect.Value, to *[]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			leavesOf(v.Elem(), to)
		}
	case reflect.Slice:
		for i := range v.Len() {
			leavesOf(v.Index(i), to)
		}
	case reflect.Struct:
		if at, ok := v.Interface().(time.Time); ok {
			*to = append(*to, instantText(at))
			return
		}
		for i := range v.NumField() {
			if f := v.Type().Field(i); f.IsExported() && f.Name != "ResultMetadata" {
				leavesOf(v.Field(i), to)
			}
		}
	default:
		if text := fmt.Sprint(v.Interface()); text != "" {
			*to = append(*to, text)
		}
	}
}

// TestShapesCatch: the check finds a wrong case, a wrong place and a value that is lost.
func TestShapesCatch(t *testing.T) {
	t.Parallel()
	s, err := sdkShapes()
	if err != nil {
		t.Fatal(err)
	}
	answer := func(body string) exchange {
		return exchange{"DescribeVpcs", 200, answerDocument("DescribeVpcs", "id", []byte(body))}
	}
	if err := answer("<vpcSet><item><vpcId>v</vpcId></item></vpcSet>").check(s); err != nil {
		t.Error(err)
	}
	for _, body := range []string{
		"<vpcSet><item><VpcId>v</VpcId></item></vpcSet>", "<vpcSet><item><subnetId>v</subnetId></item></vpcSet>", "<subnetSet/>",
		"<vpcSet><item><vpcId><x>v</x></vpcId></item></vpcSet>", "<vpcSet><member><vpcId>v</vpcId></member></vpcSet>",
		"<vpcSet><item><isDefault>true</isDefault><isDefault>false</isDefault></item></vpcSet>",
	} {
		if err := answer(body).check(s); err == nil {
			t.Errorf("%s is not caught", body)
		}
	}
	for _, body := range []string{"<Response><Errors><Error><code>x</code></Error></Errors></Response>", "<Errors/>", "x"} {
		if err := (exchange{"DescribeVpcs", 400, []byte(body)}).check(s); err == nil {
			t.Errorf("%s is not caught", body)
		}
	}
}
