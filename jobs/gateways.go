package jobs

import (
	"crypto/x509"
	"fmt"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/extract/bearer"
	"offerlake/extract/onebound"
	"offerlake/extract/openplatform"
	"offerlake/extract/param2"
	"offerlake/extract/portals"
	"offerlake/extract/router"
	"offerlake/extract/sandbox"
)

// kind is what a job needs to know of a gateway kind: one row of the table
// that is the only place to add a dialect to.
type kind struct {
	endpoints []string                    // default base URLs, in failover order
	takes     []string                    // fields of its credentials
	needs     func(c Credential) []string // what a credential lacks
	reads     []string                    // settings of its own, see ownSettings
	formats   []string                    // what its answers can be asked for in, besides json
	dialect   func(g *Gateway) (extract.Dialect, error)
}

// kinds returns the table of gateway kinds that are reached over the network;
// sandbox speaks one of them.
func kinds() map[string]kind {
	return map[string]kind{
		"onebound": {
			endpoints: []string{
				"https://api-gw.onebound.cn", // the others are its mirrors (wire.md 4.1)
				"https://api-1.onebound.cn", "https://api-2.onebound.cn", "https://api-3.onebound.cn", "https://api-4.onebound.cn",
			},
			takes:   []string{"key", "secret"},
			needs:   lacking("key", "secret"),
			reads:   []string{"language", "cache", "version", "agent", "sign"},
			formats: []string{"jsonu", "xml"},
			dialect: func(g *Gateway) (extract.Dialect, error) {
				return onebound.New(onebound.Options{
					Language: g.Language, Format: g.Format, NoCache: g.Cache != nil && !*g.Cache,
					Version: g.Version, Sales: g.Sales, Agent: g.Agent, Sign: g.Sign,
				})
			},
		},
		"openplatform": {
			endpoints: []string{"https://gw.open.1688.com"},
			takes:     []string{"app_key", "app_secret", "access_token", "refresh_token", "redirect_uri", "token_file"},
			needs: func(c Credential) []string {
				names := lacking("app_key", "app_secret")(c)
				if c.AccessToken+c.RefreshToken+c.TokenFile == "" {
					names = append(names, "access_token, refresh_token or token_file")
				}
				return names
			},
			reads:   []string{"language", "detail"},
			formats: []string{"xml"},
			dialect: func(g *Gateway) (extract.Dialect, error) {
				return openplatform.New(openplatform.Options{Language: g.Language, Detail: openplatform.Detail(g.Detail), Format: g.Format})
			},
		},
		"param2": {
			endpoints: []string{"https://gw.open.1688.com"},
			takes:     []string{"app_key", "app_secret"},
			needs:     lacking("app_key", "app_secret"),
			dialect:   func(*Gateway) (extract.Dialect, error) { return param2.New(param2.Options{}) },
		},
		"bearer": {
			endpoints: []string{"https://gw.open.1688.com"},
			takes:     []string{"app_key", "app_secret", "access_token", "code", "redirect_uri", "token_file"},
			needs: func(c Credential) []string {
				if c.AccessToken+c.TokenFile != "" {
					return nil
				}
				names := lacking("app_key", "app_secret")(c)
				if c.Code == "" {
					names = append(names, "access_token, token_file, or code with redirect_uri,")
				}
				return names
			},
			dialect: func(*Gateway) (extract.Dialect, error) { return bearer.New(bearer.Options{}) },
		},
		"router": {
			endpoints: []string{"https://gw.api.1688.com"},
			takes:     []string{"app_key", "app_secret"},
			needs:     lacking("app_key", "app_secret"),
			dialect:   func(*Gateway) (extract.Dialect, error) { return router.New(router.Options{}) },
		},
		"portals": {
			endpoints: []string{"https://open.1688.com"},
			takes:     []string{"app_key", "app_secret"},
			needs:     lacking("app_key", "app_secret"),
			dialect:   func(*Gateway) (extract.Dialect, error) { return portals.New(portals.Options{}) },
		},
	}
}

// spoken returns the kind that a gateway is spoken to as.
func (g *Gateway) spoken() string {
	if g.Kind == "sandbox" {
		return g.Sandbox.Speaks
	}
	return g.Kind
}

