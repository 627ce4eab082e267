package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		_, _ = fmt.Fprintln(os.Stderr, "mutants:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out io.Writer) error {
	flags := flag.NewFlagSet("mutants", flag.ContinueOnError)
	seeds := flags.Int("seeds", 500, "within how many seeds each mutant must be killed")
	seed := flags.Int("seed", 1, "the first seed")
	check := flags.Bool("check", false, "only compile the mutants")
	if err := flags.Parse(args); err != nil {
		return err
	}
	chosen, err := choose(catalogue, flags.Args())
	if err != nil {
		return err
	}
	folder, err := os.MkdirTemp("", "mutants")
	if err != nil {
		return fmt.Errorf("making a folder for the mutants: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }()
	t := trial{folder: folder, first: *seed, last: *seed + *seeds - 1, check: *check}
	return t.all(ctx, chosen, out)
}

// trial is what mutants go through.
type trial struct {
	// folder is for what is compiled, product the simulation without a mutant.
	folder, product string
	first, last     int
	// check says that they are only compiled.
	check bool
}

// all tries one mutant after the other.
func (t *trial) all(ctx context.Context, mutants []mutant, out io.Writer) error {
	t.product = filepath.Join(t.folder, "product.test")
	if !t.check {
		if err := build(ctx, t.product, ""); err != nil {
			return fmt.Errorf("the product: %w", err)
		}
	}
	var survivors []string
	for _, m := range mutants {
		begun := time.Now()
		verdict, err := t.try(ctx, m)
		if errors.Is(err, errSurvived) {
			survivors, verdict, err = append(survivors, m.name), "SURVIVED", nil
		}
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.name, err)
		}
		_, _ = fmt.Fprintf(out, "%-24s %s (%.0f s)\n", m.name, verdict, time.Since(begun).Seconds())
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d survived the seeds %d to %d: %s", len(survivors), len(mutants), t.first, t.last, strings.Join(survivors, ", "))
	}
	return nil
}

// try compiles a mutant and has the simulation look for it.
func (t *trial) try(ctx context.Context, m mutant) (string, error) {
	overlay, err := m.plant(t.folder)
	if err != nil {
		return "", err
	}
	binary := filepath.Join(t.folder, m.name+".test")
	defer func() { _ = os.Remove(binary) }()
	if err := build(ctx, binary, overlay); err != nil || t.check {
		return "compiles", err
	}
	found, err := m.hunt(ctx, binary, t.product, t.first, t.last)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s: %s", found, found.why), nil
}

// choose returns the named mutants, all when none is named.
func choose(from []mutant, names []string) ([]mutant, error) {
	if len(names) == 0 {
		return from, nil
	}
	var chosen []mutant
	for _, name := range names {
		i := slices.IndexFunc(from, func(m mutant) bool { return m.name == name })
		if i < 0 {
			return nil, fmt.Errorf("no mutant is named %q", name)
		}
		chosen = append(chosen, from[i])
	}
	return chosen, nil
}
