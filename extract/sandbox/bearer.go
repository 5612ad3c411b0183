package sandbox

import (
	"net/http"
)

// bearer is the dialect with an access token in the Authorization header and
// neither signature nor app key.
type bearer struct{ productService }

func (bearer) name() string { return "bearer" }

func (b bearer) claims(c *call) bool {
	if c.segment(0) == "auth" {
		return c.segment(1) == "requestToken"
	}
	return b.productService.claims(c)
}

func (b bearer) identify(c *call) (string, map[string]string) {
	if c.segment(0) == "auth" {
		return "auth/requestToken", nil
	}
	return b.productService.identify(c, "access_token")
}

func (b bearer) serve(c *call) {
	if c.api == "auth/requestToken" {
		b.requestToken(c)
		return
	}
	key, state := c.token(c.bearer)
	if state != tokenValid {
		b.fail(c, http.StatusUnauthorized, "401", "Invalid access token")
		return
	}
	if b.admit(c, key) {
		b.dispatch(c)
	}
}

func (b bearer) requestToken(c *call) {
	p := c.params
	account, ok := c.s.accounts.byKey(p["client_id"])
	if !ok || p["client_secret"] != account.Secret || p["code"] != account.Code || p["redirect_uri"] == "" {
		b.fail(c, http.StatusBadRequest, "400", "client, code or redirect_uri is wrong")
		return
	}
	c.answered()
	c.w.object("", func() {
		c.w.str("access_token", c.s.accounts.issue(account.Key, c.now))
		c.w.str("token_type", "Bearer")
		c.w.int("expires_in", int64(c.s.opt.TokenLife.Seconds()))
	})
}