// newDialect returns the dialect that a gateway is spoken to in.
func newDialect(g *Gateway) (extract.Dialect, error) {
	k, ok := kinds()[g.spoken()]
	if !ok {
		return nil, fmt.Errorf("gateway.kind %q is unknown", g.spoken())
	}
	return k.dialect(g)
}

// noKindCan is what kindsThat says of a power that no dialect has.
const noKindCan = "No kind can."

// kindsThat returns the kinds whose dialects have a power, for messages about
// one that has not.
func kindsThat(can func(d extract.Dialect) bool) string {
	var names []string
	for name, k := range kinds() {
		if d, err := k.dialect(&Gateway{Sales: true}); err == nil && can(d) {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return noKindCan
	}
	slices.Sort(names)
	return "Kinds that can: " + strings.Join(names, ", ") + "."
}

// checkKind checks what depends on the kind of a gateway.
func (p *parsing) checkKind(g *Gateway) {
	k, ok := kinds()[g.spoken()]
	if !ok {
		return // reported as a value that kind or speaks does not have
	}
	if g.Kind == "sandbox" {
		if len(g.Credentials) > 0 {
			p.wrong("gateway.credentials", "kind sandbox needs none", "Remove them.")
		}
		if len(g.Endpoints) > 0 {
			p.wrong("gateway.endpoints", "kind sandbox starts its own gateway", "To use a running one, set kind to the dialect and endpoints to its address.")
		}
	} else {
		p.checkCredentials(g, k)
	}
	p.checkSettings(g, k)
	p.checkFormat(g, k)
}

func (p *parsing) checkCredentials(g *Gateway, k kind) {
	if len(g.Credentials) == 0 {
		p.wrong("gateway.credentials", "is required for kind "+g.Kind, "See docs/gateways.md for what each kind needs and where to get it.")
	}
	for i, c := range g.Credentials {
		at := "gateway.credentials"
		if len(g.Credentials) > 1 {
			at = fmt.Sprintf("%s[%d]", at, i)
		}
		for _, name := range k.needs(c) {
			p.wrong(at, name+" is missing", "Take it from the environment, such as secret: ${GATEWAY_SECRET}.")
		}
		for _, name := range c.secrets() {
			if !slices.Contains(k.takes, name) {
				p.wrong(at, fmt.Sprintf("kind %s has no use for %s", g.Kind, name), "Remove it; its credentials are "+strings.Join(k.takes, ", ")+".")
			}
		}
		p.checkOwnLimits(c, at)
	}
}

func (p *parsing) checkOwnLimits(c Credential, at string) {
	if c.PerSecond != nil && !validRate(*c.PerSecond) {
		p.wrong(at+".per_second", "must be 0 (no limit) or between 0.01 and 10000", "")
	}
	if c.PerDay != nil && *c.PerDay < 0 {
		p.wrong(at+".per_day", "must not be negative", "")
	}
}

// lacking returns a function that names those of some fields of a credential
// that are empty.
func lacking(names ...string) func(Credential) []string {
	return func(c Credential) []string {
		have := c.secrets()
		return slices.DeleteFunc(slices.Clone(names), func(n string) bool { return slices.Contains(have, n) })
	}
}

// secrets returns the names of the text fields of c that have a value.
func (c Credential) secrets() []string {
	var names []string
	v := reflect.ValueOf(c)
	for _, f := range fieldsOf(v.Type()) {
		if field := v.FieldByIndex(f.Index); field.Kind() == reflect.String && field.String() != "" {
			names = append(names, yamlName(f))
		}
	}
	return names
}

// ownSettings returns the settings of a gateway that only some kinds read and
// that the job has set.
func (g *Gateway) ownSettings() []string {
	var names []string
	for _, s := range []struct {
		name string
		set  bool
	}{
		{"language", g.Language != ""},
		{"detail", g.Detail != "queryProductDetail"},
		{"cache", g.Cache != nil},
		{"version", g.Version != ""},
		{"agent", g.Agent},
		{"sign", g.Sign},
	} {
		if s.set {
			names = append(names, s.name)
		}
	}
	return names
}

// checkSettings refuses the settings that the kind would ignore.
func (p *parsing) checkSettings(g *Gateway, k kind) {
	for _, name := range g.ownSettings() {
		if !slices.Contains(k.reads, name) {
			p.wrong("gateway."+name, fmt.Sprintf("kind %s has no such setting", g.spoken()), "Remove it; it is for kind "+kindsWith(name)+".")
		}
	}
}

// kindsWith names the kinds that read a setting.
func kindsWith(setting string) string {
	var names []string
	for name, k := range kinds() {
		if slices.Contains(k.reads, setting) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return strings.Join(names, ", ")
}

func (p *parsing) checkFormat(g *Gateway, k kind) {
	formats := append([]string{"json"}, k.formats...)
	switch {
	case g.Format == "" || slices.Contains(formats, g.Format):
	case g.Format == "serialize" || g.Format == "var_export":
		p.wrong("gateway.format", g.Format+" is PHP's own notation, which offerlake does not read", "Use json, which carries the same data.")
	default:
		p.wrong("gateway.format", fmt.Sprintf("%q is not a format of kind %s", g.Format, g.spoken()), "Valid: "+strings.Join(formats, ", ")+".")
	}
}

// credential maps a job's credential to the client's: what the reseller calls
// key and secret, the platform calls app_key and app_secret.
func (c Credential) credential() extract.Credential {
	return extract.Credential{
		Key: c.Key + c.AppKey, Secret: c.Secret + c.AppSecret,
		AccessToken: c.AccessToken, RefreshToken: c.RefreshToken,
		Code: c.Code, RedirectURI: c.RedirectURI,
		PerSecond: c.perSecond(),
	}
}

// perSecond is the client's PerSecond of c, where 0 stands for that of the job.
func (c Credential) perSecond() float64 {
	switch {
	case c.PerSecond == nil:
		return 0
	case *c.PerSecond == 0:
		return extract.Unlimited
	}
	return *c.PerSecond
}

// perDay is the client's PerDay of c, where 0 stands for that of the job.
func (c Credential) perDay(ofJob int64) int64 {
	switch {
	case c.PerDay == nil:
		return 0
	case *c.PerDay == 0 && ofJob > 0:
		return math.MaxInt64
	}
	return *c.PerDay
}

// urls returns the gateway's base URLs in failover order.
func (g *Gateway) urls() []string {
	if len(g.Endpoints) > 0 {
		return g.Endpoints
	}
	return kinds()[g.Kind].endpoints
}

// credentials returns what a gateway is spoken to with, see also withTokens.
func (g *Gateway) credentials() []extract.Credential {
	if g.Kind == "sandbox" {
		return []extract.Credential{sandbox.Credentials()}
	}
	all := make([]extract.Credential, len(g.Credentials))
	for i, c := range g.Credentials {
		all[i] = c.credential()
		all[i].PerDay = c.perDay(g.Limits.PerDay)
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
	roots       *x509.CertPool // nil = the system's
}

// roots returns the authorities that certificates are verified with, nil for
// the system's alone.
func (g *Gateway) roots() (*x509.CertPool, error) {
	if g.CAFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(g.CAFile)
	if err != nil {
		return nil, fmt.Errorf("gateway.ca_file: %w (%w)", err, ErrUsage)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // there are none on this system
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("gateway.ca_file %s holds no certificate in PEM form (%w)", g.CAFile, ErrUsage)
	}
	return pool, nil
}

// checkProxies refuses a proxy that would be passed over in silence. The embedded
// emulator is not reached by one.
func (g *Gateway) checkProxies() error {
	if g.Kind == "sandbox" {
		return nil
	}
	if err := extract.CheckProxies(os.Getenv); err != nil {
		return fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	return nil
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
		dialect: d, endpoints: g.urls(), now: time.Now,
	}
	if err := g.checkProxies(); err != nil {
		return nil, err
	}
	if gw.roots, err = g.roots(); err != nil {
		return nil, err
	}
	if gw.credentials, err = g.withTokens(); err != nil {
		return nil, err
	}
	if gw.close, err = g.withLedgers(gw.credentials); err != nil {
		return nil, err
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
	drift, err := sandbox.ParseDrift(g.Sandbox.Drift)
	if err != nil {
		return nil, err
	}
	server, err := sandbox.New(sandbox.Options{
		Drift:  drift,
		Offers: g.Sandbox.Offers, Seed: g.Sandbox.Seed, Profile: profile,
		Night: g.Sandbox.Night, Changed: float64(g.Sandbox.Changed),
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
