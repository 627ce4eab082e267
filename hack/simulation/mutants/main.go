package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
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
	var survivors []string
	for _, m := range chosen {
		begun := time.Now()
		verdict, err := try(ctx, folder, m, *seeds, *seed, *check)
		if errors.Is(err, errSurvived) {
			survivors, verdict, err = append(survivors, m.name), "SURVIVED", nil
		}
		if err != nil {
			return fmt.Errorf("mutant %s: %w", m.name, err)
		}
		_, _ = fmt.Fprintf(out, "%-34s %s (%.0f s): %s\n", m.name, verdict, time.Since(begun).Seconds(), m.fault)
	}
	if len(survivors) > 0 {
		return fmt.Errorf("%d of %d survived %d seeds: %s", len(survivors), len(chosen), *seeds, strings.Join(survivors, ", "))
	}
	return nil
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
