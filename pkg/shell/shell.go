// Package shell writes commands for a person to paste into a shell. Their words may come from tags, names and
// descriptions, which anybody edits: whatever is no plain word is quoted.
package shell

import (
	"regexp"
	"strings"
)

var plainWord = regexp.MustCompile(`^[0-9A-Za-z@%+=:,./_-]+$`)

// Command is a line of words.
func Command(words ...string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = Quote(word)
	}
	return strings.Join(quoted, " ")
}

// Quote is one word.
func Quote(word string) string {
	if plainWord.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
