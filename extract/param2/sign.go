package param2

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"io"
	"maps"
	"slices"
	"strings"
)

const signParam = "sign"

// Sign returns the value of the parameter sign: the upper-case hex HMAC-SHA1
// over the key-value pairs of all other parameters in bytewise order of their
// keys, as raw values before any encoding.
func Sign(params map[string]string, secret string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	for _, k := range slices.Sorted(maps.Keys(params)) {
		if k != signParam {
			io.WriteString(mac, k+params[k]) // a hash takes everything
		}
	}
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}
