package transform

import (
	"strconv"
	"strings"
)

// Size returns the canonical form of a size of clothes or shoes, "" for text
// that is none or that holds more than one: XS, S, M, L, XL, 2XL, 3XL and so on;
// 均码 for one size; a number for sizes of shoes, trousers or children ("42",
// "42码", "110cm" is 110). What stands in brackets, as in "L(建议100-110斤)" or
// "XL【120斤】", is advice.
func Size(s string) string {
	s = strings.TrimSpace(withoutBrackets(s))
	s = strings.TrimSpace(strings.TrimSuffix(s, "码"))
	switch lowered(s) {
	case "均", "均一", "free", "free size", "freesize", "one size", "onesize", "f", "os":
		return "均码"
	}
	if size := letterSize(strings.ToUpper(s)); size != "" {
		return size
	}
	return numberSize(s)
}

// withoutBrackets returns what stands before the first bracket.
func withoutBrackets(s string) string {
	if i := strings.IndexAny(s, "([【（「"); i > 0 {
		return s[:i]
	}
	return s
}

// letterSize reads sizes of letters: XXL and 2XL are the same.
func letterSize(s string) string {
	switch s {
	case "XXS", "XS", "S", "M", "L", "XL":
		return s
	case "2XS":
		return "XXS"
	}
	end, ok := strings.CutSuffix(s, "L")
	if !ok || end == "" {
		return ""
	}
	if strings.Trim(end, "X") == "" && len(end) <= 10 {
		return strconv.Itoa(len(end)) + "XL"
	}
	digits, ok := strings.CutSuffix(end, "X")
	if n, err := strconv.Atoi(digits); ok && err == nil && n >= 1 && n <= 10 {
		if n == 1 {
			return "XL"
		}
		return strconv.Itoa(n) + "XL"
	}
	return ""
}

// numberSize reads sizes of shoes, trousers and children.
func numberSize(s string) string {
	s, centimetres := strings.CutSuffix(lowered(s), "cm")
	whole, half, hasHalf := strings.Cut(strings.TrimSpace(s), ".")
	n, err := strconv.Atoi(whole)
	switch {
	case err != nil || whole == "" || whole[0] == '+' || whole[0] == '-' || whole[0] == '0':
		return ""
	case centimetres && (n < 50 || n > 220), !centimetres && (n < 15 || n > 220):
		return ""
	case hasHalf && half != "5":
		return ""
	case hasHalf:
		return whole + ".5"
	}
	return whole
}
