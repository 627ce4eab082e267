package controlplane

import (
	"fmt"
	"os"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// Versions are those that hack/controlplane pins, for example v1.37.2 and v3.7.0.
type Versions struct {
	Kubernetes string
	Etcd       string
}

// String names the pair, as the cache does.
func (v Versions) String() string {
	return v.Kubernetes + "-etcd-" + v.Etcd
}

// major and minor of Kubernetes, as its version package wants them.
func (v Versions) majorMinor() (string, string) {
	major, minor, _ := strings.Cut(strings.TrimPrefix(semver.MajorMinor(v.Kubernetes), "v"), ".")
	return major, minor
}

// ReadVersions reads the versions from the go.mod of hack/controlplane.
func ReadVersions(path string) (Versions, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return Versions{}, err
	}
	file, err := modfile.ParseLax(path, data, nil)
	if err != nil {
		return Versions{}, err
	}
	required := map[string]string{}
	for _, require := range file.Require {
		required[require.Mod.Path] = require.Mod.Version
	}
	versions := Versions{Kubernetes: required[kubernetesModule], Etcd: required[etcdModule]}
	for _, version := range []string{versions.Kubernetes, versions.Etcd} {
		if !semver.IsValid(version) {
			return Versions{}, fmt.Errorf("%s: does not pin %s and %s", path, kubernetesModule, etcdModule)
		}
	}
	return versions, nil
}
