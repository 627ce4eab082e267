package cloud

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// attemptTimeout bounds one call, from signing to the end of the answer.
const attemptTimeout = 30 * time.Second

// answerHead is how much of an answer is read to see that it is EC2's: EC2 begins with the name of the
// answer and the request ID.
const answerHead = 512

// Fence tells until when calls that change EC2 may be made: the end of our lease. With ok=false none may.
type Fence func() (until time.Time, ok bool)

var errNoLease = errors.New("the lease is not ours, or has expired")

// deadline is until when an attempt that begins now may take.
func (f Fence) deadline(mutating bool, now time.Time) (time.Time, error) {
	limit := now.Add(attemptTimeout)
	if f == nil || !mutating {
		return limit, nil
	}
	until, ok := f()
	switch {
	case !ok || !until.After(now):
		return time.Time{}, errNoLease
	case until.Before(limit):
		return until, nil
	}
	return limit, nil
}

// attempt is what the HTTP layer learns about one call. The SDK turns errors into others on their way up,
// so what must not be lost is kept here.
type attempt struct {
	action string
	// refusal is why our HTTP layer did not send the request.
	refusal error
	// handed is true once the request was given to the HTTP client: from then on it may have been sent.
	handed bool
	// dialled and connected tell whether the HTTP client looked for a connection and got one. One that
	// did not say (a test's) may have sent the request.
	dialled, connected atomic.Bool
	requestID          string
}

type attemptKey struct{}

func (a *attempt) in(ctx context.Context) context.Context {
	return context.WithValue(ctx, attemptKey{}, a)
}

// unsent reports whether the request certainly never left this process.
func (a *attempt) unsent(err error) bool {
	if !a.handed || a.dialled.Load() && !a.connected.Load() {
		return true
	}
	var dns *net.DNSError
	var op *net.OpError
	return errors.As(err, &dns) || errors.As(err, &op) && op.Op == "dial"
}

// fencedHTTP is the last thing that a request passes before the network: here, after limiter, credentials
// and signature have taken their time, the lease is looked at again.
type fencedHTTP struct {
	next  aws.HTTPClient
	fence Fence
}

// Do sends the request of an attempt.
func (f *fencedHTTP) Do(request *http.Request) (*http.Response, error) {
	a, ok := request.Context().Value(attemptKey{}).(*attempt)
	if !ok {
		return nil, errors.New("a request that no attempt stands for")
	}
	if a.refusal = f.refuses(request.Context(), a); a.refusal != nil {
		return nil, a.refusal
	}
	a.handed = true
	request = request.WithContext(httptrace.WithClientTrace(request.Context(), a.trace()))
	f.fenceBody(request, a)
	response, err := f.next.Do(request)
	if err != nil {
		return response, err
	}
	return response, a.checkAnswer(response)
}

// fenceBody has the lease looked at once more when the body is asked for, which is when a connection is there and the
// request goes out: a process that was paused while it waited for one would send it long after its lease has ended.
// Without its body EC2 takes no request.
func (f *fencedHTTP) fenceBody(request *http.Request, a *attempt) {
	if request.Body == nil || request.Body == http.NoBody {
		return
	}
	refuses := func() error { return f.refuses(request.Context(), a) }
	request.Body = &fencedBody{request.Body, refuses}
	if again := request.GetBody; again != nil {
		request.GetBody = func() (io.ReadCloser, error) {
			body, err := again()
			if err != nil {
				return nil, err
			}
			return &fencedBody{body, refuses}, nil
		}
	}
}

// fencedBody is a body that is not to be had when the lease has ended.
type fencedBody struct {
	io.ReadCloser
	refuses func() error
}

func (b *fencedBody) Read(p []byte) (int, error) {
	if err := b.refuses(); err != nil {
		return 0, err
	}
	return b.ReadCloser.Read(p)
}

func (f *fencedHTTP) refuses(ctx context.Context, a *attempt) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err := f.fence.deadline(mutates(a.action), time.Now())
	return err
}

func (a *attempt) trace() *httptrace.ClientTrace {
	return &httptrace.ClientTrace{
		GetConn: func(string) { a.dialled.Store(true) },
		GotConn: func(httptrace.GotConnInfo) { a.connected.Store(true) },
	}
}

// checkAnswer refuses a success that is not EC2's. The SDK reads any document, and even an empty body, as
// an answer with nothing in it; from a proxy that says 200 to everything it would make an empty list.
func (a *attempt) checkAnswer(response *http.Response) error {
	a.requestID = response.Header.Get("X-Amzn-Requestid")
	if response.StatusCode < 200 || response.StatusCode > 299 {
		return nil
	}
	body := bufio.NewReaderSize(response.Body, answerHead)
	start, err := body.Peek(answerHead)
	if !bytes.Contains(start, []byte("<"+a.action+"Response")) {
		_ = response.Body.Close()
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("reading the answer: %w", err)
		}
		return fmt.Errorf("HTTP status %d without a %sResponse: the answer is not EC2's", response.StatusCode, a.action)
	}
	if a.requestID == "" {
		_, rest, _ := bytes.Cut(start, []byte("<requestId>"))
		id, _, _ := bytes.Cut(rest, []byte("<"))
		a.requestID = string(id)
	}
	response.Body = struct {
		io.Reader
		io.Closer
	}{body, response.Body}
	return nil
}
