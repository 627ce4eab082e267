package app

import (
	"fmt"
	"strconv"
	"strings"
)

// percent is a flag such as 50%, as a share from 0 to 1.
type percent float64

// String is the share in per cent.
func (p *percent) String() string { return strconv.FormatFloat(100*float64(*p), 'f', -1, 64) + "%" }

// Set reads a number with or without the sign.
func (p *percent) Set(text string) error {
	number, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || !(number >= 0 && number <= 100) {
		return fmt.Errorf("%q is no share of 0%% to 100%%", text)
	}
	*p = percent(number / 100)
	return nil
}

// Type names the flag's values in the usage text.
func (*percent) Type() string { return "percent" }
