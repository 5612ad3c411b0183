package jobs

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
)

// kindJob is a job of a kind with credentials and further settings of gateway.
func kindJob(kind, credentials string, settings ...string) string {
	return "name: t\ngateway:\n  kind: " + kind + "\n  credentials: " + credentials + "\n  " + strings.Join(settings, "\n  ") +
		"\nsources: [{offers: {ids: [7]}}]\noutput: [{url: out, format: csv}]\n"
}

// TestKindCredentials: each kind takes what it needs, says what is missing,
// and refuses what it would ignore.
func TestKindCredentials(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, credentials, want string }{
		{"onebound", "{key: k, secret: s}", ""},
		{"onebound", "{key: k}", "secret is missing"},
		{"onebound", "{key: k, secret: s, token_file: t.json}", "kind onebound has no use for token_file"},
		{"openplatform", "{app_key: k, app_secret: s, refresh_token: r}", ""},
		{"openplatform", "{app_key: k, app_secret: s, token_file: t.json, redirect_uri: \"https://x.example\"}", ""},
		{"openplatform", "{app_key: k, app_secret: s}", "access_token, refresh_token or token_file is missing"},
		{"openplatform", "{key: k, secret: s, access_token: a}", "app_key is missing"},
		{"param2", "{app_key: k, app_secret: s}", ""},
		{"param2", "{app_key: k, app_secret: s, access_token: a}", "kind param2 has no use for access_token"},
		{"bearer", "{access_token: a}", ""},
		{"bearer", "{token_file: t.json}", ""},
		{"bearer", "{app_key: k, app_secret: s, code: c, redirect_uri: \"https://x.example\"}", ""},
		{"bearer", "{app_key: k, app_secret: s}", "or code with redirect_uri, is missing"},
		{"router", "{app_key: k, app_secret: s}", ""},
		{"router", "{app_key: k}", "app_secret is missing"},
		{"portals", "{app_key: k, app_secret: s}", ""},
		{"portals", "[{app_key: k, app_secret: s}, {app_key: k}]", "credentials[1]: app_secret is missing"},
		{"portals", "{app_key: k, app_secret: s, per_second: -1}", "credentials.per_second: must be 0"},
		{"portals", "{app_key: k, app_secret: s, per_day: -1}", "credentials.per_day: must not be negative"},
		{"sandbox", "{key: k}", "kind sandbox needs none"},
	} {
		_, err := Parse("t.yaml", []byte(kindJob(tt.kind, tt.credentials)), LoadOptions{Getenv: env()})
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s with %s: %v, want %q", tt.kind, tt.credentials, err, tt.want)
		}
	}
}

// TestOwnLimits: a credential's own limits take the place of the job's, and an
// explicit zero is no limit.
func TestOwnLimits(t *testing.T) {
	t.Parallel()
	job, err := Parse("t.yaml", []byte(kindJob("router",
		"[{app_key: a, app_secret: s}, {app_key: b, app_secret: s, per_second: 2.5, per_day: 100}, {app_key: c, app_secret: s, per_second: 0, per_day: 0}]",
		"limits: {per_day: 50}")), LoadOptions{Getenv: env()})
	if err != nil {
		t.Fatal(err)
	}
	want := []extract.Credential{
		{Key: "a", Secret: "s"},
		{Key: "b", Secret: "s", PerSecond: 2.5, PerDay: 100},
		{Key: "c", Secret: "s", PerSecond: extract.Unlimited, PerDay: math.MaxInt64},
	}
	if diff := cmp.Diff(want, job.Gateway.credentials()); diff != "" {
		t.Errorf("credentials differ (-want +got):\n%s", diff)
	}
}

// TestKinds: every kind of the schema has a dialect and default endpoints, and
// speaks names all of them.
func TestKinds(t *testing.T) {
	t.Parallel()
	schema, err := Schema()
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range kinds() {
		if _, err := k.dialect(new(Gateway)); err != nil || len(k.endpoints) == 0 {
			t.Errorf("kind %s: %v, endpoints %v", name, err, k.endpoints)
		}
		if n := strings.Count(string(schema), `"`+name+`"`); n < 2 {
			t.Errorf("kind %s is in the schema %d times, want as kind and as speaks", name, n)
		}
	}
}
