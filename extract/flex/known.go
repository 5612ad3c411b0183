package flex

import (
	"fmt"
	"strings"
)

// Known is what is on record of the fields of an API's answers, those that are
// of no use included. Lists are no level of their own. It is made once and read
// by many goroutines.
type Known struct {
	fields map[string]*Known
	open   bool // any field may be in it
}

// NewKnown reads a declaration: names separated by white space, each followed
// by the fields within it in braces where it has any that are read; name{*}
// takes any field.
//
//	success result { offerId skus { skuId price } extend {*} }
//
// It panics if the declaration is not well formed, which is an error of the
// program.
func NewKnown(text string) *Known {
	tokens := strings.Fields(strings.NewReplacer("{", " { ", "}", " } ").Replace(text))
	root, rest := parseKnown(tokens)
	if len(rest) > 0 {
		panic(fmt.Sprintf("flex: %d braces too many in a declaration of fields", len(rest)))
	}
	return root
}

// parseKnown reads up to the brace that ends an object, and returns what is
// behind it.
func parseKnown(tokens []string) (*Known, []string) {
	k := &Known{fields: map[string]*Known{}}
	last := k
	for len(tokens) > 0 {
		t := tokens[0]
		tokens = tokens[1:]
		switch t {
		case "{":
			var inner *Known
			inner, tokens = parseKnown(tokens)
			last.fields, last.open = inner.fields, inner.open
		case "}":
			return k, tokens
		case "*":
			k.open = true
		default:
			last = &Known{}
			k.fields[t] = last
		}
	}
	return k, nil
}

// field returns what is known of a field, nil if nothing is.
func (k *Known) field(name []byte) *Known {
	if k == nil {
		return nil
	}
	return k.fields[string(name)]
}

// has reports whether a field is known, or cannot be told.
func (k *Known) has(name []byte) bool {
	if k == nil || k.open {
		return true
	}
	_, ok := k.fields[string(name)]
	return ok || isPosition(name)
}

// isPosition reports whether a key is one that PHP gives an element of a list
// with gaps.
func isPosition(key []byte) bool {
	for _, c := range key {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(key) > 0
}

// Covers reports whether a path such as skus.sku[].price is known.
func (k *Known) Covers(path string) bool {
	for name := range strings.SplitSeq(strings.ReplaceAll(path, "[]", ""), ".") {
		if k == nil || k.open {
			return k != nil
		}
		k = k.fields[name]
	}
	return k != nil
}
