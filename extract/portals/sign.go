package portals

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Sign returns the value of the sign parameter: the upper-case hex MD5 over
// name=value pairs in order of their names, joined by "&", and "&secret=" with
// the secret as it is. What is signed are quoted values, which are quoted once
// more on their way over the wire.
func Sign(params map[string]string, secret string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(params)) {
		b.WriteString(k)
		b.WriteByte('=')
		quote(&b, params[k])
		b.WriteByte('&')
	}
	b.WriteString("secret=")
	b.WriteString(secret)
	sum := md5.Sum([]byte(b.String()))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// quote writes s with everything escaped but what RFC 3986 calls unreserved,
// and the slash, as Python's quote does.
func quote(b *strings.Builder, s string) {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-._~/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteByte('%')
			b.WriteByte(hexDigits[c>>4])
			b.WriteByte(hexDigits[c&15])
		}
	}
}
