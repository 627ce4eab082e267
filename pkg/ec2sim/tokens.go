package ec2sim

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"time"
)

// tokenRecord is what a client token stands for: the parameters it came with, and the
// answer, word for word as it was given.
type tokenRecord struct {
	digest  string
	answer  []byte
	made    *networkInterface
	expires time.Time
}

// tokenKey makes tokens count for one action each.
type tokenKey struct{ action, token string }

// once runs an action unless its client token has had an answer already. A call that
// fails leaves its token free.
// https://docs.aws.amazon.com/ec2/latest/devguide/ec2-api-idempotency.html
func (s *Simulator) once(c *call, w *xmlWriter, run func(*Simulator, *call, *xmlWriter) error) error {
	token := c.form.get("ClientToken")
	if err := checkToken(token); err != nil {
		return err
	}
	if token == "" {
		return run(s, c, w)
	}
	key := tokenKey{c.action, token}
	if r, ok := s.tokens[key]; ok && r.expires.After(c.now) {
		return s.replay(c, w, r)
	}
	if err := run(s, c, w); err != nil {
		return err
	}
	s.tokens[key] = tokenRecord{digest: createDigest(c.form), answer: slices.Clone(w.buf), made: c.made, expires: c.now.Add(s.variants.TokenLife.draw(s.rng))}
	return nil
}

func (s *Simulator) replay(c *call, w *xmlWriter, r tokenRecord) error {
	if r.digest != createDigest(c.form) {
		return fail("IdempotentParameterMismatch", "The request uses the same client token as a previous, but non-identical request.")
	}
	if r.made != nil && r.made.deleted && s.variants.TokenOfDeleted == "mismatch" {
		return fail("IdempotentParameterMismatch", "The client token belongs to a network interface that was deleted.")
	}
	w.buf = append(w.buf, r.answer...)
	return nil
}

func checkToken(token string) error {
	if len(token) > 64 {
		return fail("InvalidClientToken", "The client token is longer than 64 characters")
	}
	for _, r := range token {
		if r < ' ' || r > '~' {
			return fail("InvalidClientToken", "The client token holds characters that are not ASCII")
		}
	}
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
