package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
)

// profileSeconds is how long one CPU profile lasts; a bring-up takes several, which pprof reads as one.
const profileSeconds = 5

// flags are those of the controller that profiles need.
func (m *measurement) flags() []string {
	if m.profiles == "" {
		return nil
	}
	return []string{"--debug-bind-address=" + m.debugAddress()}
}

// debugAddress is where the controller offers its profiles.
func (m *measurement) debugAddress() string { return net.JoinHostPort("127.0.0.1", "6060") }

// profile takes profiles until the returned function is called, which waits for the last.
func (m *measurement) profile(ctx context.Context) (stop func()) {
	if m.profiles == "" {
		return func() {}
	}
	over := make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		for number := 0; ctx.Err() == nil; number++ {
			err := errors.Join(
				m.save(ctx, fmt.Sprintf("profile?seconds=%d", profileSeconds), fmt.Sprintf("cpu-%d-%02d.pb.gz", m.nodes, number)),
				m.save(ctx, "heap", fmt.Sprintf("heap-%d-%02d.pb.gz", m.nodes, number)),
			)
			if err != nil {
				progress("no profile: %v", err)
				return
			}
			select {
			case <-over:
				return
			default:
			}
		}
	})
	return func() {
		close(over)
		group.Wait()
	}
}

// save writes one profile into the folder.
func (m *measurement) save(ctx context.Context, profile, name string) (err error) {
	if err := os.MkdirAll(m.profiles, 0o755); err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+m.debugAddress()+"/debug/pprof/"+profile, http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", profile, response.Status)
	}
	file, err := os.Create(filepath.Join(m.profiles, name))
	if err != nil {
		return err
	}
	_, err = io.Copy(file, response.Body)
	return errors.Join(err, file.Close())
}
