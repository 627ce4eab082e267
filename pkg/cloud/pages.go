package cloud

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"github.com/multi-eni/aws-multi-eni-controller/pkg/eni"
)

// EC2's bounds of one Describe call.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/Query-Requests.html
const (
	pageSize      = 1000
	typesPageSize = 100
	// filterValues is how many values a filter may have. Where there are two filters, both together stay
	// below it: the documentation can be read either way.
	filterValues = 200
	// filterLength is how many characters a filter's value may have, with the marks that escape its wildcards.
	filterLength = 255
	// idsPerCall is how many IDs may be listed in a call.
	idsPerCall = 1000
)

var errSameToken = errors.New("EC2 answered with the page token that it was asked with: the list would never end")

// wildcards are what a filter's value must not hold unescaped: values may be those of tags, which anybody edits.
// Source: https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/Using_Filtering.html
var wildcards = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`)

// filter lets through what has one of the values.
func filter(name string, values ...string) types.Filter {
	escaped := make([]string, len(values))
	for i, value := range values {
		escaped[i] = wildcards.Replace(value)
	}
	return types.Filter{Name: aws.String(name), Values: escaped}
}

// filterable are the values that a filter takes. EC2 refuses longer ones, and with them the whole call.
func filterable(values []string) []string {
	return slices.DeleteFunc(slices.Clone(values), func(value string) bool {
		return utf8.RuneCountInString(wildcards.Replace(value)) > filterLength
	})
}

// chunks are the distinct values in order, at most n together.
func chunks(values []string, n int) [][]string {
	distinct := slices.Compact(slices.Sorted(slices.Values(values)))
	return slices.Collect(slices.Chunk(distinct, n))
}

// several names the subjects of a call that asks for many.
func several(what string, ids []string) string {
	if len(ids) == 1 {
		return ids[0]
	}
	return fmt.Sprintf("%d %s", len(ids), what)
}

// allPages follows the page tokens to the end. A list is complete or an error: what cannot be read to its
// end tells nothing about what is missing in it.
func allPages(r request, page func(token *string) (next *string, err error)) error {
	var token *string
	for {
		next, err := page(token)
		switch {
		case err != nil:
			return err
		case aws.ToString(next) == "":
			return nil
		case aws.ToString(next) == aws.ToString(token):
			return &eni.Error{Kind: eni.KindUnknownOutcome, Operation: r.action, Subject: r.subject, Err: errSameToken}
		}
		token = next
	}
}
