package app

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestHealth(t *testing.T) {
	fine := check{"fine", func(*http.Request) error { return nil }}
	broken := check{"broken", func(*http.Request) error { return errors.New("it broke") }}
	for _, row := range []struct {
		name, target string
		checks       []check
		status       int
		want         string
	}{
		{"well", "/readyz", []check{fine}, 200, "ok"},
		{"well, at length", "/readyz?verbose", []check{fine}, 200, "[+]fine ok\nreadyz check passed\n"},
		{"not well", "/readyz", []check{fine, broken}, 503, "[+]fine ok\n[-]broken failed: it broke\nreadyz check failed\n"},
		{"not well, at length", "/readyz?verbose=1", []check{broken, fine}, 503, "[-]broken failed: it broke\n[+]fine ok\nreadyz check failed\n"},
		{"well without any check", "/readyz", nil, 200, "ok"},
	} {
		answer := httptest.NewRecorder()
		mainSite(nil, row.checks, http.NotFoundHandler()).handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", row.target, nil))
		if answer.Code != row.status || answer.Body.String() != row.want {
			t.Errorf("%s: %d %q, want %d %q", row.name, answer.Code, answer.Body, row.status, row.want)
		}
	}
}

func TestTheMainPortHasWhatOthersRead(t *testing.T) {
	broken := []check{{"broken", func(*http.Request) error { return errors.New("it broke") }}}
	for target, want := range map[string]struct {
		status int
		text   string
	}{
		"/healthz": {503, "healthz check failed"}, "/livez": {503, "livez check failed"}, "/readyz": {200, "ok"},
		"/metrics": {200, "# TYPE "}, "/": {200, "/livez"}, "/nothing": {404, "/metrics"},
	} {
		answer := httptest.NewRecorder()
		mainSite(broken, nil, metricsHandler()).handler().ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), "GET", target, nil))
		if answer.Code != want.status || !strings.Contains(answer.Body.String(), want.text) {
			t.Errorf("%s: %d %.200q, want %d with %q", target, answer.Code, answer.Body, want.status, want.text)
		}
	}
}
