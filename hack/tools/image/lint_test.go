// Package image holds the tests of the Dockerfile: BuildKit's own linter, and whether what it builds is reproducible.
package image

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
)

const root = "../../.."

// registry answers for every image that there is, so that the linter needs no network. It knows which were asked for.
type registry struct{ asked []string }

func (r *registry) ResolveImageConfig(_ context.Context, ref string, opt sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	platform := ocispecs.Platform{OS: "linux", Architecture: "amd64"}
	if opt.ImageOpt != nil && opt.ImageOpt.Platform != nil {
		platform = *opt.ImageOpt.Platform
	}
	r.asked = append(r.asked, ref+" "+platform.Architecture)
	config, err := json.Marshal(ocispecs.Image{Platform: platform, Config: ocispecs.ImageConfig{Env: []string{"PATH=/usr/local/go/bin:/usr/bin:/bin"}}})
	return ref, digest.FromBytes(config), config, err
}

// options are those of a build for a platform other than the builder's.
func options(images llb.ImageMetaResolver, dockerfile []byte, arguments map[string]string) dockerfile2llb.ConvertOpt {
	target := ocispecs.Platform{OS: "linux", Architecture: "arm64"}
	source := llb.NewSourceMap(nil, "Dockerfile", "Dockerfile", dockerfile)
	source.Definition = &llb.Definition{}
	return dockerfile2llb.ConvertOpt{
		Config: dockerui.Config{
			BuildPlatforms: []ocispecs.Platform{{OS: "linux", Architecture: "amd64"}}, BuildArgs: arguments,
		},
		TargetPlatform: &target, MetaResolver: images, SourceMap: source,
	}
}

func dockerfile(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "Dockerfile"))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// complaints are what the linter says.
func complaints(t *testing.T, dockerfile []byte) (list []string) {
	t.Helper()
	results, err := dockerfile2llb.DockerfileLint(t.Context(), dockerfile, options(&registry{}, dockerfile, nil))
	if err != nil {
		t.Fatal(err)
	}
	if results.Error != nil {
		list = append(list, results.Error.Message)
	}
	for _, warning := range results.Warnings {
		list = append(list, describe(warning))
	}
	return list
}

func describe(warning lint.Warning) string { return warning.RuleName + ": " + warning.Detail }

func TestDockerfileIsClean(t *testing.T) {
	if found := complaints(t, dockerfile(t)); len(found) > 0 {
		t.Errorf("BuildKit's linter finds:\n%s", strings.Join(found, "\n"))
	}
	// It looks, if at a bad one it finds something.
	bad := strings.ReplaceAll(string(dockerfile(t)), "FROM --platform=$BUILDPLATFORM ${BUILD_IMAGE} AS build", "FROM ${BUILD_IMAGE} as Build")
	found := strings.Join(complaints(t, []byte(bad)), "\n")
	for _, rule := range []string{"FromAsCasing", "StageNameCasing"} {
		if !strings.Contains(found, rule) {
			t.Errorf("in a bad Dockerfile the linter finds no %s, only:\n%s", rule, found)
		}
	}
}

// Without arguments the images are those of stages that name them, as Dependabot reads it: without arguments, with a tag.
func TestBaseImagesAreWhatDependabotReads(t *testing.T) {
	images := &registry{}
	if _, err := dockerfile2llb.Dockerfile2LLB(t.Context(), dockerfile(t), options(images, dockerfile(t), nil)); err != nil {
		t.Fatal(err)
	}
	read := map[string]bool{}
	for _, match := range regexp.MustCompile(`(?m)^FROM (?:--platform=\S+ )?([a-z0-9./-]+:[\w.-]+) AS `).FindAllStringSubmatch(string(dockerfile(t)), -1) {
		read[match[1]] = true
	}
	if len(images.asked) != 2 || len(read) != 2 {
		t.Errorf("asked for %q, and Dependabot reads %v, want two of each", images.asked, read)
	}
	for _, asked := range images.asked {
		name, architecture, _ := strings.Cut(asked, " ")
		_, image, _ := strings.Cut("/"+strings.TrimPrefix(name, "docker.io/library/"), "/")
		if !read[image] {
			t.Errorf("the build uses %s, which Dependabot does not read: %v", image, read)
		}
		if builds := strings.HasPrefix(image, "golang"); builds != (architecture == "amd64") {
			t.Errorf("%s is asked for %s", image, architecture)
		}
	}
}

