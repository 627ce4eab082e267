package controlplane

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

const key = "v1-linux-amd64"

// write is a Fill that puts a small file for each binary.
func write(_ context.Context, dir string) error {
	for _, name := range Binaries() {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("binary "+name), 0o755); err != nil {
			return err
		}
	}
	return nil
}

// neverFill fails a test that fills a cache which is complete.
func neverFill(t *testing.T) Fill {
	return func(context.Context, string) error {
		t.Error("filled again")
		return nil
	}
}

// names lists a folder.
func names(t *testing.T, dir string) string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	var list []string
	for _, entry := range entries {
		list = append(list, entry.Name())
	}
	return strings.Join(list, " ")
}

func ensure(t *testing.T, cache Cache, fill Fill) string {
	t.Helper()
	dir, err := cache.Ensure(t.Context(), key, fill)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range Binaries() {
		data, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil || string(data) != "binary "+name {
			t.Fatalf("%s: content %q, error %v", name, data, err)
		}
	}
	return dir
}

func TestCacheIsFilledOnce(t *testing.T) {
	cache := Cache{Dir: filepath.Join(t.TempDir(), "not", "there", "yet")}
	first := ensure(t, cache, write)
	if second := ensure(t, cache, neverFill(t)); first != second {
		t.Errorf("folders differ: %s, %s", first, second)
	}
	if got, want := names(t, cache.Dir), key+" "+key+".lock"; got != want {
		t.Errorf("cache holds %q, want %q", got, want)
	}
}

// lines counts the lines of a report.
type lines chan struct{}

func (l lines) Write(line []byte) (int, error) {
	l <- struct{}{}
	return len(line), nil
}

func TestManyAtOnceFillOnce(t *testing.T) {
	const others = 3
	waiting := make(lines, others)
	cache := Cache{Dir: t.TempDir(), Report: Reporter{Out: waiting}}
	var fills atomic.Int32
	fillWhileOthersWait := func(ctx context.Context, dir string) error {
		fills.Add(1)
		for range others {
			<-waiting
		}
		return write(ctx, dir)
	}
	var group sync.WaitGroup
	for range 1 + others {
		group.Go(func() {
			if dir, err := cache.Ensure(t.Context(), key, fillWhileOthersWait); err != nil || !complete(dir) {
				t.Errorf("folder %q, error %v", dir, err)
			}
		})
	}
	group.Wait()
	if got := fills.Load(); got != 1 {
		t.Errorf("filled %d times, want once", got)
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	broken := errors.New("broken")
	_, err := cache.Ensure(t.Context(), key, func(ctx context.Context, dir string) error {
		return errors.Join(write(ctx, dir), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error %v, want %v", err, broken)
	}
	if got := names(t, cache.Dir); got != key+".lock" {
		t.Errorf("cache holds %q", got)
	}
	ensure(t, cache, write)
}

func TestIncompleteEntryIsMadeAgain(t *testing.T) {
	cases := map[string]func(dir string) error{
		"binary missing":   func(dir string) error { return os.Remove(filepath.Join(dir, "etcd")) },
		"binary cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, "etcd"), 3) },
		"marker missing":   func(dir string) error { return os.Remove(filepath.Join(dir, marker)) },
		"marker cut short": func(dir string) error { return os.Truncate(filepath.Join(dir, marker), 3) },
		"not executable":   func(dir string) error { return os.Chmod(filepath.Join(dir, "kubectl"), 0o644) },
	}
	for name, harm := range cases {
		t.Run(name, func(t *testing.T) {
			cache := Cache{Dir: t.TempDir()}
			if err := harm(ensure(t, cache, write)); err != nil {
				t.Fatal(err)
			}
			if !complete(ensure(t, cache, write)) {
				t.Error("the entry is still incomplete")
			}
		})
	}
}

func TestIncompleteFillIsRefused(t *testing.T) {
	cases := map[string]Fill{
		"nothing": func(context.Context, string) error { return nil },
		"empty binary": func(ctx context.Context, dir string) error {
			return errors.Join(write(ctx, dir), os.Truncate(filepath.Join(dir, "etcd"), 0))
		},
		"link instead of a file": func(ctx context.Context, dir string) error {
			etcd := filepath.Join(dir, "etcd")
			return errors.Join(write(ctx, dir), os.Remove(etcd), os.Symlink("kubectl", etcd))
		},
	}
	for name, fill := range cases {
		t.Run(name, func(t *testing.T) {
			cache := Cache{Dir: t.TempDir()}
			if _, err := cache.Ensure(t.Context(), key, fill); err == nil {
				t.Error("accepted")
			}
			if complete(filepath.Join(cache.Dir, key)) {
				t.Error("the entry is there")
			}
		})
	}
}

func TestWaitingEndsWithTheContext(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	unlock, err := cache.lock(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := cache.Ensure(ctx, key, neverFill(t)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("error %v, want %v", err, context.DeadlineExceeded)
	}
}

// cutOffEnv makes this test binary play a process that is killed while it fills the cache.
const cutOffEnv = "CONTROLPLANE_TEST_CUT_OFF"

func TestMain(m *testing.M) {
	if dir := os.Getenv(cutOffEnv); dir != "" {
		fillHalfAndHang(dir)
	}
	os.Exit(m.Run())
}

func fillHalfAndHang(dir string) {
	cache := Cache{Dir: dir}
	_, err := cache.Ensure(context.Background(), key, func(_ context.Context, temp string) error {
		if err := os.WriteFile(filepath.Join(temp, "etcd"), []byte("half"), 0o755); err != nil {
			return err
		}
		os.Stdout.WriteString("half\n")
		select {}
	})
	panic(err)
}

func TestKilledProcessLeavesNoLockAndNoEntry(t *testing.T) {
	cache := Cache{Dir: t.TempDir()}
	process := exec.Command(os.Args[0])
	process.Env = append(os.Environ(), cutOffEnv+"="+cache.Dir)
	stdout, err := process.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := stdout.Read(make([]byte, 5)); err != nil {
		t.Errorf("the process did not fill: %v", err)
	}
	if err := process.Process.Kill(); err != nil {
		t.Error(err)
	}
	_ = process.Wait() // its error is the kill
	if got := names(t, cache.Dir); !strings.Contains(got, key+".tmp-") {
		t.Errorf("the process left %q, want a half-filled folder", got)
	}
	ensure(t, cache, write)
	if got, want := names(t, cache.Dir), key+" "+key+".lock"; got != want {
		t.Errorf("cache holds %q, want %q", got, want)
	}
}
