package main

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain fails when a test leaves a goroutine behind: with the server, its connections end on both sides.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
