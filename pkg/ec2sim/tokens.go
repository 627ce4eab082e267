package ec2sim

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"time"
)

// tokenRecord is what a client token stands for: the parameters it came with, and the
// answer, word for word as it was given.
type tokenRecord struct {
	digest string
	answer []byte
	made   *networkInterface
	// burnt tokens belong to a call that failed.
	burnt   bool
	expires time.Time
}

// tokenKey makes tokens count for one action each.
type tokenKey struct{ action, token string }

// once runs an action unless its client token has had an answer already. A call that
// fails burns its token, unless the variant leaves it free.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (s *Simulator) once(c *call, w *xmlWriter, run func(*Simulator, *call, *xmlWriter) error) error {
	token := c.form.get("ClientToken")
	if token == "" {
		return run(s, c, w)
	}
	key := tokenKey{c.action, token}
	if r, ok := s.tokens[key]; ok && r.expires.After(c.now) {
		return s.replay(c, w, r)
	}
	err := run(s, c, w)
	if err != nil && s.variants.TokenOfFailed == "free" {
		return err
	}
	s.remember(key, tokenRecord{
		digest: createDigest(c.form), answer: slices.Clone(w.buf), made: c.made, burnt: err != nil,
		expires: c.now.Add(s.variants.TokenLife.draw(s.rng)),
	})
	return err
}

// remember keeps a token's answer, and now and then forgets those that have expired.
func (s *Simulator) remember(key tokenKey, r tokenRecord) {
	if len(s.tokens) >= s.tokenSweep {
		maps.DeleteFunc(s.tokens, func(_ tokenKey, r tokenRecord) bool { return !r.expires.After(s.when) })
		s.tokenSweep = max(minSweep, 2*len(s.tokens))
	}
	s.tokens[key] = r
}

func (s *Simulator) replay(c *call, w *xmlWriter, r tokenRecord) error {
	if r.digest != createDigest(c.form) {
		return fail("IdempotentParameterMismatch", "The request uses the same client token as a previous, but non-identical request.")
	}
	if r.burnt {
		return fail("IdempotentParameterMismatch", "The client token belongs to a request that failed.")
	}
	if s.variants.ReplayAtQuota == "fail" {
		if err := s.checkRegionLimit(1); err != nil {
			return err
		}
	}
	if r.made != nil && r.made.deleted && s.variants.TokenOfDeleted == "mismatch" {
		return fail("IdempotentParameterMismatch", "The client token belongs to a network interface that was deleted.")
	}
	w.buf = append(w.buf, r.answer...)
	return nil
}

func createDigest(form *value) string {
	h := sha256.New()
	for _, name := range form.names("") {
		if name != "ClientToken" && name != "DryRun" {
			fmt.Fprintf(h, "%q=%q,", name, form.get(name))
		}
	}
	return string(h.Sum(nil))
}
