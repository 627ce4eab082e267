package ec2sim

import (
	"bytes"
	"encoding/xml"
	"net/netip"
	"strconv"
	"time"
)

// Namespace of every answer of this API version.
const (
	apiVersion   = "2016-11-15"
	xmlNamespace = "http://ec2.amazonaws.com/doc/" + apiVersion + "/"
	xmlHeader    = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
)

// xmlWriter appends elements to a buffer. Reflection-based encoding of a page of a
// thousand interfaces takes longer than everything else in a describe together.
type xmlWriter struct {
	buf []byte
	// keys is room to sort a map's keys in.
	keys []string
}

func (w *xmlWriter) open(name string) {
	w.buf = append(w.buf, '<')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

func (w *xmlWriter) close(name string) {
	w.buf = append(w.buf, '<', '/')
	w.buf = append(w.buf, name...)
	w.buf = append(w.buf, '>')
}

func (w *xmlWriter) in(name string, content func()) {
	w.open(name)
	content()
	w.close(name)
}

func (w *xmlWriter) text(name, value string) {
	w.open(name)
	w.escape(value)
	w.close(name)
}

// optional leaves the element out where there is nothing to say, as EC2 does.
func (w *xmlWriter) optional(name, value string) {
	if value != "" {
		w.text(name, value)
	}
}

func (w *xmlWriter) number(name string, value int) {
	w.open(name)
	w.buf = strconv.AppendInt(w.buf, int64(value), 10)
	w.close(name)
}

func (w *xmlWriter) boolean(name string, value bool) {
	w.open(name)
	w.buf = strconv.AppendBool(w.buf, value)
	w.close(name)
}

func (w *xmlWriter) instant(name string, value time.Time) {
	w.open(name)
	w.buf = value.UTC().AppendFormat(w.buf, "2006-01-02T15:04:05.000Z")
	w.close(name)
}

func (w *xmlWriter) escape(s string) {
	if plain(s) {
		w.buf = append(w.buf, s...)
		return
	}
	var out bytes.Buffer
	// A bytes.Buffer never fails to be written to.
	_ = xml.EscapeText(&out, []byte(s))
	w.buf = append(w.buf, out.Bytes()...)
}

// plain tells whether nothing in s needs to be escaped.
func plain(s string) bool {
	for i := range len(s) {
		switch c := s[i]; {
		case c < ' ', c > '~', c == '<', c == '>', c == '&', c == '"', c == '\'':
			return false
		}
	}
	return true
}

func (w *xmlWriter) addr(name string, a netip.Addr) {
	w.open(name)
	w.buf = a.AppendTo(w.buf)
	w.close(name)
}

func (w *xmlWriter) dns(name, region string, a netip.Addr) {
	w.open(name)
	w.buf = appendPrivateDNS(w.buf, region, a)
	w.close(name)
}

// set writes a list in EC2's form: a wrapper with one item element per member.
func set[T any](w *xmlWriter, name string, members []T, content func(T)) {
	w.open(name)
	for _, m := range members {
		w.open("item")
		content(m)
		w.close("item")
	}
	w.close(name)
}

func errorDocument(err *Error, requestID string) []byte {
	w := &xmlWriter{buf: []byte(xmlHeader)}
	w.in("Response", func() {
		w.in("Errors", func() {
			w.in("Error", func() {
				w.text("Code", err.Code)
				w.text("Message", err.Message)
			})
		})
		w.text("RequestID", requestID)
	})
	return w.buf
}

func answerDocument(action, requestID string, body []byte) []byte {
	root := action + "Response"
	w := &xmlWriter{buf: make([]byte, 0, len(body)+256)}
	w.buf = append(w.buf, xmlHeader...)
	w.open(root + ` xmlns="` + xmlNamespace + `"`)
	w.text("requestId", requestID)
	w.buf = append(w.buf, body...)
	w.close(root)
	return w.buf
}