// What the Dockerfile asks BuildKit to do: the compiler runs on the builder's own platform, with caches, the image is
// the target's, and both base images can be swapped.
func TestDockerfileCrossCompiles(t *testing.T) {
	images := &registry{}
	arguments := map[string]string{
		"BUILD_IMAGE": "registry.example.com/go:1", "BASE_IMAGE": "registry.example.com/static:1",
		"VERSION": "v1.2.3", "COMMIT": "0123abcd", "COMMIT_DATE": "2026-01-02T03:04:05Z",
	}
	result, err := dockerfile2llb.Dockerfile2LLB(t.Context(), dockerfile(t), options(images, dockerfile(t), arguments))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(images.asked)
	if want := []string{"registry.example.com/go:1 amd64", "registry.example.com/static:1 arm64"}; !slices.Equal(images.asked, want) {
		t.Errorf("images %q, want %q", images.asked, want)
	}
	config := result.Image.Config
	if config.User != "65532:65532" || !slices.Equal(config.Entrypoint, []string{"/multi-eni-controller"}) || result.Image.Architecture != "arm64" {
		t.Errorf("user %q, entry point %q, architecture %q", config.User, config.Entrypoint, result.Image.Architecture)
	}
	for label, want := range map[string]string{
		"version": "v1.2.3", "revision": "0123abcd", "created": "2026-01-02T03:04:05Z", "licenses": "Apache-2.0",
		"source": "https://github.com/multi-eni/aws-multi-eni-controller",
	} {
		if got := config.Labels["org.opencontainers.image."+label]; got != want {
			t.Errorf("label %s is %q, want %q", label, got, want)
		}
	}
	definition, err := result.State.Marshal(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	builds := 0
	var copied []string
	for _, data := range definition.Def {
		var op pb.Op
		if err := op.UnmarshalVT(data); err != nil {
			t.Fatal(err)
		}
		if run := op.GetExec(); run != nil && strings.Contains(strings.Join(run.Meta.Args, " "), "make build") {
			builds++
			buildsWithCaches(t, run)
		}
		for _, action := range op.GetFile().GetActions() {
			copied = append(copied, action.GetCopy().GetSrc())
		}
	}
	if builds != 1 || !slices.Contains(copied, "/src/LICENSE") {
		t.Errorf("%d steps call make build; copied are %q", builds, copied)
	}
}

// buildsWithCaches looks at the step that calls make. What it makes bears the commit's time.
func buildsWithCaches(t *testing.T, run *pb.ExecOp) {
	t.Helper()
	var caches []string
	for _, mount := range run.Mounts {
		if mount.MountType == pb.MountType_CACHE {
			caches = append(caches, mount.Dest)
		}
	}
	if slices.Sort(caches); !slices.Equal(caches, []string{"/go/pkg/mod", "/root/.cache/go-build"}) {
		t.Errorf("the build's caches are %q", caches)
	}
	for _, want := range []string{"TARGETARCH=arm64", "VERSION=v1.2.3", "COMMIT=0123abcd", "COMMIT_DATE=2026-01-02T03:04:05Z"} {
		if !slices.Contains(run.Meta.Env, want) {
			t.Errorf("the build's environment lacks %s: %q", want, run.Meta.Env)
		}
	}
	if script := strings.Join(run.Meta.Args, " "); !strings.Contains(script, `touch --date="$COMMIT_DATE" .bin/multi-eni-controller LICENSE`) {
		t.Errorf("the files of the image have the time of the build: %s", script)
	}
}
