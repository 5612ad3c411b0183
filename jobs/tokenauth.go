package jobs

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/extract/openplatform"
	"offerlake/pipeline/catalog"
)

// AuthOptions are the choices of the auth commands.
type AuthOptions struct {
	// Credential is the place of the credential in the job, from 1. 0 = the
	// only one; for RefreshTokens, all that have a token file.
	Credential  int
	Code        string // ExchangeCode: the code that the page's redirect carried
	RedirectURI string // default: that of the credential
	State       string // AuthorizePage: comes back with the code
	Postpone    bool   // RefreshTokens: renew the refresh tokens instead
}

// Authorised says what was obtained for a credential, without revealing it.
type Authorised struct {
	Credential     string    `json:"credential"` // #1 is the first one
	Stored         string    `json:"stored"`     // the token file
	Expires        time.Time `json:"expires,omitzero"`
	RefreshExpires time.Time `json:"refresh_expires,omitzero"`
}

// AuthorizePage returns the page on which the owner of an account lets the
// app of a credential act for them.
func AuthorizePage(job *Job, o AuthOptions) (string, error) {
	i, err := job.Gateway.credentialAt(o.Credential)
	if err != nil {
		return "", err
	}
	c := job.Gateway.Credentials[i]
	if c.AppKey == "" {
		return "", fmt.Errorf("credential #%d has no app_key to authorise (%w)", i+1, ErrUsage)
	}
	redirect, err := c.redirect(o)
	if err != nil {
		return "", err
	}
	return openplatform.AuthorizeURL(c.AppKey, redirect, o.State), nil
}

// ExchangeCode obtains tokens with an authorisation code and stores them in
// the credential's token file.
func ExchangeCode(ctx context.Context, job *Job, o AuthOptions, log *slog.Logger) (Authorised, error) {
	i, err := job.Gateway.credentialAt(o.Credential)
	if err != nil {
		return Authorised{}, err
	}
	if o.Code == "" {
		return Authorised{}, fmt.Errorf("a code is needed: the page of offerlake auth url sends the browser to the redirect address with ?code=... (%w)", ErrUsage)
	}
	c := job.Gateway.Credentials[i]
	if c.RedirectURI, err = c.redirect(o); err != nil {
		return Authorised{}, err
	}
	c.Code = o.Code
	return job.Gateway.authorise(ctx, i, c, extract.ByCode, log)
}

// RefreshTokens renews access tokens with the stored refresh tokens, or with
// Postpone the refresh tokens themselves. What was done before an error is
// returned with it.
func RefreshTokens(ctx context.Context, job *Job, o AuthOptions, log *slog.Logger) ([]Authorised, error) {
	by := extract.ByRefresh
	if o.Postpone {
		by = extract.Postpone
	}
	if o.Credential > 0 || len(job.Gateway.Credentials) == 1 {
		i, err := job.Gateway.credentialAt(o.Credential)
		if err != nil {
			return nil, err
		}
		a, err := job.Gateway.authorise(ctx, i, job.Gateway.Credentials[i], by, log)
		if err != nil {
			return nil, err
		}
		return []Authorised{a}, nil
	}
	var all []Authorised
	for i, c := range job.Gateway.Credentials {
		if c.TokenFile == "" {
			continue
		}
		a, err := job.Gateway.authorise(ctx, i, c, by, log)
		if err != nil {
			return all, err
		}
		all = append(all, a)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("no credential has a token_file (%w)", ErrUsage)
	}
	return all, nil
}

// credentialAt returns the index of the nth credential, from 1; 0 stands for
// the only one.
func (g *Gateway) credentialAt(n int) (int, error) {
	have := len(g.Credentials)
	switch {
	case g.Kind != "openplatform" && g.Kind != "bearer":
		return 0, fmt.Errorf("gateway.kind %s has no access tokens; openplatform and bearer have (%w)", g.Kind, ErrUsage)
	case n < 0 || n > have:
		return 0, fmt.Errorf("--credential %d: the job has %d (%w)", n, have, ErrUsage)
	case n == 0 && have > 1:
		return 0, fmt.Errorf("the job has %d credentials; choose one with --credential 1 to %d (%w)", have, have, ErrUsage)
	}
	return max(n-1, 0), nil
}

// redirect returns the redirect address of an authorisation.
func (c Credential) redirect(o AuthOptions) (string, error) {
	if c.RedirectURI != "" && o.RedirectURI == "" {
		return c.RedirectURI, nil
	}
	if o.RedirectURI == "" {
		return "", fmt.Errorf("--redirect-uri is needed: the address that is registered with the app (%w)", ErrUsage)
	}
	return o.RedirectURI, nil
}

// authorise obtains a token for c, the ith credential.
func (g *Gateway) authorise(ctx context.Context, i int, c Credential, by extract.Grant, log *slog.Logger) (Authorised, error) {
	name := fmt.Sprintf("#%d", i+1)
	if c.TokenFile == "" {
		return Authorised{}, fmt.Errorf("credential %s has no token_file to store its tokens in. Add one, such as token_file: tokens/app.json (%w)", name, ErrUsage)
	}
	d, err := newDialect(g)
	if err != nil {
		return Authorised{}, err
	}
	cred := c.credential()
	cred.Tokens = tokenFile{c.TokenFile}
	if err := g.checkProxies(); err != nil {
		return Authorised{}, err
	}
	roots, err := g.roots()
	if err != nil {
		return Authorised{}, err
	}
	client, err := extract.NewClient(d, noJournal{}, extract.Options{
		RootCAs: roots, Gateway: g.Kind, Endpoints: g.urls(), Credentials: []extract.Credential{cred},
		AttemptTimeout: time.Duration(g.Timeout), MaxAttempts: g.Attempts, Logger: log,
	})
	if err != nil {
		return Authorised{}, err
	}
	defer client.Close()
	t, err := client.Authorise(ctx, 0, by)
	if err != nil {
		return Authorised{}, fmt.Errorf("credential %s: %w", name, err)
	}
	return Authorised{Credential: name, Stored: c.TokenFile, Expires: t.Expires, RefreshExpires: t.RefreshExpires}, nil
}

// Print writes a for a person.
func (a Authorised) Print(w io.Writer) {
	s := "credential " + a.Credential + ": stored in " + a.Stored
	var until []string
	for _, t := range []struct {
		name    string
		expires time.Time
	}{{"access token", a.Expires}, {"refresh token", a.RefreshExpires}} {
		if !t.expires.IsZero() {
			until = append(until, t.name+" valid until "+t.expires.In(catalog.GatewayZone).Format("2006-01-02 15:04 MST"))
		}
	}
	if len(until) == 0 {
		until = []string{"the gateway does not say how long it is valid"}
	}
	fmt.Fprintf(w, "%s; %s\n", s, strings.Join(until, ", "))
}

// noJournal is for clients that only obtain tokens, which are never journaled.
type noJournal struct{}

func (noJournal) Records(string) ([]catalog.Record, error) { return nil, nil }
func (noJournal) Append(catalog.Record) error              { return fmt.Errorf("there is no journal") }
func (noJournal) Ref(string) string                        { return "" }
