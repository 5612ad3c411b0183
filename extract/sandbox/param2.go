package sandbox

import (
	"net/http"
	"strconv"

	sign "offerlake/extract/param2"
)

// param2 is the dialect of bearer with a signature in place of the token.
type param2 struct{ productService }

func (param2) name() string { return "param2" }

// claims takes the calls that name an app key or a signature; the others are
// bearer's.
func (p param2) claims(c *call) bool {
	return p.productService.claims(c) && c.params["app_key"]+c.params["sign"] != ""
}

func (p param2) identify(c *call) (string, map[string]string) {
	return p.productService.identify(c, "app_key", "method", "timestamp", "v", "format", "sign")
}

func (p param2) serve(c *call) {
	key := c.params["app_key"]
	account, ok := c.s.accounts.byKey(key)
	switch {
	case !ok:
		p.fail(c, http.StatusBadRequest, "gw.AppKeyNotFound", "AppKey "+key+" not found")
	case c.params["sign"] == "":
		p.fail(c, http.StatusBadRequest, "gw.SignatureMissing", "Signature is missing")
	case sign.Sign(c.params, account.Secret) != c.params["sign"]:
		p.fail(c, http.StatusBadRequest, "gw.SignatureInvalid", "Invalid signature")
	case !inSeconds(c.params["timestamp"]):
		p.fail(c, http.StatusBadRequest, "gw.ParamInvalid", "timestamp: want seconds since 1970")
	case c.params["method"] != c.segment(4):
		p.fail(c, http.StatusBadRequest, "gw.ParamInvalid", "method: want the API of the path")
	default:
		withoutTokens(c)
		if p.admit(c, key) {
			p.dispatch(c)
		}
	}
}

// inSeconds reports whether a timestamp counts seconds, not milliseconds.
func inSeconds(text string) bool {
	n, err := strconv.ParseInt(text, 10, 64)
	return err == nil && n > 0 && len(text) <= 10
}

// withoutTokens makes a call's fault one that a gateway without tokens has.
func withoutTokens(c *call) {
	if c.fault == faultToken {
		c.fault = faultThrottle
	}
}
