package onebound

import (
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strings"
)

// Sign returns the value of the optional sign parameter: the upper-case hex
// MD5 over secret, the key-value pairs in order of their keys, and secret
// again. Values that begin with '@' (file uploads) are not signed.
func Sign(params map[string]string, secret string) string {
	var b strings.Builder
	b.WriteString(secret)
	for _, k := range slices.Sorted(maps.Keys(params)) {
		v := params[k]
		if strings.HasPrefix(v, "@") {
			continue
		}
		b.WriteString(k)
		b.WriteString(v)
	}
	b.WriteString(secret)
	sum := md5.Sum([]byte(b.String()))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}
