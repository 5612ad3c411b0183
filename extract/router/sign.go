package router

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

const signParam = "sign"

// Sign returns the value of the parameter sign: the upper-case hex MD5 over the
// key-value pairs of all other parameters in order of their keys, as raw values
// before any encoding, and the secret.
func Sign(params map[string]string, secret string) string {
	var b strings.Builder
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if k != signParam {
			b.WriteString(k + params[k])
		}
	}
	b.WriteString(secret)
	sum := md5.Sum([]byte(b.String()))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
