package transform

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// maxNumberDigits is the most digits of a number that tables hold as one.
const maxNumberDigits = 38

// numberCell returns a JSON number as a cell with its exact value: in plain
// digits, or as text where those are too many.
func numberCell(literal string) catalog.Cell {
	plain, ok := plainDigits(literal)
	if !ok {
		return catalog.Cell{Kind: catalog.CellText, Text: literal}
	}
	if _, err := strconv.ParseInt(plain, 10, 64); err == nil {
		return catalog.Cell{Kind: catalog.CellInt, Text: plain}
	}
	return catalog.Cell{Kind: catalog.CellDecimal, Text: plain}
}

// plainDigits writes a number without an exponent. It reports false for what is
// no number and for more than 38 digits.
func plainDigits(s string) (string, bool) {
	sign, digits := "", strings.TrimPrefix(s, "+")
	if rest, ok := strings.CutPrefix(s, "-"); ok {
		sign, digits = "-", rest
	}
	mantissa, exponent := digits, 0
	if i := strings.IndexAny(digits, "eE"); i >= 0 {
		e, err := strconv.Atoi(digits[i+1:])
		if err != nil || e > 2*maxNumberDigits || e < -2*maxNumberDigits {
			return "", false
		}
		mantissa, exponent = digits[:i], e
	}
	whole, frac, _ := strings.Cut(mantissa, ".")
	if whole+frac == "" || whole != "" && !isDigits(whole) || frac != "" && !isDigits(frac) {
		return "", false
	}
	// The point moves by the exponent.
	for ; exponent > 0; exponent-- {
		if frac == "" {
			frac = "0"
		}
		whole, frac = whole+frac[:1], frac[1:]
	}
	for ; exponent < 0; exponent++ {
		if whole == "" {
			whole = "0"
		}
		whole, frac = whole[:len(whole)-1], whole[len(whole)-1:]+frac
	}
	if whole = strings.TrimLeft(whole, "0"); len(whole)+len(frac) > maxNumberDigits {
		return "", false
	}
	if whole == "" {
		whole = "0"
	}
	if frac == "" {
		return sign + whole, true
	}
	return sign + whole + "." + frac, true
}

// castCell returns a cell as the kind that the job declares. A text of nothing
// is null, unless text is what is wanted. The error says why the value is not
// of the kind; the cell is null then.
func castCell(kind catalog.CellKind, c catalog.Cell) (catalog.Cell, error) {
	if c.Kind == catalog.CellNull || c.Kind == kind {
		return c, nil
	}
	text := strings.TrimSpace(c.Text)
	if text == "" && kind != catalog.CellText && kind != catalog.CellJSON {
		return catalog.Cell{}, nil
	}
	if c.Kind == catalog.CellJSON && kind != catalog.CellText {
		return catalog.Cell{}, errors.New("a list or an object")
	}
	var cast string
	var err error
	switch kind {
	case catalog.CellText:
		cast = c.Text
	case catalog.CellJSON:
		cast = jsonOf(c)
	case catalog.CellBool:
		cast, err = castBool(text)
	case catalog.CellInt:
		cast, err = castInt(text)
	case catalog.CellDecimal:
		cast, err = castDecimal(text)
	case catalog.CellInstant, catalog.CellDate:
		return castTime(kind, text)
	default:
		err = fmt.Errorf("kind %d is none", kind)
	}
	if err != nil {
		return catalog.Cell{}, err
	}
	return catalog.Cell{Kind: kind, Text: cast}, nil
}

// jsonOf writes a scalar as JSON; a text that is JSON of a list or an object
// already is taken as it.
func jsonOf(c catalog.Cell) string {
	if c.Kind != catalog.CellText {
		return c.Text
	}
	if t := strings.TrimSpace(c.Text); t != "" && (t[0] == '{' || t[0] == '[') && json.Valid([]byte(t)) {
		return compactJSON([]byte(t))
	}
	quoted, _ := json.Marshal(c.Text) // a string always marshals
	return string(quoted)
}

func castBool(text string) (string, error) {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "y", "是":
		return "true", nil
	case "false", "0", "no", "n", "否":
		return "false", nil
	}
	return "", errors.New("neither true nor false")
}

func castInt(text string) (string, error) {
	n, err := ParseCount(text)
	return strconv.FormatInt(n, 10), err
}

func castDecimal(text string) (string, error) {
	ungrouped, ok := dropGrouping(fold(text))
	if !ok {
		ungrouped = text
	}
	plain, ok := plainDigits(strings.TrimSuffix(ungrouped, "."))
	if !ok {
		return "", fmt.Errorf("not a number of at most %d digits", maxNumberDigits)
	}
	return plain, nil
}

func castTime(kind catalog.CellKind, text string) (catalog.Cell, error) {
	if isNoTime(text) {
		return catalog.Cell{}, nil
	}
	if kind == catalog.CellDate {
		day, err := ParseDay(text)
		if err != nil {
			return catalog.Cell{}, err
		}
		return catalog.Cell{Kind: kind, Text: day.Format(time.DateOnly)}, nil
	}
	t, err := ParseTime(text)
	if err != nil {
		return catalog.Cell{}, err
	}
	return catalog.Cell{Kind: kind, Text: t.Format(time.RFC3339Nano)}, nil
}
