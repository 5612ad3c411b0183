package transform

import (
	"errors"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// ErrNotTime is the error of ParseTime.
var ErrNotTime = errors.New("not a date or time")

// ParseTime reads a time in any of the gateways' spellings and returns it in
// UTC: "20181213201638000+0800", "2024-05-01 10:00:00", "20240701",
// "Beijing/2021-04-28 23:13:54", RFC 3339, and seconds or milliseconds since
// the epoch. Texts without a zone are of UTC+8. Years outside 1990 to 2100 are
// errors: they are slips of a unit, not dates of offers.
func ParseTime(s string) (time.Time, error) {
	s = strings.TrimSpace(s)
	if city, rest, ok := strings.Cut(s, "/"); ok && city != "" && (city[0] < '0' || city[0] > '9') {
		s = rest
	}
	t, ok := parseDigits(s)
	if !ok {
		t, ok = parseLayouts(s)
	}
	if !ok || t.Year() < 1990 || t.Year() > 2100 {
		return time.Time{}, ErrNotTime
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// parseDigits reads the spellings that are a run of digits, perhaps with a
// numeric zone behind it.
func parseDigits(s string) (time.Time, bool) {
	digits, zone := s, ""
	if i := strings.IndexAny(s, "+-"); i == 17 || i == 14 {
		digits, zone = s[:i], s[i:]
	}
	v, ok := plainCount(digits)
	if !ok {
		return time.Time{}, false
	}
	switch len(digits) {
	case 8:
		return parseIn("20060102", digits)
	case 10:
		return time.Unix(v, 0), true
	case 13:
		return time.UnixMilli(v), true
	case 14:
		if zone != "" {
			return parseIn("20060102150405-0700", s)
		}
		return parseIn("20060102150405", digits)
	case 17:
		// package time wants a point before fractional seconds.
		pointed := digits[:14] + "." + digits[14:] + zone
		if zone != "" {
			return parseIn("20060102150405.000-0700", pointed)
		}
		return parseIn("20060102150405.000", pointed)
	}
	return time.Time{}, false
}

func parseLayouts(s string) (time.Time, bool) {
	if len(s) >= 10 && s[4] == '/' {
		s = strings.ReplaceAll(s, "/", "-")
	}
	for _, layout := range [...]string{
		time.DateTime, time.RFC3339, time.DateOnly, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04:05-0700",
		"2006-01-02 15:04:05-0700",
	} {
		if t, ok := parseIn(layout, s); ok {
			return t, true
		}
	}
	return time.Time{}, false
}

func parseIn(layout, s string) (time.Time, bool) {
	t, err := time.ParseInLocation(layout, s, catalog.GatewayZone)
	return t, err == nil
}

// isNoTime reports whether the text of a time field is one of the ways to say
// that there is none.
func isNoTime(s string) bool {
	return s == "" || s == "0" || strings.HasPrefix(s, "0000-00-00")
}
