package transform

import (
	"encoding/binary"
	"html"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// maxRounds bounds how often Clean peels nested escapes. Doubly escaped markup
// needs three rounds; more only occurs in text that was built to be hostile.
const maxRounds = 8

// Clean returns s as the tables hold text: valid UTF-8, NFKC-folded, HTML
// entities decoded, HTML tags stripped, control and zero-width characters
// removed, runs of white space collapsed to one space and trimmed.
//
// Markup is peeled until none is left, so Clean is idempotent. Only elements
// of HTML are tags: "a < b" and a size written as "<XL>" survive. Inline tags
// vanish, others become white space. Text that is clean already, the usual
// case, is returned as it is without allocating.
func Clean(s string) string {
	if isClean(s) {
		return s
	}
	if t, ok := foldWide(s); ok {
		return t
	}
	s = strings.ToValidUTF8(s, "\uFFFD")
	for range maxRounds {
		t := cleanOnce(s)
		if t == s || !strings.ContainsAny(t, "&<") {
			return t
		}
		s = t
	}
	return cleanOnce(withoutMarkup.Replace(s))
}

// withoutMarkup ends the peeling of hostile text: nothing that it leaves can
// be read as an entity or a tag.
var withoutMarkup = strings.NewReplacer("&", "", "＆", "", "﹠", "", "<", "", "＜", "", "﹤", "")

// cleanOnce peels one layer. What it returns without any '&' or '<' is stable.
func cleanOnce(s string) string {
	if strings.IndexByte(s, '&') >= 0 {
		s = html.UnescapeString(s)
	}
	if strings.IndexByte(s, '<') >= 0 {
		s = stripTags(s)
	}
	// Invisible characters go first: they would keep NFKC from composing the
	// characters at their sides. Folding makes new spaces, hence the second pass.
	s = squeeze(s)
	if folded := norm.NFKC.String(s); folded != s {
		return squeeze(folded)
	}
	return s
}

// isClean reports whether s consists of printable ASCII without markup
// characters, CJK ideographs and CJK brackets, with single inner spaces: text
// that Clean would not change. It may say no to other clean text.
func isClean(s string) bool {
	afterSpace := true
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c == ' ':
			if afterSpace {
				return false
			}
			afterSpace = true
			i++
			continue
		case c == '&' || c == '<' || c < ' ' || c == 0x7f:
			return false
		case c < utf8.RuneSelf:
			i++
			for len(s)-i >= 8 && isPlainWord(s[i:]) {
				i += 8
			}
		case isPlainCJK(s[i:]):
			i += 3
		default:
			return false
		}
		afterSpace = false
	}
	return !afterSpace || s == ""
}

// isPlainWord reports whether the first 8 bytes of s are visible ASCII without
// markup characters. It looks at all of them at once: a byte that is none has
// its highest bit set, or gets it when less than it is needed is subtracted.
func isPlainWord(s string) bool {
	const each = 0x01_01_01_01_01_01_01_01
	w := binary.LittleEndian.Uint64([]byte(s[:8]))
	odd := w | (w - each*'!') | ((w ^ each*'&') - each) | ((w ^ each*'<') - each) | ((w ^ each*0x7f) - each)
	return odd&(each*0x80) == 0
}

// isPlainCJK reports whether s begins with an ideograph of U+4E00 to U+9FFF or
// with a mark of U+3001 to U+3020, none of which NFKC changes.
func isPlainCJK(s string) bool {
	if len(s) < 3 || s[1]&0xC0 != 0x80 || s[2]&0xC0 != 0x80 {
		return false
	}
	switch c := s[0]; {
	case c == 0xE3:
		return s[1] == 0x80 && s[2] >= 0x81 && s[2] <= 0xA0
	case c == 0xE4:
		return s[1] >= 0xB8
	default:
		return c > 0xE4 && c <= 0xE9
	}
}

// foldWide cleans text whose only flaw is full-width punctuation, letters or
// digits, as most titles have, at a fraction of the cost of NFKC. It reports
// false when there is more to do.
func foldWide(s string) (string, bool) {
	var buf [256]byte
	b := buf[:0]
	for i := 0; i < len(s); {
		switch {
		case s[i] < utf8.RuneSelf:
			b = append(b, s[i])
			i++
			continue
		case isPlainCJK(s[i:]):
			b = append(b, s[i:i+3]...)
		case strings.HasPrefix(s[i:], "\u3000"):
			b = append(b, ' ')
		default:
			r, _ := utf8.DecodeRuneInString(s[i:])
			if r < '\uFF01' || r > '\uFF5E' {
				return "", false
			}
			b = append(b, byte(r-'\uFF01'+'!'))
		}
		i += 3
	}
	t := string(b)
	return t, isClean(t)
}

// fold returns the NFKC form of the text of a number.
func fold(s string) string {
	if isASCII(s) {
		return s
	}
	return norm.NFKC.String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// squeeze removes invisible characters, collapses white space and trims.
func squeeze(s string) string {
	if isSqueezed(s) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s))
	space := false
	for _, r := range s {
		if unicode.IsSpace(r) {
			space = true
			continue
		}
		if isInvisible(r) {
			continue
		}
		if space && b.Len() > 0 {
			b.WriteByte(' ')
		}
		space = false
		b.WriteRune(r)
	}
	return b.String()
}

