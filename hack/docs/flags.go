package main

import (
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/app"
	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/audit"
	"github.com/multi-eni/aws-multi-eni-controller/cmd/multi-eni-controller/migrate"
)

func controllerFlags() (string, error) { return flagTable(app.NewOptions().AddFlags), nil }

func auditFlags() (string, error) { return flagTable(audit.AddFlags), nil }

func migrateFlags() (string, error) { return flagTable(migrate.AddFlags), nil }

// flagTable has a row for each flag.
func flagTable(add func(*pflag.FlagSet)) string {
	set := pflag.NewFlagSet("", pflag.ContinueOnError)
	add(set)
	var table strings.Builder
	table.WriteString("| flag | default | |\n| --- | --- | --- |\n")
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden || f.Deprecated != "" {
			return
		}
		name := "`--" + f.Name + "`"
		if f.Shorthand != "" {
			name = "`-" + f.Shorthand + "`, " + name
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", name, defaultOf(f), cell(f.Usage))
	})
	return table.String()
}

func defaultOf(f *pflag.Flag) string {
	switch f.DefValue {
	case "", "[]":
		return ""
	}
	return "`" + f.DefValue + "`"
}
