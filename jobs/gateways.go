package jobs

import (
	"fmt"
	"time"

	"offerlake/extract"
	"offerlake/extract/bearer"
	"offerlake/extract/onebound"
	"offerlake/extract/openplatform"
	"offerlake/extract/sandbox"
)

// kind is what a job needs to know of a gateway kind: one row of the table
// that is the only place to add a dialect to.
type kind struct {
	endpoints []string // default base URLs, in failover order
	check     func(p *parsing, g *Gateway)
	dialect   func(g *Gateway) (extract.Dialect, error)
}

// kinds returns the table of gateway kinds.
func kinds() map[string]kind {
	return map[string]kind{
		"onebound": {
			endpoints: []string{"https://api-gw.onebound.cn"},
			check: func(p *parsing, g *Gateway) {
				p.eachCredential(g, func(c Credential, at string) {
					p.needs(at, "key", c.Key)
					p.needs(at, "secret", c.Secret)
				})
				p.onlyFor(g, "onebound")
			},
			dialect: func(g *Gateway) (extract.Dialect, error) {
				return onebound.New(onebound.Options{Language: g.Language})
			},
		},
		"openplatform": {
			endpoints: []string{"https://gw.open.1688.com"},
			check: func(p *parsing, g *Gateway) {
				p.eachCredential(g, func(c Credential, at string) {
					p.needs(at, "app_key", c.AppKey)
					p.needs(at, "app_secret", c.AppSecret)
					p.needs(at, "access_token or refresh_token", c.AccessToken+c.RefreshToken)
				})
				p.onlyFor(g, "openplatform")
			},
			dialect: func(g *Gateway) (extract.Dialect, error) {
				return openplatform.New(openplatform.Options{Language: g.Language, Detail: openplatform.Detail(g.Detail)})
			},
		},
		"bearer": {
			endpoints: []string{"https://gw.open.1688.com"},
			check: func(p *parsing, g *Gateway) {
				p.eachCredential(g, func(c Credential, at string) {
					if c.AccessToken == "" {
						p.needs(at, "app_key", c.AppKey)
						p.needs(at, "app_secret", c.AppSecret)
						p.needs(at, "access_token, or code with redirect_uri,", c.Code)
					}
				})
				p.onlyFor(g, "bearer")
			},
			dialect: func(*Gateway) (extract.Dialect, error) { return bearer.New(bearer.Options{}) },
		},
		"sandbox": {
			check: func(p *parsing, g *Gateway) {
				if len(g.Credentials) > 0 {
					p.wrong("gateway.credentials", "kind sandbox needs none", "Remove them.")
				}
				if len(g.Endpoints) > 0 {
					p.wrong("gateway.endpoints", "kind sandbox starts its own gateway", "To use a running one, set kind to the dialect and endpoints to its address.")
				}
				spoken := *g
				spoken.Kind = g.Sandbox.Speaks
				p.onlyFor(&spoken, spoken.Kind)
			},
			dialect: func(g *Gateway) (extract.Dialect, error) {
				spoken := *g
				spoken.Kind = g.Sandbox.Speaks
				return newDialect(&spoken)
			},
		},
	}
}

// newDialect returns the dialect that a gateway is spoken to in.
func newDialect(g *Gateway) (extract.Dialect, error) {
	k, ok := kinds()[g.Kind]
	if !ok {
		return nil, fmt.Errorf("gateway.kind %q is unknown", g.Kind)
	}
	return k.dialect(g)
}

func (p *parsing) eachCredential(g *Gateway, check func(c Credential, at string)) {
	if len(g.Credentials) == 0 {
		p.wrong("gateway.credentials", "is required for kind "+g.Kind, "See docs/gateways.md for what each kind needs and where to get it.")
	}
	for i, c := range g.Credentials {
		at := "gateway.credentials"
		if len(g.Credentials) > 1 {
			at = fmt.Sprintf("%s[%d]", at, i)
		}
		check(c, at)
	}
}

func (p *parsing) needs(at, field, value string) {
	if value == "" {
		p.wrong(at, field+" is missing", "Take it from the environment, such as secret: ${GATEWAY_SECRET}.")
	}
}

// onlyFor refuses the settings that the kind would ignore.
func (p *parsing) onlyFor(g *Gateway, kind string) {
	if g.Language != "" && kind == "bearer" {
		p.wrong("gateway.language", "kind bearer offers no translation", "Remove it.")
	}
	if g.Detail != "queryProductDetail" && kind != "openplatform" {
		p.wrong("gateway.detail", "is only for kind openplatform", "Remove it.")
	}
}

// credential maps a job's credential to the client's: what the reseller calls
// key and secret, the platform calls app_key and app_secret.
func (c Credential) credential() extract.Credential {
	return extract.Credential{
		Key: c.Key + c.AppKey, Secret: c.Secret + c.AppSecret,
		AccessToken: c.AccessToken, RefreshToken: c.RefreshToken,
		Code: c.Code, RedirectURI: c.RedirectURI,
	}
}

// credentials returns what a gateway is spoken to with.
func (g *Gateway) credentials() []extract.Credential {
	if g.Kind == "sandbox" {
		return []extract.Credential{sandbox.Credentials()}
	}
	all := make([]extract.Credential, len(g.Credentials))
	for i, c := range g.Credentials {
		all[i] = c.credential()
	}
	return all
}

// gateway is a reachable gateway: where it is, who is asking, and the clock of
// the world that it shows.
type gateway struct {
	dialect     extract.Dialect
	endpoints   []string
	credentials []extract.Credential
	now         func() time.Time
	close       func() error
}

// maxSandboxOffers is the largest catalogue that the emulator can have.
const maxSandboxOffers = sandbox.MaxOffers

// openGateway makes a job's gateway reachable; for kind sandbox it starts the
// emulator on a loopback port. For the client the emulated world stands still
// at noon of the run's date, gateway time, so that a run of it gives the same
// files on every machine and however often it was interrupted; the emulator's
// own limits need a clock that moves.
func openGateway(g *Gateway, date time.Time) (*gateway, error) {
	d, err := newDialect(g)
	if err != nil {
		return nil, err
	}
	gw := &gateway{
		dialect: d, endpoints: g.Endpoints, credentials: g.credentials(),
		now: time.Now, close: func() error { return nil },
	}
	if len(gw.endpoints) == 0 {
		gw.endpoints = kinds()[g.Kind].endpoints
	}
	if g.Kind != "sandbox" {
		return gw, nil
	}
	noon, begun := date.Add(12*time.Hour), time.Now()
	gw.now = func() time.Time { return noon }
	profile, err := sandbox.ParseProfile(g.Sandbox.Profile)
	if err != nil {
		return nil, err
	}
	server, err := sandbox.New(sandbox.Options{
		Offers: g.Sandbox.Offers, Seed: g.Sandbox.Seed, Profile: profile,
		PerSecond: g.Sandbox.PerSecond, PerDay: g.Sandbox.PerDay,
		Now: func() time.Time { return noon.Add(time.Since(begun)) },
	})
	if err != nil {
		return nil, err
	}
	l, err := sandbox.Listen("127.0.0.1:0", server)
	if err != nil {
		return nil, fmt.Errorf("sandbox: %w", err)
	}
	gw.endpoints, gw.close = []string{l.URL()}, l.Close
	return gw, nil
}
