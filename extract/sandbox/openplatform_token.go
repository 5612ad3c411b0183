package sandbox

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"offerlake/extract"
)

// getToken grants access tokens. A refresh brings no new refresh token.
func (o openplatform) getToken(c *call, account extract.Credential) {
	p := c.params
	refresh := p["grant_type"] == "refresh_token"
	granted := refresh && (refreshes(account, p["refresh_token"], c.now) || refreshes(account, p["refreshToken"], c.now)) ||
		p["grant_type"] == "authorization_code" && p["code"] == account.Code && p["redirect_uri"] != ""
	if p["client_id"] != account.Key || p["client_secret"] != account.Secret || !granted {
		o.fail(c, http.StatusBadRequest, "400", "client, grant_type, code or refresh_token is wrong")
		return
	}
	c.answered()
	w := &c.w
	w.object("", func() {
		w.str("access_token", c.s.accounts.issue(account.Key, c.now))
		if !refresh && p["need_refresh_token"] == "true" {
			w.str("refresh_token", account.RefreshToken)
			w.str("refresh_token_timeout", platformTime(refreshEnd(c.now)))
		}
		w.str("expires_in", strconv.Itoa(int(c.s.opt.TokenLife.Seconds())))
		w.str("resource_owner", "sandbox")
		w.str("aliId", "8888888888")
		w.str("memberId", "b2b-2248544159")
	})
}

// refreshEnd is when a refresh token granted now ends.
func refreshEnd(now time.Time) time.Time { return now.AddDate(0, 6, 0) }

// postpone grants a new refresh token, which tells its own end, so that a
// restarted sandbox accepts it.
func (o openplatform) postpone(c *call, account extract.Credential) {
	p := c.params
	owner, state := c.token(p["access_token"])
	if p["client_id"] != account.Key || p["client_secret"] != account.Secret || !refreshes(account, p["refresh_token"], c.now) ||
		state != tokenValid || owner != account.Key {
		o.fail(c, http.StatusBadRequest, "400", "client, access_token or refresh_token is wrong")
		return
	}
	c.answered()
	end := refreshEnd(c.now)
	w := &c.w
	w.object("", func() {
		w.str("refresh_token", postponed(account.Key, strconv.FormatInt(end.UnixMilli(), 10)))
		w.str("refresh_token_timeout", platformTime(end))
		w.str("access_token", p["access_token"])
		w.str("resource_owner", "sandbox")
		w.str("memberId", "b2b-2248544159")
	})
}

// postponed is a refresh token that is valid until end, in milliseconds.
func postponed(key, end string) string { return end + "-" + derive("postponed", key+" "+end) }

// refreshes reports whether a refresh token is one of an account's.
func refreshes(account extract.Credential, token string, now time.Time) bool {
	if token == account.RefreshToken {
		return true
	}
	end, _, _ := strings.Cut(token, "-")
	ms, err := strconv.ParseInt(end, 10, 64)
	return err == nil && now.Before(time.UnixMilli(ms)) && token == postponed(account.Key, end)
}
