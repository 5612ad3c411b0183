package cli

import (
	"fmt"
	"maps"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/sandbox"
	"offerlake/jobs"
)

// serveSandbox is startSandbox for tests that ask what the gateway has seen.
func serveSandbox(t *testing.T, opts sandbox.Options) (*sandbox.Server, string) {
	t.Helper()
	s, err := sandbox.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	l, err := sandbox.Listen("127.0.0.1:0", s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return s, l.URL()
}

// overGateways is a job of 300 offers on gateways that listen somewhere.
func overGateways(kind string, endpoints []string, credentials, out string) string {
	return fmt.Sprintf(`name: t
gateway:
  kind: %s
  endpoints: ["%s"]
  credentials: %s
  limits: {per_second: 0, in_flight: 8}
sources:
  - search: {keywords: [保温杯, 玻璃杯]}
output:
  - {url: %s, format: parquet}
`, kind, strings.Join(endpoints, `", "`), credentials, out)
}

// closedPort returns the address of a gateway that is not there.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// rowsOf is a summary's rows without those that count attempts.
func rowsOf(s jobs.Summary) map[string]int64 {
	rows := maps.Clone(s.Rows)
	delete(rows, "calls")
	return rows
}

// keysOf writes the credentials of a job in YAML.
func keysOf(kind string, members ...extract.Credential) string {
	var all []string
	for _, m := range members {
		if kind == "onebound" {
			all = append(all, fmt.Sprintf(`{key: "%s", secret: "%s"}`, m.Key, m.Secret))
			continue
		}
		all = append(all, fmt.Sprintf(`{app_key: "%s", app_secret: "%s", access_token: "%s"}`, m.Key, m.Secret, m.AccessToken))
	}
	return "[" + strings.Join(all, ", ") + "]"
}

// TestRunWithADeadEndpointAndASpentKey: with one endpoint dead and one key out
// of quota a run still finishes, and says what it did without.
func TestRunWithADeadEndpointAndASpentKey(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"onebound", "openplatform"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			noon := time.Date(2026, 11, 22, 4, 0, 0, 0, time.UTC)
			_, url := serveSandbox(t, sandbox.Options{Offers: 300, PerDay: 60, Now: func() time.Time { return noon }})
			_, free := serveSandbox(t, sandbox.Options{Offers: 300})
			one, two, three := sandbox.Member(0), sandbox.Member(1), sandbox.Member(2)
			want := summaryOf(t, mustRun(t, "run", writeJob(t, overGateways(kind, []string{free}, keysOf(kind, one), t.TempDir())), "--progress", "none", "--json"))
			if want.Calls <= 60 || want.Calls > 120 {
				t.Fatalf("the job takes %d calls; the test wants more than one and less than two keys' worth", want.Calls)
			}

			// The first key alone is used up: exit code 4, and when the day changes.
			alone := runCLI(t, "run", writeJob(t, overGateways(kind, []string{url}, keysOf(kind, one), t.TempDir())), "--progress", "none")
			if alone.code != 4 || !strings.Contains(alone.stderr, "the gateway's day changes at") || !strings.Contains(alone.stdout, "rests until") {
				t.Fatalf("exit code %d, want 4 and when the day changes\n%s%s", alone.code, alone.stdout, alone.stderr)
			}

			job := writeJob(t, overGateways(kind, []string{closedPort(t), url}, keysOf(kind, one, two, three), t.TempDir()))
			r := runCLI(t, "run", job, "--progress", "none", "--json")
			got := summaryOf(t, r)
			if r.code != 0 || !got.Published {
				t.Fatalf("exit code %d\n%s", r.code, r.stderr)
			}
			if diff := cmp.Diff(rowsOf(want), rowsOf(got)); diff != "" {
				t.Errorf("rows (-undisturbed +disturbed):\n%s", diff)
			}
			if e := got.Endpoints; len(e) != 2 || e[0].Failures < 3 || e[0].Failures != e[0].Calls || e[1].Failures != 0 || e[0].State == extract.EndpointUp {
				t.Errorf("endpoints = %+v, want the first to be down", e)
			}
			c := got.Credentials
			if len(c) != 3 || c[0].RestsUntil.IsZero() || c[0].Calls > 20 || c[1].Calls+c[2].Calls < want.Calls || !c[1].RestsUntil.IsZero() || !c[2].RestsUntil.IsZero() {
				t.Errorf("credentials = %+v, want the first to rest and the others to share %d calls", c, want.Calls)
			}
			for _, secret := range []string{one.Key, one.Secret, two.Key, three.Key} {
				if strings.Contains(r.stdout+r.stderr, secret) {
					t.Errorf("a credential is in the output:\n%s%s", r.stdout, r.stderr)
				}
			}
			answeredOnce(t, filepath.Dir(filepath.Dir(got.Journal)))
		})
	}
}

