package chaos

import (
	"bytes"
	"context"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
)

// maxRequest is more than any request of the controller has.
const maxRequest = 8 << 20

// proxy stands between one replica and one of its servers.
type proxy struct {
	*gate
	server *httptest.Server
	ledger *ledger
	kindOf func(r *http.Request, body []byte) string
	// saw is told of answers before they are handed on.
	saw     func(r *http.Request, status int, body []byte)
	forward *httputil.ReverseProxy
}

// newProxy stands before a server. Where it speaks TLS, so does the proxy.
func newProxy(target *url.URL, transport http.RoundTripper, ledger *ledger, kindOf func(*http.Request, []byte) string) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &proxy{gate: newGate(listener), ledger: ledger, kindOf: kindOf}
	p.forward = &httputil.ReverseProxy{
		Transport:     transport,
		FlushInterval: -1, // watches
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		// The caller sees what it would see without a proxy: a connection that ends.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	p.server = &httptest.Server{Listener: p.gate, Config: &http.Server{Handler: p}, EnableHTTP2: target.Scheme == "https"}
	if target.Scheme == "https" {
		p.server.StartTLS()
	} else {
		p.server.Start()
	}
	return p, nil
}

// authority is the certificate that the proxy's clients must trust.
func (p *proxy) authority() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.server.Certificate().Raw})
}

func (p *proxy) close() {
	p.server.CloseClientConnections()
	p.server.Close()
}

// ServeHTTP counts the call and hands it on, unless a trap has it otherwise.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	if err != nil {
		panic(http.ErrAbortHandler) // the caller ended in the middle of it
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	c, caught := p.ledger.enter(p.kindOf(r, body))
	if caught == nil {
		p.pass(c, w, r)
		return
	}
	// What has been sent arrives, even if the caller ends before.
	r = r.WithContext(context.WithoutCancel(r.Context()))
	switch caught.mode {
	case dropped:
		caught.spring()
	case answered:
		p.pass(c, httptest.NewRecorder(), r)
		caught.spring()
	case passed:
		caught.spring()
		p.pass(c, w, r)
		return
	}
	panic(http.ErrAbortHandler)
}

// pass hands a call on. Answers to what changes something are looked at on their way.
func (p *proxy) pass(c call, w http.ResponseWriter, r *http.Request) {
	if p.saw == nil || c.read() {
		p.forward.ServeHTTP(w, r)
		return
	}
	answer := httptest.NewRecorder()
	p.forward.ServeHTTP(answer, r)
	p.saw(r, answer.Code, answer.Body.Bytes())
	for key, values := range answer.Header() {
		w.Header()[key] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes()) // the caller may be gone
}

// actionOf is the kind of an EC2 call.
func actionOf(r *http.Request, body []byte) string {
	form, err := url.ParseQuery(string(body))
	if err != nil || form.Get("Action") == "" {
		return "unknown EC2 call " + r.URL.String()
	}
	if form.Get("DryRun") == "true" {
		return leaveFor + form.Get("Action") // it changes as little
	}
	return form.Get("Action")
}

// verbOf is the kind of a call to the API server: its verb, resource and subresource.
func verbOf(r *http.Request, _ []byte) string {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return strings.ToLower(r.Method) + " " + r.URL.Path
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		parts = parts[2:]
	}
	resource := parts[0]
	if len(parts) > 2 {
		resource += "/" + parts[2]
	}
	if r.URL.Query().Has("watch") {
		return "watch " + resource
	}
	return strings.ToLower(r.Method) + " " + resource
}
