package ec2sim

import (
	"bytes"
	"errors"
	"io"
	"net/http"
)

// errCut is what a client in the same process sees of a connection that was cut.
var errCut = errors.New("connection reset by peer")

// Transport is an http.RoundTripper that hands requests to the simulator in the
// caller's goroutine, with no socket in between. Give it to an SDK client as
// &http.Client{Transport: sim.Transport()}.
func (s *Simulator) Transport() http.RoundTripper { return transport{s} }

type transport struct{ s *Simulator }

// RoundTrip implements http.RoundTripper.
func (t transport) RoundTrip(r *http.Request) (resp *http.Response, err error) {
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if aborted, ok := p.(error); !ok || !errors.Is(aborted, http.ErrAbortHandler) {
			panic(p)
		}
		resp, err = nil, cutError(r)
	}()
	in := r.Clone(r.Context())
	if in.Body == nil {
		in.Body = http.NoBody
	}
	defer func() { _ = in.Body.Close() }()
	out := &recorder{header: http.Header{}, status: http.StatusOK}
	t.s.ServeHTTP(out, in)
	return out.response(r), nil
}

// recorder keeps an answer until it is whole.
type recorder struct {
	header http.Header
	status int
	body   []byte
}

// Header implements http.ResponseWriter.
func (w *recorder) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) { w.status = status }

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) {
	w.body = append(w.body, b...)
	return len(b), nil
}

func (w *recorder) response(r *http.Request) *http.Response {
	return &http.Response{
		Status: http.StatusText(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: w.header, Body: io.NopCloser(bytes.NewReader(w.body)), ContentLength: int64(len(w.body)), Request: r,
	}
}

// cutError is the context's error where the caller has given up by itself.
func cutError(r *http.Request) error {
	if err := r.Context().Err(); err != nil {
		return err
	}
	return errors.Join(errCut, io.ErrUnexpectedEOF)
}
