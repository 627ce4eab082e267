// Package console tests the EC2 simulator's console in a real browser: headless Chromium
// looks at the page of a simulator that serves over HTTP, and what it has drawn is held
// against what the simulator says. A module of its own, so that the product's go.mod
// knows nothing of browsers.
package console
