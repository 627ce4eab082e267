//go:build race

package simulation

// defaultSeeds is how many seeds the tests run with the race detector.
const defaultSeeds = 200
