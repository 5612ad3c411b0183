package jobs

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// Fault is one thing that is wrong with a job file.
type Fault struct {
	File    string
	Line    int // from 1; 0 when the fault has no place
	Column  int // from 1
	Source  string
	Message string
	Hint    string // the next step, or ""
}

// Faults is the error of a job file that cannot be used: everything that is
// wrong with it, in the order of the file.
type Faults []Fault

// Error prints each fault with its place, the offending line and a hint.
func (fs Faults) Error() string {
	var b strings.Builder
	for i, f := range fs {
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(f.File)
		if f.Line > 0 {
			fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
		}
		b.WriteString(": " + withoutUsers(f.Message))
		if f.Source != "" {
			fmt.Fprintf(&b, "\n%6d | %s\n       | %s^", f.Line, masked(f.Source), padding(f.Source, f.Column-1))
		}
		if f.Hint != "" {
			b.WriteString("\n         " + f.Hint)
		}
	}
	return b.String()
}

// What masked hides: the user and password of an address, and a value after the
// name of a secret, which may be mistyped.
var (
	userOfURL = regexp.MustCompile(`://[^/@\s"]+@`)
	namedText = regexp.MustCompile(`([A-Za-z_]+)(\s*:\s*)("[^"]*"|'[^']*'|[^\s,{\[][^\s,}\]#]*)`)
)

// masked returns a line of a job file with asterisks in place of what may be
// secret and does not come from the environment; its length stays.
func masked(s string) string {
	return namedText.ReplaceAllStringFunc(withoutUsers(s), func(pair string) string {
		m := namedText.FindStringSubmatch(pair)
		name, value := strings.ToLower(m[1]), m[3]
		near := func(secret string) bool { return editDistance(name, secret) <= len(secret)/5 }
		if !slices.ContainsFunc(secretNames, near) || strings.HasPrefix(strings.Trim(value, `"'`), "${") {
			return pair
		}
		return m[1] + m[2] + stars(value)
	})
}

// withoutUsers is masked for addresses only.
func withoutUsers(s string) string {
	return userOfURL.ReplaceAllStringFunc(s, func(u string) string { return "://" + stars(u[3:len(u)-1]) + "@" })
}

// secretNames are the fields of a job file that hold secrets.
var secretNames = []string{"key", "secret", "app_key", "app_secret", "access_token", "refresh_token", "code", "api_key", "webhook", "credentials"}

func stars(s string) string { return strings.Repeat("*", utf8.RuneCountInString(s)) }

// nearest returns the candidate that a mistyped word most likely meant, or ""
// when none is close.
func nearest(word string, candidates []string) string {
	best, bestDistance := "", len(word)/2+2
	for _, c := range candidates {
		if d := editDistance(strings.ToLower(word), c); d < bestDistance {
			best, bestDistance = c, d
		}
	}
	return best
}

// editDistance counts the insertions, deletions, substitutions and swaps of
// neighbours that turn a into b (optimal string alignment).
func editDistance(a, b string) int {
	prev2, prev, cur := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		cur[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				cur[j] = min(cur[j], prev2[j-2]+1)
			}
		}
		prev2, prev, cur = prev, cur, prev2
	}
	return prev[len(b)]
}
