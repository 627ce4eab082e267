package controlplane

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
)

func TestFirstOfGoesOnInAnEmptyFolder(t *testing.T) {
	dir := t.TempDir()
	half := func(_ context.Context, dir string) error {
		return errors.Join(os.MkdirAll(filepath.Join(dir, "k8s", "half"), 0o755), errors.New("no network"))
	}
	var log bytes.Buffer
	if err := FirstOf(Reporter{Out: &log}, half, write)(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got := names(t, dir); got != "etcd kube-apiserver kubectl" {
		t.Errorf("the folder holds %q", got)
	}
	if !strings.Contains(log.String(), "no network") {
		t.Errorf("the report %q does not say why the first source failed", log.String())
	}
	if err := FirstOf(Reporter{}, half, half)(t.Context(), dir); err == nil {
		t.Error("no error when every source failed")
	}
}

func TestFirstOfEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	interrupted := func(context.Context, string) error {
		cancel()
		return ctx.Err()
	}
	if err := FirstOf(Reporter{}, interrupted, neverFill(t))(ctx, t.TempDir()); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want %v", err, context.Canceled)
	}
}

func TestGivenFolder(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(AssetsEnv, dir)
	if _, err := Ensure(t.Context(), "no project", nil); err == nil || !strings.Contains(err.Error(), AssetsEnv) {
		t.Errorf("an empty folder gives the error %v", err)
	}
	if err := write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	if got, err := Ensure(t.Context(), "no project", nil); err != nil || got != dir {
		t.Errorf("folder %q, error %v", got, err)
	}
	if err := os.Chmod(filepath.Join(dir, "etcd"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Ensure(t.Context(), "no project", nil); err == nil {
		t.Error("a binary that is not executable is accepted")
	}
}

func TestVersionsAreThoseOfTheModule(t *testing.T) {
	versions, err := ReadVersions(filepath.Join("..", "..", "controlplane", "go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	if major, minor := versions.majorMinor(); major != "1" || minor == "" {
		t.Errorf("Kubernetes %q reads as major %q, minor %q", versions.Kubernetes, major, minor)
	}
	if !strings.HasPrefix(versions.Etcd, "v3.") {
		t.Errorf("etcd %q", versions.Etcd)
	}
	other := filepath.Join(t.TempDir(), "go.mod")
	if err := os.WriteFile(other, []byte("module x\nrequire k8s.io/kubernetes v1.2.3\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadVersions(other); err == nil {
		t.Error("a module without etcd is accepted")
	}
}

func TestBuildCommand(t *testing.T) {
	builder := Builder{Versions: Versions{Kubernetes: "v1.37.2", Etcd: "v3.7.0"}}
	command := builder.command(t.Context(), "/out", "kubectl")
	args := strings.Join(command.Args, " ")
	for _, want := range []string{
		"-o /out/kubectl k8s.io/kubernetes/cmd/kubectl", "version.gitVersion=v1.37.2", "gitMajor=1 ", "gitMinor=37 ",
	} {
		if !strings.Contains(args, want) {
			t.Errorf("%q lacks %q", args, want)
		}
	}
	if !slices.Contains(command.Env, "CGO_ENABLED=0") {
		t.Error("cgo is on")
	}
	if flags := builder.ldflags("etcd"); flags != "-s -w" {
		t.Errorf("ldflags of etcd: %q", flags)
	}
}

// mirror serves an index and its archives as controller-tools publish them.
func mirror(t *testing.T, hash string, versions ...string) Downloader {
	t.Helper()
	archive := archiveOf(t)
	if hash == "" {
		sum := sha512.Sum512(archive)
		hash = hex.EncodeToString(sum[:])
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	index := "releases:\n"
	for _, version := range versions {
		name := fmt.Sprintf("envtest-%s-%s-%s.tar.gz", version, runtime.GOOS, runtime.GOARCH)
		index += fmt.Sprintf("  %s:\n    %s: {hash: %s, selfLink: %s/%s}\n", version, name, hash, server.URL, name)
		mux.HandleFunc("/"+name, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(archive) })
	}
	mux.HandleFunc("/index", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, index) })
	return Downloader{Version: "v1.37.2", Index: server.URL + "/index"}
}

func archiveOf(t *testing.T) []byte {
	t.Helper()
	var buffer bytes.Buffer
	zip := gzip.NewWriter(&buffer)
	tape := tar.NewWriter(zip)
	for _, name := range Binaries() {
		content := "binary " + name
		header := &tar.Header{Name: "controller-tools/envtest/" + name, Mode: 0o755, Size: int64(len(content)), Typeflag: tar.TypeReg}
		if err := tape.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if _, err := tape.Write([]byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(tape.Close(), zip.Close()); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func TestDownload(t *testing.T) {
	var log bytes.Buffer
	downloader := mirror(t, "", "v1.36.9", "v1.37.0", "v1.37.2", "v1.37.3", "v1.38.0")
	downloader.Report = Reporter{Out: &log}
	cache := Cache{Dir: t.TempDir()}
	dir := ensure(t, cache, downloader.Fill)
	if got := names(t, dir); got != "complete.json etcd kube-apiserver kubectl" {
		t.Errorf("the folder holds %q", got)
	}
	if !strings.Contains(log.String(), "1.37.2") {
		t.Errorf("report %q, want the wanted version", log.String())
	}
}

func TestDownloadChoosesTheNewestPatch(t *testing.T) {
	var log bytes.Buffer
	downloader := mirror(t, "", "v1.36.9", "v1.37.0", "v1.37.1", "v1.38.0")
	downloader.Report = Reporter{Out: &log}
	if err := downloader.Fill(t.Context(), t.TempDir()); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "1.37.1") {
		t.Errorf("report %q, want 1.37.1", log.String())
	}
}

func TestDownloadRefuses(t *testing.T) {
	cases := map[string]Downloader{
		"no such minor version": mirror(t, "", "v1.36.9", "v1.38.0"),
		"wrong checksum":        mirror(t, strings.Repeat("ab", 64), "v1.37.2"),
		"nobody there":          {Version: "v1.37.2", Index: "http://127.0.0.1:1/index"},
	}
	for name, downloader := range cases {
		t.Run(name, func(t *testing.T) {
			cache := Cache{Dir: t.TempDir()}
			if dir, err := cache.Ensure(t.Context(), key, downloader.Fill); err == nil {
				t.Errorf("got %s", dir)
			}
		})
	}
}
