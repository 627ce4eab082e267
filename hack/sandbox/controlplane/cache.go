package controlplane

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"k8s.io/apimachinery/pkg/util/wait"
)

// marker is the file that is written last: it holds the size of every binary, so that a folder
// without it, or with a binary cut short, is never taken for complete.
const marker = "complete.json"

// Cache is a folder that several processes share. An entry appears there by one rename, when it is
// complete; who finds the entry does not wait for anybody.
type Cache struct {
	Dir    string
	Report Reporter
}

// Ensure returns the folder of the entry, which fill makes unless it is there.
func (c Cache) Ensure(ctx context.Context, key string, fill Fill) (string, error) {
	entry := filepath.Join(c.Dir, key)
	if complete(entry) {
		return entry, nil
	}
	if err := os.MkdirAll(c.Dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := c.lock(ctx, key)
	if err != nil {
		return "", err
	}
	defer unlock()
	if complete(entry) { // whoever held the lock before made it
		return entry, nil
	}
	if err := c.make(ctx, key, fill); err != nil {
		return "", fmt.Errorf("providing the control plane binaries %s: %w", key, err)
	}
	return entry, nil
}

// make fills a folder beside the entry, then renames it. The lock is held: what others left there is
// of a process that was cut off.
func (c Cache) make(ctx context.Context, key string, fill Fill) error {
	entry := filepath.Join(c.Dir, key)
	leftovers, err := filepath.Glob(entry + ".tmp-*")
	if err != nil {
		return err
	}
	for _, leftover := range append(leftovers, entry) {
		if err := os.RemoveAll(leftover); err != nil {
			return err
		}
	}
	temp, err := os.MkdirTemp(c.Dir, key+".tmp-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	if err := os.Chmod(temp, 0o755); err != nil {
		return err
	}
	if err := fill(ctx, temp); err != nil {
		return err
	}
	if err := mark(temp); err != nil {
		return err
	}
	return os.Rename(temp, entry)
}

// lock waits until no other process works on the entry. The kernel frees the lock of a process that
// dies.
func (c Cache) lock(ctx context.Context, key string) (func(), error) {
	file, err := os.OpenFile(filepath.Join(c.Dir, key+".lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	told := false
	err = wait.PollUntilContextCancel(ctx, 100*time.Millisecond, true, func(context.Context) (bool, error) {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if errors.Is(err, syscall.EWOULDBLOCK) || errors.Is(err, syscall.EINTR) {
			if !told {
				told = true
				c.Report.Printf("another process is making the binaries; waiting for it")
			}
			return false, nil
		}
		return err == nil, err
	})
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("locking %s: %w", file.Name(), err)
	}
	return func() { file.Close() }, nil
}

// mark declares the folder complete, if it is.
func mark(dir string) error {
	sizes := map[string]int64{}
	for _, name := range Binaries() {
		path := filepath.Join(dir, name)
		info, err := os.Lstat(path)
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() || info.Size() == 0 {
			return fmt.Errorf("%s is not a regular file with content", path)
		}
		if err := os.Chmod(path, 0o755); err != nil {
			return err
		}
		sizes[name] = info.Size()
	}
	data, err := json.Marshal(sizes)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, marker), data, 0o644)
}

// complete reports whether the folder holds what its marker says.
func complete(dir string) bool {
	data, err := os.ReadFile(filepath.Join(dir, marker))
	if err != nil {
		return false
	}
	sizes := map[string]int64{}
	if json.Unmarshal(data, &sizes) != nil {
		return false
	}
	for _, name := range Binaries() {
		info, err := os.Lstat(filepath.Join(dir, name))
		if err != nil || !info.Mode().IsRegular() || info.Mode().Perm()&0o111 == 0 || info.Size() != sizes[name] {
			return false
		}
	}
	return true
}
