package cli

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// tokens is what a token file holds.
type tokens struct {
	Access         string    `json:"access_token"`
	Refresh        string    `json:"refresh_token"`
	Expires        time.Time `json:"expires"`
	RefreshExpires time.Time `json:"refresh_expires"`
}

// readTokens reads a token file, which only its owner may read.
func readTokens(t *testing.T, path string) tokens {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("%s has mode %04o, want 0600", path, mode)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var got tokens
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	return got
}

// noSecrets fails when a result shows one of some texts.
func noSecrets(t *testing.T, r result, secrets ...string) {
	t.Helper()
	for _, s := range secrets {
		if s != "" && strings.Contains(r.stdout+r.stderr, s) {
			t.Errorf("%q is in the output:\n%s%s", s, r.stdout, r.stderr)
		}
	}
}

// TestAuth: from the page to authorise on, by way of a code, to a run and a
// renewal.
func TestAuth(t *testing.T) {
	t.Parallel()
	m := sandbox.Member(0)
	for _, kind := range []string{"openplatform", "bearer"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			_, gateway := serveSandbox(t, sandbox.Options{Offers: 50})
			job := writeJob(t, overGateways(kind, []string{gateway},
				fmt.Sprintf(`{app_key: "%s", app_secret: "%s", token_file: tokens/app.json}`, m.Key, m.Secret), t.TempDir()))
			file := filepath.Join(filepath.Dir(job), "tokens", "app.json")

			r := runCLI(t, "run", job, "--progress", "none")
			if r.code != 2 || !strings.Contains(r.stderr, "offerlake auth exchange") {
				t.Errorf("run before there is a token: exit code %d, want 2 and what to do\n%s", r.code, r.stderr)
			}

			r = mustRun(t, "auth", "url", job, "--redirect-uri", m.RedirectURI, "--state", "s1")
			page, err := url.Parse(strings.TrimSpace(r.stdout))
			if err != nil {
				t.Fatal(err)
			}
			q := page.Query()
			if page.Scheme != "https" || q.Get("client_id") != m.Key || q.Get("redirect_uri") != m.RedirectURI || q.Get("state") != "s1" {
				t.Errorf("page = %s", page)
			}
			noSecrets(t, r, m.Secret)

			r = runCLI(t, "auth", "exchange", job, "--redirect-uri", m.RedirectURI, "--code", "wrong-code")
			if r.code != 1 || !strings.Contains(r.stderr, "credential #1") {
				t.Errorf("exchange of a wrong code: exit code %d, want 1\n%s", r.code, r.stderr)
			}
			noSecrets(t, r, m.Secret, "wrong-code")
			if _, err := os.Stat(file); err == nil {
				t.Error("a refused code has left a token file")
			}

			r = mustRun(t, "auth", "exchange", job, "--redirect-uri", m.RedirectURI, "--code", m.Code)
			first := readTokens(t, file)
			noSecrets(t, r, m.Secret, m.Code, first.Access, first.Refresh)
			if !strings.Contains(r.stdout, "stored in "+file) || !strings.Contains(r.stdout, "access token valid until "+first.Expires.In(time.FixedZone("", 8*3600)).Format("2006-01-02 15:04")) {
				t.Errorf("exchange printed %q, want where the token is and until when it is valid", r.stdout)
			}
			mustRun(t, "run", job, "--progress", "none")

			r = runCLI(t, "auth", "refresh", job, "--json")
			if kind == "bearer" {
				if r.code != 1 || !strings.Contains(r.stderr, "no refresh token") || !strings.Contains(r.stderr, "offerlake auth exchange") || readTokens(t, file) != first {
					t.Errorf("refresh of a token that cannot be: exit code %d, want 1\n%s", r.code, r.stderr)
				}
				return
			}
			var all []jobs.Authorised
			if err := json.Unmarshal([]byte(r.stdout), &all); err != nil || len(all) != 1 || all[0].Stored != file || all[0].Expires.IsZero() {
				t.Errorf("refresh printed %q, %v\n%s", r.stdout, err, r.stderr)
			}
			second := readTokens(t, file)
			noSecrets(t, r, second.Access, second.Refresh)
			if second.Access == first.Access || second.Refresh != first.Refresh || !second.RefreshExpires.Equal(first.RefreshExpires) {
				t.Errorf("refresh: %+v, want another access token than in %+v and the rest as it was", second, first)
			}

			r = mustRun(t, "auth", "refresh", job, "--postpone")
			third := readTokens(t, file)
			noSecrets(t, r, third.Access, third.Refresh)
			if third.Refresh == second.Refresh || third.Access != second.Access || !third.Expires.Equal(second.Expires) {
				t.Errorf("postpone: %+v, want another refresh token than in %+v and the rest as it was", third, second)
			}
			if !strings.Contains(r.stdout, "refresh token valid until ") {
				t.Errorf("postpone printed %q", r.stdout)
			}
			mustRun(t, "auth", "refresh", job)
			if got := readTokens(t, file); got.Refresh != third.Refresh || got.Access == third.Access {
				t.Errorf("refresh after postpone: %+v, want another access token than in %+v", got, third)
			}
		})
	}
}

