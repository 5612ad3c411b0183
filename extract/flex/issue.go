package flex

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
)

// The codes of issues.
const (
	CodeBadType = "bad_type" // a field of a type that cannot be used
	CodeBadUTF8 = "bad_utf8" // invalid bytes were replaced by U+FFFD
)

// maxIssues bounds the issues of one offer; the rest are counted in one more.
const maxIssues = 100

// maxExcerpt is the length in bytes that an excerpt is cut to.
const maxExcerpt = 120

// step is one part of the path to the value being read.
type step struct {
	key   []byte // nil for an array element
	index int

	here   *Known // what is known of the object that has the key; see Decoder.here
	placed bool   // here is set
}

// Report notes that the value at the current path could not be used.
func (d *Decoder) Report(message string, raw []byte) {
	d.note(CodeBadType, message, raw)
}

func (d *Decoder) note(code, message string, raw []byte) {
	if len(d.issues) >= maxIssues {
		d.unlisted++
		return
	}
	d.issues = append(d.issues, catalog.Issue{
		Code: code, Path: d.pathText(), Message: message, Excerpt: Excerpt(raw),
	})
}

// Offer calls read, which reads the offer at the current place, and returns
// the issues that arose in it. Their paths begin at the offer. Issues noted
// before, such as those of the envelope, are dropped.
func (d *Decoder) Offer(read func()) []catalog.Issue {
	root := d.root
	d.root = len(d.path)
	d.issues, d.unlisted = nil, 0
	if d.repaired {
		d.note(CodeBadUTF8, "the answer held bytes that are not UTF-8", nil)
	}
	read()
	if d.unlisted > 0 {
		d.issues = append(d.issues, catalog.Issue{
			Code: CodeBadType, Message: fmt.Sprintf("%d more fields could not be used", d.unlisted),
		})
	}
	issues := d.issues
	d.issues, d.unlisted = nil, 0
	d.root = root
	return issues
}

// pathText prints the path below the root, such as "productSkuInfos[3].price".
func (d *Decoder) pathText() string {
	var b strings.Builder
	for _, s := range d.path[d.root:] {
		if s.key == nil {
			b.WriteByte('[')
			b.WriteString(strconv.Itoa(s.index))
			b.WriteByte(']')
			continue
		}
		if b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(Excerpt(s.key))
	}
	return b.String()
}

// Excerpt returns at most the first 120 bytes of raw as valid UTF-8.
func Excerpt(raw []byte) string {
	if len(raw) > maxExcerpt {
		raw = raw[:maxExcerpt]
		// A rune that was cut in two is dropped rather than replaced.
		for i := 1; i <= utf8.UTFMax && i <= len(raw); i++ {
			if tail := raw[len(raw)-i:]; utf8.RuneStart(tail[0]) {
				if !utf8.FullRune(tail) {
					raw = raw[:len(raw)-i]
				}
				break
			}
		}
	}
	return strings.ToValidUTF8(string(raw), "?")
}
