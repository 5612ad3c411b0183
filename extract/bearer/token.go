package bearer

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"offerlake/extract"
	"offerlake/extract/envelope"
	"offerlake/extract/product"
	"offerlake/pipeline/catalog"
)

const tokenPath = "/auth/requestToken"

// TokenRequest builds the call that exchanges c's authorisation code. It
// returns nil when c has none: the format has no other grant.
func (d *Dialect) TokenRequest(ctx context.Context, endpoint string, c extract.Credential, _ time.Time) (*http.Request, error) {
	if c.Code == "" {
		return nil, nil
	}
	return d.Get(ctx, endpoint+tokenPath, url.Values{
		"client_id":     {c.Key},
		"client_secret": {c.Secret},
		"grant_type":    {"authorization_code"},
		"code":          {c.Code},
		"redirect_uri":  {c.RedirectURI},
	})
}

// DecodeToken reads the token. That a token is refused is ErrDenied: there is
// nothing left to refresh it with.
func (d *Dialect) DecodeToken(a extract.Answer, now time.Time) (extract.Token, error) {
	var g envelope.Grant
	if err := d.pool.Read(a.Status, a.Body, g.Read); err != nil {
		return extract.Token{}, err
	}
	if g.Access == "" || g.Failed() || a.Status >= 400 {
		err := product.GatewayError(a.Status, g.Outcome)
		if err.Class != catalog.ErrThrottled && err.Class != catalog.ErrUnavailable {
			err.Class = catalog.ErrDenied
		}
		return extract.Token{}, err
	}
	return extract.Token{Access: g.Access, Refresh: g.Refresh, Expires: g.Expires(now)}, nil
}
