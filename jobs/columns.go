package jobs

import (
	"strings"

	"golang.org/x/text/width"
)

// columns returns how many columns of a terminal a character takes; Chinese
// ones take two.
func columns(r rune) int {
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// wide returns how many columns a text takes.
func wide(s string) int {
	n := 0
	for _, r := range s {
		n += columns(r)
	}
	return n
}

// padding returns blanks as wide as the first n characters of a line.
func padding(line string, n int) string {
	var b strings.Builder
	for _, r := range line {
		if n--; n < 0 {
			break
		}
		if r == '\t' {
			b.WriteByte('\t')
			continue
		}
		b.WriteString(strings.Repeat(" ", columns(r)))
	}
	return b.String()
}

// fit cuts or pads a text to a number of columns.
func fit(s string, wide int) string {
	used := 0
	for i, r := range s {
		if used+columns(r) > wide {
			return s[:i] + strings.Repeat(" ", wide-used)
		}
		used += columns(r)
	}
	return s + strings.Repeat(" ", wide-used)
}
