package catalog

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestValidUTF8(t *testing.T) {
	t.Parallel()
	rnd := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "cup ", "12345678", "杯", "子杯", "é", "\U0001F600", "\u0800", "\u0FFF", "\u1000", "\uCFFF", "\uD7FF", "\uE000", "\uFFFD", "\uFFFF"}
	for range 20000 {
		var text strings.Builder
		for range rnd.IntN(8) {
			text.WriteString(parts[rnd.IntN(len(parts))])
		}
		b := []byte(text.String())
		if !ValidUTF8(b) {
			t.Fatalf("ValidUTF8(%q) = false", b)
		}
		if len(b) == 0 {
			continue
		}
		b[rnd.IntN(len(b))] = byte(rnd.IntN(256))
		b = b[:len(b)-rnd.IntN(2)]
		if got, want := ValidUTF8(b), utf8.Valid(b); got != want {
			t.Fatalf("ValidUTF8(%q) = %t, want %t", b, got, want)
		}
	}
}
