package onebound

import (
	"bytes"
	"regexp"
	"strconv"

	"offerlake/extract"
)

// apiInfo finds the gateway's count of calls in an answer, as in
// "api_info":"today:8 max:110 all[9=8+1+0];expires:2024-12-29". The quotes and
// brackets around the name keep a seller's text from looking like it.
var apiInfo = regexp.MustCompile(`(?:"api_info"\s*:\s*"|<api_info>)\s*today:(\d{1,15}) max:(\d{1,15})`)

// apiInfoName is looked for first, and apiInfoSize bounds what follows it: to
// go through a whole answer takes the pattern a hundred times as long.
var apiInfoName = []byte("api_info")

const apiInfoSize = 100

// Quota reads the calls of the day and how many there may be.
func (*Dialect) Quota(a extract.Answer) (used, limit int64, ok bool) {
	for rest := a.Body; ; {
		i := bytes.Index(rest, apiInfoName)
		if i < 0 {
			return 0, 0, false
		}
		m := apiInfo.FindSubmatch(rest[max(i-1, 0):min(i+apiInfoSize, len(rest))])
		if m == nil {
			rest = rest[i+len(apiInfoName):]
			continue
		}
		used, err1 := strconv.ParseInt(string(m[1]), 10, 64)
		limit, err2 := strconv.ParseInt(string(m[2]), 10, 64)
		return used, limit, err1 == nil && err2 == nil
	}
}