func isSqueezed(s string) bool {
	afterSpace := true
	for _, r := range s {
		switch {
		case r == ' ':
			if afterSpace {
				return false
			}
			afterSpace = true
			continue
		case isInvisible(r) || unicode.IsSpace(r):
			return false
		}
		afterSpace = false
	}
	return !afterSpace || s == ""
}

// isInvisible reports whether r is a control character or one that takes no
// room: joiners, direction marks, byte order marks, tag characters.
func isInvisible(r rune) bool {
	switch {
	case r < 0xA0:
		return r < ' ' && !unicode.IsSpace(r) || r >= 0x7F && r != 0x85
	case r == 0xAD, r == 0x61C, r == 0x180E, r == 0xFEFF:
		return true
	case r >= 0x200B && r <= 0x200F, r >= 0x202A && r <= 0x202E, r >= 0x2060 && r <= 0x206F:
		return true
	}
	return r >= 0xFFF9 && r <= 0xFFFB || r >= 0xE0000 && r <= 0xE007F
}

// stripTags removes HTML tags and comments.
func stripTags(s string) string {
	var b strings.Builder
	kept := 0 // s[:kept] is in b or was a tag
	// Looking once for the last end of a comment keeps text full of unfinished
	// comments from being searched over and over.
	lastComment := strings.LastIndex(s, "-->")
	for i := 0; i < len(s); {
		next := strings.IndexByte(s[i:], '<')
		if next < 0 {
			break
		}
		i += next
		var end int
		var inline bool
		if strings.HasPrefix(s[i:], "<!--") && i < lastComment {
			end, inline = strings.Index(s[i:], "-->")+len("-->"), true
		} else {
			end, inline = tagEnd(s[i:])
		}
		if end == 0 {
			i++
			continue
		}
		b.WriteString(s[kept:i])
		if !inline {
			b.WriteByte(' ')
		}
		i += end
		kept = i
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}

// maxTag is the length in bytes of the longest tag that is looked for, which
// bounds the work on hostile text.
const maxTag = 8192

// tagEnd returns the length of the tag that s begins with, 0 when there is
// none, and whether it is an inline element.
func tagEnd(s string) (end int, inline bool) {
	s = s[:min(len(s), maxTag)]
	i := 1
	if i < len(s) && s[i] == '/' {
		i++
	}
	var name [10]byte
	n := 0
	for i < len(s) && isNameByte(s[i]) {
		if n == len(name) {
			return 0, false
		}
		name[n] = lower(s[i])
		n++
		i++
	}
	known, inline := element(string(name[:n]))
	if !known {
		return 0, false
	}
	return closing(s, i), inline
}

// closing returns the index after the '>' that ends the tag whose name ends at
// i, or 0. A '<' outside quotes means that it was no tag.
func closing(s string, i int) int {
	if i < len(s) && s[i] != '>' && s[i] != '/' && !unicode.IsSpace(rune(s[i])) {
		return 0
	}
	var quote byte
	for ; i < len(s); i++ {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '>':
			return i + 1
		case c == '<':
			return 0
		case (c == '"' || c == '\'') && s[i-1] == '=' && strings.IndexByte(s[i+1:], c) >= 0:
			quote = c
		}
	}
	return 0
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
}

func lower(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// element reports whether name is an HTML element and whether it is one that
// stands inside a word or phrase.
func element(name string) (known, inline bool) {
	switch name {
	case "a", "abbr", "b", "bdo", "big", "cite", "code", "del", "dfn", "em", "font", "i", "ins", "kbd", "label", "mark",
		"nobr", "q", "s", "samp", "small", "span", "strike", "strong", "sub", "sup", "tt", "u", "var", "wbr":
		return true, true
	case "address", "area", "article", "aside", "audio", "base", "blockquote", "body", "br", "button", "canvas", "caption",
		"center", "col", "colgroup", "dd", "details", "div", "dl", "dt", "embed", "fieldset", "figcaption", "figure",
		"footer", "form", "frame", "frameset", "h1", "h2", "h3", "h4", "h5", "h6", "head", "header", "hr", "html",
		"iframe", "img", "input", "legend", "li", "link", "main", "map", "marquee", "meta", "nav", "noscript", "object",
		"ol", "optgroup", "option", "p", "param", "picture", "pre", "script", "section", "select", "source", "style",
		"summary", "svg", "table", "tbody", "td", "template", "textarea", "tfoot", "th", "thead", "title", "tr",
		"track", "ul", "video":
		return true, false
	}
	return false, false
}

// trimOrnaments removes the symbols that sellers decorate attribute names with
// from both ends of clean text. Text of nothing but ornaments is kept.
func trimOrnaments(s string) string {
	if s != "" && isNameByte(s[0]) && isNameByte(s[len(s)-1]) || len(s) >= 3 && isIdeograph(s[0]) && isIdeograph(s[len(s)-3]) {
		return s
	}
	if t := strings.TrimFunc(s, isOrnament); t != "" {
		return t
	}
	return s
}

// isIdeograph reports whether c is the first byte of a character of U+5000 to
// U+9FFF; no later byte of a character is like it.
func isIdeograph(c byte) bool { return c > 0xE4 && c <= 0xE9 }

func isOrnament(r rune) bool {
	switch {
	case r == ' ' || r == '※' || r == '•' || r == '·':
		return true
	case r < 0x2500:
		return false
	}
	// Box drawing, blocks, geometric shapes, symbols and dingbats; the bullets
	// of the last group as far as they are no digits.
	return r <= 0x2767 || r >= 0x2794 && r <= 0x27BF || r >= 0x2B00 && r <= 0x2BFF
}