// TestTokenExpiresDuringARun: an expired token costs one refresh and no row.
func TestTokenExpiresDuringARun(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64 // Now is asked once for each call and once by New
	begun := time.Now()
	server, url := serveSandbox(t, sandbox.Options{Offers: 300, Now: func() time.Time {
		now := begun.Add(time.Duration(calls.Add(1)) * time.Millisecond)
		if calls.Load() > 40 {
			now = now.Add(11 * time.Hour)
		}
		return now
	}})
	_, lasting := serveSandbox(t, sandbox.Options{Offers: 300})
	m := sandbox.Member(0)
	want := summaryOf(t, mustRun(t, "run", writeJob(t, overGateways("openplatform", []string{lasting}, keysOf("openplatform", m), t.TempDir())), "--progress", "none", "--json"))

	job := writeJob(t, overGateways("openplatform", []string{url},
		fmt.Sprintf(`{app_key: "%s", app_secret: "%s", access_token: "%s", refresh_token: "%s", token_file: app.json}`, m.Key, m.Secret, m.AccessToken, m.RefreshToken), t.TempDir()))
	r := mustRun(t, "run", job, "--progress", "none", "--json", "--verbose")
	got := summaryOf(t, r)
	if diff := cmp.Diff(rowsOf(want), rowsOf(got)); diff != "" {
		t.Errorf("rows (-undisturbed +disturbed):\n%s", diff)
	}
	if got := server.Stats().APIs["system.oauth2/getToken"]; got != 1 {
		t.Errorf("the gateway granted %d tokens, want 1 (%v)", got, server.Stats().APIs)
	}
	// The attempts under way met the old token, and the refresh is a call.
	if extra := got.Calls - want.Calls; extra < 2 || extra > 9 {
		t.Errorf("%d calls more than undisturbed, want those that were in flight and one", extra)
	}
	stored := readTokens(t, filepath.Join(filepath.Dir(job), "app.json"))
	if stored.Access == m.AccessToken || stored.Refresh != m.RefreshToken || stored.Expires.IsZero() {
		t.Errorf("stored = %+v, want the new token and the old refresh token", stored)
	}
	if strings.Contains(r.stdout+r.stderr, stored.Access) || strings.Contains(r.stdout+r.stderr, m.RefreshToken) {
		t.Errorf("a token is in the output:\n%s%s", r.stdout, r.stderr)
	}

	// The next run begins with what is stored: no refresh, whatever the job says.
	if err := os.WriteFile(job, []byte(overGateways("openplatform", []string{url},
		fmt.Sprintf(`{app_key: "%s", app_secret: "%s", token_file: app.json}`, m.Key, m.Secret), t.TempDir())), 0o644); err != nil {
		t.Fatal(err)
	}
	mustRun(t, "run", job, "--progress", "none", "--json")
	if got := server.Stats().APIs["system.oauth2/getToken"]; got != 1 {
		t.Errorf("after the second run %d tokens were granted, want 1", got)
	}
}
