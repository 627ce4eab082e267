package ec2sim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"time"
)

// pageTokenLife is how long a NextToken works; EC2 documents no figure, only that
// tokens expire.
const pageTokenLife = time.Hour

// pageLimits are the bounds of MaxResults for an action, and the page that is taken
// where none is given (0: everything).
type pageLimits struct{ min, max, standard int }

var (
	usualPages        = pageLimits{min: 5, max: 1000}
	instanceTypePages = pageLimits{min: 5, max: 100, standard: 100}
)

// page is what a describe was asked for: how many, and after which ID.
type page struct {
	size  int
	after string
	query string
}

// paged tells whether the caller asked for pages; EC2 meters those that do not apart.
func paged(form *value) bool { return form.has("MaxResults") || form.has("NextToken") }

func (s *Simulator) parsePage(c *call, limits pageLimits) (page, error) {
	p := page{size: limits.standard, query: queryDigest(c)}
	if c.form.has("MaxResults") {
		p.size = c.form.number("MaxResults", 0)
		if p.size < limits.min || p.size > limits.max {
			return p, fail(s.variants.MaxResults, "Value (%s) for parameter MaxResults is invalid. Expecting a value between %d and %d.", c.form.get("MaxResults"), limits.min, limits.max)
		}
	}
	if !c.form.has("NextToken") {
		return p, nil
	}
	if p.size == 0 {
		p.size = limits.max
	}
	after, err := s.openToken(c.form.get("NextToken"), p.query, c.now)
	p.after = after
	return p, err
}

// queryDigest ties a NextToken to its request: going on with other filters is refused.
func queryDigest(c *call) string {
	h := sha256.New()
	for _, name := range c.form.names("") {
		if name != "NextToken" && name != "MaxResults" {
			fmt.Fprintf(h, "%q=%q,", name, c.form.get(name))
		}
	}
	return c.action + string(h.Sum(nil)[:12])
}

// sealToken makes an opaque token that nobody else can make or alter.
func (s *Simulator) sealToken(last, query string, now time.Time) string {
	body := binary.BigEndian.AppendUint64(nil, uint64(now.Add(pageTokenLife).UnixNano()))
	body = append(body, last...)
	return base64.RawURLEncoding.EncodeToString(append(body, s.tokenMAC(body, query)...))
}

func (s *Simulator) tokenMAC(body []byte, query string) []byte {
	m := hmac.New(sha256.New, s.pageKey[:])
	m.Write(body)
	m.Write([]byte(query))
	return m.Sum(nil)[:16]
}

func (s *Simulator) openToken(token, query string, now time.Time) (string, error) {
	bad := fail("InvalidNextToken", "The specified NextToken is not valid")
	raw, err := base64.RawURLEncoding.DecodeString(token)
	// The decoder overlooks line breaks, and bits that no byte is made of.
	if err != nil || len(raw) < 8+16 || base64.RawURLEncoding.EncodeToString(raw) != token {
		return "", bad
	}
	body, mac := raw[:len(raw)-16], raw[len(raw)-16:]
	if !hmac.Equal(mac, s.tokenMAC(body, query)) {
		return "", bad
	}
	if uint64(now.UnixNano()) > binary.BigEndian.Uint64(body) {
		return "", fail("InvalidNextToken", "The specified NextToken has expired")
	}
	return strings.Clone(string(body[8:])), nil
}
