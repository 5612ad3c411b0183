package envelope

import (
	"strings"

	"offerlake/pipeline/catalog"
)

// words are the gateways' words for what is the matter with an offer. Business
// errors have no codes that could be relied on.
var words = []struct {
	text  string
	class catalog.Class
}{
	{"查询权限", catalog.ErrForbidden}, // 没有该商品的查询权限: no listing relation exists
	{"下架", catalog.ErrDelisted},
	{"不存在", catalog.ErrNotFound},
	{"not exist", catalog.ErrNotFound},
	{"not found", catalog.ErrNotFound},
	{"off-sale", catalog.ErrDelisted},
	{"off shelf", catalog.ErrDelisted},
}

// MessageClass returns the class of a business error by its message, or "" if
// the message says nothing that is known.
func MessageClass(message string) catalog.Class {
	message = strings.ToLower(message)
	for _, w := range words {
		if strings.Contains(message, w.text) {
			return w.class
		}
	}
	return ""
}

// Mentioned returns the errors of those ids that the message of a batch call
// names, as in "574325651942:商品不存在, 570027659932:商品已下架".
func Mentioned(message string, ids []catalog.OfferID) map[catalog.OfferID]*catalog.GatewayError {
	found := make(map[catalog.OfferID]*catalog.GatewayError)
	parts := strings.FieldsFunc(message, func(r rune) bool { return strings.ContainsRune(",，;；\n", r) })
	for _, part := range parts {
		class := MessageClass(part)
		if class == "" {
			continue
		}
		for _, id := range ids {
			if namesID(part, id.String()) && found[id] == nil {
				found[id] = &catalog.GatewayError{Class: class, Message: strings.TrimSpace(part)}
			}
		}
	}
	return found
}

// namesID reports whether id stands in text, not as part of a longer number.
func namesID(text, id string) bool {
	isDigit := func(s string, i int) bool { return i >= 0 && i < len(s) && s[i] >= '0' && s[i] <= '9' }
	for from := 0; ; {
		i := strings.Index(text[from:], id)
		if i < 0 {
			return false
		}
		i += from
		if !isDigit(text, i-1) && !isDigit(text, i+len(id)) {
			return true
		}
		from = i + 1
	}
}
