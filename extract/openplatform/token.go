package openplatform

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/pipeline/catalog"
)

// TokenRequest builds the OAuth call that renews the access token with c's
// refresh token, or else exchanges c's authorisation code. It is not signed.
func (*Dialect) TokenRequest(ctx context.Context, endpoint string, c extract.Credential, _ time.Time) (*http.Request, error) {
	form := url.Values{"client_id": {c.Key}, "client_secret": {c.Secret}}
	switch {
	case c.RefreshToken != "":
		form.Set("grant_type", "refresh_token")
		form.Set("refresh_token", c.RefreshToken)
	case c.Code != "":
		form.Set("grant_type", "authorization_code")
		form.Set("need_refresh_token", "true")
		form.Set("code", c.Code)
		form.Set("redirect_uri", c.RedirectURI)
	default:
		return nil, nil
	}
	return post(ctx, endpoint+"/openapi/http/1/system.oauth2/getToken/"+url.PathEscape(c.Key), form)
}

// DecodeToken reads the token. The refresh grant usually brings no new refresh
// token. That a grant is refused is ErrDenied: trying again cannot help.
func (d *Dialect) DecodeToken(a extract.Answer, now time.Time) (extract.Token, error) {
	var g envelope.Grant
	if err := d.pool.Read(a.Status, a.Body, g.Read); err != nil {
		return extract.Token{}, err
	}
	if g.Access == "" || g.Failed() || a.Status >= 400 {
		err := gatewayError(a.Status, g.Outcome)
		if err.Class != catalog.ErrThrottled && err.Class != catalog.ErrUnavailable {
			err.Class = catalog.ErrDenied
		}
		return extract.Token{}, err
	}
	return extract.Token{Access: g.Access, Refresh: g.Refresh, Expires: g.Expires(now)}, nil
}
