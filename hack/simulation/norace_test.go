//go:build !race

package simulation

// defaultSeeds is how many seeds the tests run without the race detector.
const defaultSeeds = 2000
