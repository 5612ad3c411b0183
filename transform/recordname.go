package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"
	"strings"
	"unicode"
)

// maxColumnName is the length in bytes of the longest column name, that of
// PostgreSQL's.
const maxColumnName = 63

// ColumnName returns the name of the column for a field of a record, whose path
// is joined by dots: in letters a to z, digits and underscores, with words set
// apart ("result.numIid" is result_num_iid). A character of another script is
// written as its code ("颜色" is u989c_u8272), any other becomes an underscore,
// and a name that would begin with a digit begins with c_. A long name is cut
// and ends in a hash of the whole.
func ColumnName(path string) string {
	var b strings.Builder
	runes := []rune(path)
	for i, r := range runes {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case r >= 'A' && r <= 'Z':
			if beginsWord(runes, i) {
				b.WriteByte('_')
			}
			b.WriteRune(r + 'a' - 'A')
		case r > unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsNumber(r)):
			b.WriteString("_u" + strconv.FormatInt(int64(r), 16) + "_")
		default:
			b.WriteByte('_')
		}
	}
	name := strings.Join(strings.FieldsFunc(b.String(), func(r rune) bool { return r == '_' }), "_")
	if name == "" || name[0] >= '0' && name[0] <= '9' {
		name = strings.TrimSuffix("c_"+name, "_")
	}
	if len(name) <= maxColumnName {
		return name
	}
	sum := sha256.Sum256([]byte(path))
	return strings.TrimSuffix(name[:maxColumnName-9], "_") + "_" + hex.EncodeToString(sum[:4])
}

// beginsWord reports whether the capital at i begins a word: it follows a small
// letter or a digit, or is the last one of a run ("HTTPStatus").
func beginsWord(runes []rune, i int) bool {
	if i == 0 {
		return false
	}
	before := runes[i-1]
	if !unicode.IsUpper(before) {
		return true
	}
	return i+1 < len(runes) && unicode.IsLower(runes[i+1])
}
