package ec2sim

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxBody is more than the largest request that EC2's own limits allow.
const maxBody = 1 << 20

// operation is one action: what it takes, whom it asks leave of, and what it does.
// run is called with the lock held and writes the answer's elements.
type operation struct {
	params params
	run    func(s *Simulator, c *call, w *xmlWriter) error
	// resources names what IAM judges the call by; nil is "*".
	resources func(s *Simulator, c *call) []resource
	// reads is there for describes.
	reads *reading
	// idempotent actions take a ClientToken.
	idempotent bool
}

// call is one request on its way through the checks.
type call struct {
	action    string
	form      *value
	raw       url.Values
	principal *principal
	accessKey string
	requestID string
	now       time.Time
	fault     *Fault
	// filters and page are a describe's.
	filters []filter
	page    page
	// made is the interface that the call has created, for its client token to remember.
	made *networkInterface
}

// stuck tells whether a fault makes this call's attach or detach never end.
func (c *call) stuck(effect string) bool { return c.fault != nil && c.fault.Effect == effect }

// answer is what goes back over the wire, and how.
type answer struct {
	status int
	body   []byte
	wait   time.Duration
	// id goes into the header too, where the SDKs look for it.
	id string
	// lost says how the answer never arrives: cut, hang, or not at all.
	lost string
}

// serveQuery takes a request of the Query protocol from end to end. The lock is held
// while the call takes effect, never while its latency passes.
func (s *Simulator) serveQuery(w http.ResponseWriter, r *http.Request) {
	form, err := readForm(w, r)
	var a answer
	s.locked(func(now time.Time) {
		a = s.handle(r, form, err, now)
	})
	s.deliver(w, r, a)
}

func (s *Simulator) deliver(w http.ResponseWriter, r *http.Request, a answer) {
	if a.lost == effectHang {
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	}
	if err := s.clock.Sleep(r.Context(), a.wait); err != nil || a.lost != "" {
		// The connection is closed without an answer: that is what a cut is.
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/xml;charset=UTF-8")
	w.Header().Set("Cache-Control", "no-cache, no-store")
	w.Header().Set("X-Amzn-Requestid", a.id)
	w.WriteHeader(a.status)
	// The caller may have gone; there is nobody left to tell.
	_, _ = w.Write(a.body)
}

func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	malformed := fail("MalformedQueryString", "The query string contains a syntax error.")
	form, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, malformed
	}
	if r.Method != http.MethodPost && r.Method != http.MethodGet {
		return nil, fail("InvalidRequest", "The method %s is not supported.", r.Method)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return nil, malformed
	}
	posted, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, malformed
	}
	for name, values := range posted {
		form[name] = append(form[name], values...)
	}
	return form, nil
}

// handle decides a call and notes it in the log.
func (s *Simulator) handle(r *http.Request, form url.Values, formErr error, now time.Time) answer {
	c := &call{action: form.Get("Action"), raw: form, now: now, requestID: newUUID(s.rng)}
	s.readPath = s.rng.IntN(readPaths)
	w := &xmlWriter{buf: s.scratch[:0]}
	err := formErr
	if err == nil {
		err = s.admit(r, c)
	}
	a := answer{wait: s.latency.Call.draw(s.rng), id: c.requestID}
	if err == nil {
		err = s.faulty(c, &a)
	}
	acted := a.lost == "" && err == nil
	if acted {
		err = s.act(c, w)
	}
	a.finish(c, w, err)
	s.scratch = w.buf
	s.log.add(c, a, err)
	return a
}

// finish makes the document, and lets a fault spoil it.
func (a *answer) finish(c *call, w *xmlWriter, err error) {
	a.status, a.body = http.StatusOK, nil
	if e, ok := errors.AsType[*Error](err); ok {
		a.status, a.body = e.Status, errorDocument(e, c.requestID)
	} else if a.lost == "" {
		a.body = answerDocument(c.action, c.requestID, w.buf)
	}
	if c.fault == nil {
		return
	}
	switch c.fault.Effect {
	case effectDelay:
		a.wait += time.Duration(c.fault.Duration)
	case effectCutAfter:
		a.lost = effectCutAfter
	case effectGarbage:
		a.body = []byte("<Response><Errors><Err\x00")
	}
}

// admit is the first of the checks: signature, then action.
func (s *Simulator) admit(r *http.Request, c *call) error {
	key, err := s.accessKeyOf(r, c.raw)
	if err != nil {
		return err
	}
	c.accessKey = key
	if c.principal, err = s.access.principalOf(key); err != nil {
		return err
	}
	if c.action == "" {
		return fail("MissingAction", "The request is missing an action or a required parameter.")
	}
	if v := c.raw.Get("Version"); v != "" && v != apiVersion {
		return fail("NoSuchVersion", "The requested version (%s) of service AmazonEC2 does not exist", v)
	}
	if _, ok := operations[c.action]; !ok {
		return fail("InvalidAction", "The action %s is not valid for this web service.", c.action)
	}
	c.form, err = parseForm(c.raw)
	return err
}

// act is the rest of the checks, and the action itself.
func (s *Simulator) act(c *call, w *xmlWriter) error {
	op := operations[c.action]
	if err := s.throttle(c); err != nil {
		return err
	}
	if err := op.params.checkParams(c.form); err != nil {
		return err
	}
	if err := s.checkVPCs(c.form); err != nil {
		return err
	}
	if op.reads != nil {
		if err := op.reads.check(s, c); err != nil {
			return err
		}
	}
	if err := s.authorize(c, op); err != nil {
		return err
	}
	if c.form.boolean("DryRun") {
		return fail("DryRunOperation", "Request would have succeeded, but DryRun flag is set.")
	}
	if op.reads != nil {
		return op.run(s, c, w)
	}
	return s.wholly(func() error {
		if op.idempotent {
			return s.once(c, w, op.run)
		}
		return op.run(s, c, w)
	})
}

// accessKeyOf reads the access key from a SigV4 signature, in the header or in the
// query string. The signature itself is not verified: the simulator knows no secrets.
func (s *Simulator) accessKeyOf(r *http.Request, form url.Values) (string, error) {
	header := r.Header.Get("Authorization")
	scope := form.Get("X-Amz-Credential")
	if header == "" && scope == "" {
		return "", fail("MissingAuthenticationToken", "Request is missing Authentication Token")
	}
	if header != "" {
		var ok bool
		if scope, ok = credentialScope(header); !ok {
			return "", fail("AuthFailure", "The Authorization header is not a valid AWS Signature Version 4 header")
		}
	}
	if header == "" && form.Get("X-Amz-Signature") == "" {
		return "", fail("AuthFailure", "The query string has credentials and no signature")
	}
	parts := strings.Split(scope, "/")
	if len(parts) != 5 || parts[0] == "" || parts[4] != "aws4_request" {
		return "", fail("AuthFailure", "The credential scope %q is not valid", scope)
	}
	if parts[2] != s.region || parts[3] != "ec2" {
		return "", fail("AuthFailure", "Credential should be scoped to %s/ec2, not %s/%s", s.region, parts[2], parts[3])
	}
	return parts[0], nil
}

func credentialScope(header string) (string, bool) {
	rest, ok := strings.CutPrefix(header, "AWS4-HMAC-SHA256 ")
	if !ok {
		return "", false
	}
	found := map[string]string{}
	for part := range strings.SplitSeq(rest, ",") {
		name, v, _ := strings.Cut(strings.TrimSpace(part), "=")
		found[name] = v
	}
	return found["Credential"], found["Credential"] != "" && found["SignedHeaders"] != "" && found["Signature"] != ""
}
