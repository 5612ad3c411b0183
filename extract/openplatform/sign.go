package openplatform

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/hex"
	"slices"
	"strings"
)

// Sign returns the value of _aop_signature: the upper-case hex HMAC-SHA1 over
// path and the concatenated key-value pairs. path has the form
// "param2/1/<namespace>/<api>/<appKey>"; params are all parameters of the
// request except _aop_signature, as raw values before any encoding.
//
// Like the official SDK it sorts the concatenated pairs, not the keys, which
// differs when one key is a prefix of another.
func Sign(path string, params map[string]string, secret string) string {
	pairs := make([]string, 0, len(params))
	for k, v := range params {
		if k == signatureParam {
			continue
		}
		pairs = append(pairs, k+v)
	}
	slices.Sort(pairs)
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(path))
	for _, p := range pairs {
		mac.Write([]byte(p))
	}
	return strings.ToUpper(hex.EncodeToString(mac.Sum(nil)))
}

const signatureParam = "_aop_signature"
