package controlplane

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/go-logr/logr"
	"golang.org/x/mod/semver"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/remote"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/store"
	"sigs.k8s.io/controller-runtime/tools/setup-envtest/versions"
)

const (
	// indexTimeout is short, so that a machine without a network does not wait.
	indexTimeout   = 5 * time.Second
	archiveTimeout = 5 * time.Minute
)

// Downloader gets the binaries that Kubernetes' controller-tools publish for envtest: of the wanted
// version, else of the newest patch of the same minor version.
type Downloader struct {
	Version string
	// Index is the address of the list of archives; empty means setup-envtest's own.
	Index  string
	Report Reporter
}

// Fill downloads into dir.
func (d Downloader) Fill(ctx context.Context, dir string) error {
	ctx = logr.NewContext(ctx, logr.Discard())
	client := &remote.HTTPClient{Log: logr.Discard(), IndexURL: d.Index}
	item, platform, err := d.choose(ctx, client)
	if err != nil {
		return fmt.Errorf("no download: %w", err)
	}
	d.Report.Printf("downloading Kubernetes %s", item.Version)
	if err := fetch(ctx, client, item, platform, dir); err != nil {
		return fmt.Errorf("download failed: %w", err)
	}
	return nil
}

// choose finds the archive for this platform.
func (d Downloader) choose(ctx context.Context, client remote.Client) (store.Item, versions.PlatformItem, error) {
	ctx, cancel := context.WithTimeout(ctx, indexTimeout)
	defer cancel()
	sets, err := client.ListVersions(ctx)
	if err != nil {
		return store.Item{}, versions.PlatformItem{}, err
	}
	here := versions.Platform{OS: runtime.GOOS, Arch: runtime.GOARCH}
	var best *versions.Set
	var bestPlatform versions.PlatformItem
	for i, set := range sets { // newest first
		version := "v" + set.Version.String()
		if semver.MajorMinor(version) != semver.MajorMinor(d.Version) {
			continue
		}
		for _, platform := range set.Platforms {
			if platform.Platform == here && (best == nil || version == d.Version) {
				best, bestPlatform = &sets[i], platform
			}
		}
	}
	if best == nil {
		return store.Item{}, versions.PlatformItem{}, fmt.Errorf("nothing is published for Kubernetes %s on %s", semver.MajorMinor(d.Version), here)
	}
	return store.Item{Version: best.Version, Platform: here}, bestPlatform, nil
}

// fetch downloads the archive, whose checksum the client compares, and unpacks it.
func fetch(ctx context.Context, client remote.Client, item store.Item, platform versions.PlatformItem, dir string) error {
	ctx, cancel := context.WithTimeout(ctx, archiveTimeout)
	defer cancel()
	archive, err := os.Create(filepath.Join(dir, "archive.tar.gz"))
	if err != nil {
		return err
	}
	defer os.Remove(archive.Name())
	defer archive.Close()
	if err := client.GetVersion(ctx, item.Version, platform, archive); err != nil {
		return err
	}
	if _, err := archive.Seek(0, 0); err != nil {
		return err
	}
	unpacked := store.NewAt(dir)
	if err := unpacked.Initialize(ctx); err != nil {
		return err
	}
	if err := unpacked.Add(ctx, item, archive); err != nil {
		return err
	}
	return flatten(unpacked, item, dir)
}

// flatten moves the binaries out of the store's own folders, which are read-only.
func flatten(unpacked *store.Store, item store.Item, dir string) error {
	from, err := unpacked.Path(item)
	if err != nil {
		return err
	}
	if err := os.Chmod(from, 0o755); err != nil {
		return err
	}
	for _, name := range Binaries() {
		if err := os.Rename(filepath.Join(from, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(dir, "k8s"))
}