// TestAuthFaults: what is missing is said before anything is sent.
func TestAuthFaults(t *testing.T) {
	t.Parallel()
	m := sandbox.Member(0)
	server, gateway := serveSandbox(t, sandbox.Options{Offers: 50})
	withFile := fmt.Sprintf(`{app_key: "%s", app_secret: "%s", token_file: app.json}`, m.Key, m.Secret)
	without := fmt.Sprintf(`{app_key: "%s", app_secret: "%s", access_token: given-marker}`, m.Key, m.Secret)
	another := fmt.Sprintf(`{app_key: "%s", app_secret: "%s", token_file: other.json}`, sandbox.Member(1).Key, sandbox.Member(1).Secret)
	exchange := []string{"auth", "exchange", "JOB", "--code", "c", "--redirect-uri", "http://127.0.0.1/cb"}
	tests := []struct {
		name, kind, credentials string
		args                    []string
		want                    string
	}{
		{"no redirect address", "openplatform", withFile, []string{"auth", "url", "JOB"}, "--redirect-uri is needed"},
		{"no code", "openplatform", withFile, []string{"auth", "exchange", "JOB", "--redirect-uri", "http://127.0.0.1/cb"}, "a code is needed"},
		{"no token file", "openplatform", without, exchange, "has no token_file"},
		{"no token file to refresh", "openplatform", without, []string{"auth", "refresh", "JOB"}, "has no token_file"},
		{"which credential", "openplatform", "[" + withFile + ", " + another + "]", exchange, "--credential 1 to 2"},
		{"no such credential", "openplatform", withFile, append(exchange, "--credential", "2"), "the job has 1"},
		{"a kind without tokens", "onebound", fmt.Sprintf(`{key: "%s", secret: "%s"}`, m.Key, m.Secret), exchange, "has no access tokens"},
		{"wide permissions", "openplatform", withFile, exchange, "chmod 600"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			job := writeJob(t, overGateways(tt.kind, []string{gateway}, tt.credentials, t.TempDir()))
			if tt.name == "wide permissions" {
				if err := os.WriteFile(filepath.Join(filepath.Dir(job), "app.json"), []byte(`{"access_token": "given-marker"}`), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			args := strings.Split(strings.ReplaceAll(strings.Join(tt.args, "\n"), "JOB", job), "\n")
			r := runCLI(t, args...)
			if r.code != 2 || !strings.Contains(r.stderr, tt.want) {
				t.Errorf("exit code %d, want 2 and %q\n%s", r.code, tt.want, r.stderr)
			}
			noSecrets(t, r, m.Secret, "given-marker")
		})
	}
	t.Cleanup(func() {
		if got := server.Stats().Calls; got != 0 {
			t.Errorf("the gateway saw %d calls, want none", got)
		}
	})
}
