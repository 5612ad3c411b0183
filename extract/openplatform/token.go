package openplatform

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/pipeline/catalog"
)

// AuthorizeURL returns the page on which a user lets an app act for them. The
// platform then sends their browser to redirectURI, which must be registered
// with the app, with the parameters code and state.
func AuthorizeURL(appKey, redirectURI, state string) string {
	return "https://auth.1688.com/oauth/authorize?" + url.Values{
		"client_id": {appKey}, "site": {"1688"}, "redirect_uri": {redirectURI}, "state": {state},
	}.Encode()
}

// TokenRequest builds the OAuth call that renews the access token with c's
// refresh token, or else exchanges c's authorisation code. It is not signed.
func (*Dialect) TokenRequest(ctx context.Context, endpoint string, c extract.Credential, _ time.Time) (*http.Request, error) {
	switch {
	case c.RefreshToken != "":
		return getToken(ctx, endpoint, c, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {c.RefreshToken}})
	case c.Code != "":
		return ExchangeRequest(ctx, endpoint, c)
	}
	return nil, nil
}

// ExchangeRequest builds the OAuth call that exchanges c's authorisation code
// for an access token and a refresh token. Dialect.DecodeToken reads its
// answer.
func ExchangeRequest(ctx context.Context, endpoint string, c extract.Credential) (*http.Request, error) {
	return getToken(ctx, endpoint, c, url.Values{
		"grant_type": {"authorization_code"}, "need_refresh_token": {"true"}, "code": {c.Code}, "redirect_uri": {c.RedirectURI},
	})
}

func getToken(ctx context.Context, endpoint string, c extract.Credential, form url.Values) (*http.Request, error) {
	form.Set("client_id", c.Key)
	form.Set("client_secret", c.Secret)
	return post(ctx, endpoint+"/openapi/http/1/system.oauth2/getToken/"+url.PathEscape(c.Key), form)
}

// PostponeRequest builds the call that exchanges c's refresh token, which must
// still be valid, for one that lives longer.
func (d *Dialect) PostponeRequest(ctx context.Context, endpoint string, c extract.Credential, now time.Time) (*http.Request, error) {
	path, err := apiPath("system.oauth2:postponeToken:1", c.Key)
	if err != nil {
		return nil, err
	}
	return d.signed(ctx, endpoint, path, map[string]string{
		"client_id": c.Key, "client_secret": c.Secret, "refresh_token": c.RefreshToken, tokenParam: c.AccessToken,
	}, c.Secret, now)
}

// DecodeToken reads the answer to a TokenRequest. The refresh grant usually
// brings no new refresh token. That a grant is refused is ErrDenied: trying
// again cannot help.
func (d *Dialect) DecodeToken(a extract.Answer, now time.Time) (extract.Token, error) {
	t, outcome, err := d.grant(a, now)
	if err == nil && (t.Access == "" || outcome.Failed() || a.Status >= http.StatusBadRequest) {
		err = refusal(a.Status, outcome)
	}
	if err != nil {
		return extract.Token{}, err
	}
	return t, nil
}

// DecodePostponed reads the answer to a PostponeRequest, which has a new
// refresh token and perhaps an access token.
func (d *Dialect) DecodePostponed(a extract.Answer, now time.Time) (extract.Token, error) {
	t, outcome, err := d.grant(a, now)
	if err == nil && (t.Refresh == "" || outcome.Failed() || a.Status >= http.StatusBadRequest) {
		err = refusal(a.Status, outcome)
	}
	if err != nil {
		return extract.Token{}, err
	}
	return t, nil
}

func (d *Dialect) grant(a extract.Answer, now time.Time) (extract.Token, envelope.Outcome, error) {
	var g envelope.Grant
	if err := d.pool.Read(a.Status, a.Body, g.Read); err != nil {
		return extract.Token{}, envelope.Outcome{}, err
	}
	return extract.Token{
		Access: g.Access, Refresh: g.Refresh, Expires: g.Expires(now), RefreshExpires: platformTime(g.RefreshTimeout),
	}, g.Outcome, nil
}

// platformTime reads the platform's form of time, such as
// 20261014200339000+0800; what is no time is the zero time.
func platformTime(s string) time.Time {
	const clock, millis = len("20261014200339"), len("000")
	if len(s) < clock+millis {
		return time.Time{}
	}
	t, err := time.Parse("20060102150405.000-0700", s[:clock]+"."+s[clock:])
	if err != nil {
		return time.Time{}
	}
	return t.UTC()
}

// refusal is the error for a token that was not granted, with advice.
func refusal(status int, o envelope.Outcome) error {
	err := gatewayError(status, o)
	if err.Class == catalog.ErrThrottled || err.Class == catalog.ErrUnavailable {
		return err
	}
	err.Class = catalog.ErrDenied
	if err.Message != "" {
		err.Message += "; "
	}
	err.Message += refusalAdvice(o)
	return err
}

// refusalAdvice tells what to do by the words of a refusal. What they are is
// not documented, so that none is taken for certain.
func refusalAdvice(o envelope.Outcome) string {
	const again = "authorise again with offerlake auth url and offerlake auth exchange"
	words := strings.ToLower(o.Code + " " + o.Message)
	switch {
	case strings.Contains(words, "appkey"), strings.Contains(words, "client"):
		return "check app_key and app_secret; if they are right, " + again
	case strings.Contains(words, "redirect"):
		return "redirect_uri must be the one that is registered with the app and that the code was asked for with"
	case strings.Contains(words, "refresh"):
		return "a refresh token lives about half a year, or as long as the app's subscription: " + again
	case strings.Contains(words, "code"):
		return "an authorisation code works once and for some minutes: " + again
	}
	return "check app_key, app_secret and redirect_uri, or " + again
}
