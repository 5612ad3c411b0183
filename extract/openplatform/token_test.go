package openplatform

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract"
	"offerlake/extract/dialecttest"
	"offerlake/pipeline/catalog"
)

func TestAuthorizeURL(t *testing.T) {
	t.Parallel()
	got := AuthorizeURL("1000004", "https://me.test/cb?a=b", "s 1")
	const want = "https://auth.1688.com/oauth/authorize?client_id=1000004&redirect_uri=https%3A%2F%2Fme.test%2Fcb%3Fa%3Db&site=1688&state=s+1"
	if got != want {
		t.Errorf("AuthorizeURL = %s, want %s", got, want)
	}
}

func TestTokenRequest(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	base := extract.Credential{Key: "1000004", Secret: "s"}
	refresh, code := base, base
	refresh.RefreshToken, refresh.Code = "r1", "c1"
	code.Code, code.RedirectURI = "c1", "https://me.test/cb"
	byCode := url.Values{
		"grant_type": {"authorization_code"}, "need_refresh_token": {"true"}, "client_id": {"1000004"}, "client_secret": {"s"},
		"code": {"c1"}, "redirect_uri": {"https://me.test/cb"},
	}
	request := func(c extract.Credential) (*http.Request, error) {
		return d.TokenRequest(context.Background(), "https://gw.test", c, now)
	}
	exchange := func(c extract.Credential) (*http.Request, error) {
		return ExchangeRequest(context.Background(), "https://gw.test", c)
	}
	cases := []struct {
		name  string
		build func(extract.Credential) (*http.Request, error)
		cred  extract.Credential
		want  url.Values
	}{
		{"refresh", request, refresh, url.Values{
			"grant_type": {"refresh_token"}, "client_id": {"1000004"}, "client_secret": {"s"}, "refresh_token": {"r1"},
		}},
		{"code", request, code, byCode},
		{"exchange", exchange, code, byCode},
	}
	for _, c := range cases {
		req, err := c.build(c.cred)
		if diff := cmp.Diff(c.want, form(t, req, err)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, diff)
		}
		const address = "https://gw.test/openapi/http/1/system.oauth2/getToken/1000004"
		if got := req.URL.String(); got != address {
			t.Errorf("%s: address %s, want %s", c.name, got, address)
		}
	}
	if req, err := request(base); req != nil || err != nil {
		t.Errorf("TokenRequest with nothing = %v, %v, want nil, nil", req, err)
	}
}

func TestPostponeRequest(t *testing.T) {
	t.Parallel()
	c := extract.Credential{Key: "1000004", Secret: "s", AccessToken: "a1", RefreshToken: "r1"}
	req, err := newDialect(t, Options{}).PostponeRequest(context.Background(), "https://gw.test", c, now)
	got := form(t, req, err)
	params := map[string]string{
		"client_id": "1000004", "client_secret": "s", "access_token": "a1", "refresh_token": "r1", "_aop_timestamp": "1732248000000",
	}
	want := url.Values{signatureParam: {Sign("param2/1/system.oauth2/postponeToken/1000004", params, "s")}}
	for k, v := range params {
		want.Set(k, v)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("PostponeRequest (-want +got):\n%s", diff)
	}
	const address = "https://gw.test/openapi/param2/1/system.oauth2/postponeToken/1000004"
	if got := req.URL.String(); got != address {
		t.Errorf("PostponeRequest = %s, want %s", got, address)
	}
}

func TestDecodeToken(t *testing.T) {
	t.Parallel()
	end := time.Date(2026, 10, 14, 12, 3, 39, 0, time.UTC)
	cases := []struct {
		status int
		body   string
		want   extract.Token
		class  catalog.Class
	}{
		{200, `{"access_token":"a","expires_in":"36000"}`, extract.Token{Access: "a", Expires: now.Add(10 * time.Hour)}, ""},
		{200, `{"access_token":"a","refresh_token":"r","expires_in":60}`, extract.Token{Access: "a", Refresh: "r", Expires: now.Add(time.Minute)}, ""},
		{200, `{"access_token":"a","refresh_token_timeout":"20261014200339000+0800"}`, extract.Token{Access: "a", RefreshExpires: end}, ""},
		{200, `{"access_token":"a","refresh_token_timeout":"soon"}`, extract.Token{Access: "a"}, ""},
		{200, `{"access_token":"a","refresh_token_timeout":"20261314200339000+0800"}`, extract.Token{Access: "a"}, ""},
		{200, `{"access_token":"a"}`, extract.Token{Access: "a"}, ""},
		{400, `{"error":"invalid_grant","error_description":"refresh token expired"}`, extract.Token{}, catalog.ErrDenied},
		{401, `{"error_code":"401","error_message":"x"}`, extract.Token{}, catalog.ErrDenied},
		{400, `{"error_code":"gw.QosAppFrequencyLimit"}`, extract.Token{}, catalog.ErrThrottled},
		{503, `busy`, extract.Token{}, catalog.ErrUnavailable},
		{200, `{}`, extract.Token{}, catalog.ErrDenied},
	}
	d := newDialect(t, Options{})
	for _, c := range cases {
		got, err := d.DecodeToken(extract.Answer{Status: c.status, Body: []byte(c.body)}, now)
		if diff := cmp.Diff(c.want, got); diff != "" || catalog.ClassOf(err) != c.class {
			t.Errorf("DecodeToken(%d %s) = %v, want %q (-want +got):\n%s", c.status, c.body, err, c.class, diff)
		}
	}
	got, err := d.DecodeToken(dialecttest.Answer(t, bodies, dialecttest.Case{Body: "token-code.json"}), now)
	want := extract.Token{Access: "e1f0-uuid", Refresh: "a9c2-uuid", Expires: now.Add(10 * time.Hour), RefreshExpires: end}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("DecodeToken(token-code.json) = %v (-want +got):\n%s", err, diff)
	}
}

func TestDecodePostponed(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	body := `{"refresh_token":"r2","refresh_token_timeout":"20261014200339000+0800"}`
	got, err := d.DecodePostponed(extract.Answer{Status: 200, Body: []byte(body)}, now)
	want := extract.Token{Refresh: "r2", RefreshExpires: time.Date(2026, 10, 14, 12, 3, 39, 0, time.UTC)}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("DecodePostponed = %v (-want +got):\n%s", err, diff)
	}
	_, err = d.DecodePostponed(extract.Answer{Status: 200, Body: []byte(`{"access_token":"a"}`)}, now)
	if catalog.ClassOf(err) != catalog.ErrDenied {
		t.Errorf("DecodePostponed without a refresh token = %v, want %v", err, catalog.ErrDenied)
	}
}

// A refusal says what to do, because no documentation says what it means.
func TestRefusalAdvises(t *testing.T) {
	t.Parallel()
	d := newDialect(t, Options{})
	for body, want := range map[string]string{
		`{"error_code":"gw.AppKeyNotFound"}`:                                    "check app_key and app_secret",
		`{"error":"invalid_client","error_description":"wrong secret"}`:         "check app_key and app_secret",
		`{"error":"invalid_grant","error_description":"redirect_uri mismatch"}`: "must be the one that is registered",
		`{"error":"invalid_grant","error_description":"refresh_token expired"}`: "lives about half a year",
		`{"error":"invalid_grant","error_description":"code is used"}`:          "works once",
		`{"error_code":"400","error_message":"unknown"}`:                        "offerlake auth exchange",
	} {
		_, err := d.DecodeToken(extract.Answer{Status: 400, Body: []byte(body)}, now)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("DecodeToken(%s) = %v, want advice with %q", body, err, want)
		}
	}
}
