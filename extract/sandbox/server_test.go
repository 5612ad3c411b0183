package sandbox_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/onebound"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

func TestSameSeedSameBytes(t *testing.T) {
	t.Parallel()
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		first := newServer(t, sandbox.Options{Offers: 300, Seed: 7, Profile: profile, Now: clock(0)})
		restarted := newServer(t, sandbox.Options{Offers: 300, Seed: 7, Profile: profile, Now: clock(time.Hour)})
		other := newServer(t, sandbox.Options{Offers: 300, Seed: 8, Profile: profile})
		id := first.Catalog().ID(5)
		for _, dialect := range dialects {
			for name, request := range map[string]func() *http.Request{
				"search": func() *http.Request { return search(dialect, "保温杯", 1) },
				"detail": func() *http.Request { return detail(dialect, id) },
			} {
				want := serve(first, request())
				if got := serve(first, request()); !bytes.Equal(got.body, want.body) {
					t.Errorf("%v %s %s: the second answer differs from the first:\n%s", profile, dialect, name, cmp.Diff(string(want.body), string(got.body)))
				}
				if got := serve(restarted, request()); !bytes.Equal(got.body, want.body) {
					t.Errorf("%v %s %s: the answer after a restart differs:\n%s", profile, dialect, name, cmp.Diff(string(want.body), string(got.body)))
				}
				if got := serve(other, request()); bytes.Equal(got.body, want.body) {
					t.Errorf("%v %s %s: another seed gives the same answer", profile, dialect, name)
				}
			}
		}
	}
}

// clock returns a clock that stands still.
func clock(d time.Duration) func() time.Time {
	at := time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC).Add(d)
	return func() time.Time { return at }
}

func TestDetailIsWhatHTTPAnswers(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Profile: sandbox.Rough})
	id := s.Catalog().ID(12)
	for _, dialect := range dialects {
		got, err := s.Detail(dialect, id)
		if err != nil {
			t.Fatalf("Detail(%q): %v", dialect, err)
		}
		want := serve(s, detail(dialect, id)).body
		if dialect == "onebound" { // HTTP escapes what is not ASCII
			got, want = canonical(t, got), canonical(t, want)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("Detail(%q): %s", dialect, cmp.Diff(string(want), string(got)))
		}
	}
	if _, err := s.Detail("soap", id); err == nil {
		t.Error("Detail of an unknown dialect gives no error")
	}
}

func canonical(t *testing.T, body []byte) []byte {
	t.Helper()
	var v any
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestOfficialOrderOfChecks breaks one thing more with each row; the first
// check that fails decides.
func TestOfficialOrderOfChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Deny: []string{"alibaba.cross.productInfo"}})
	c := sandbox.Credentials()
	const denied, unknown = "com.alibaba.product/alibaba.cross.productInfo", "com.alibaba.product/alibaba.product.search"
	wrong := c
	wrong.Secret = "wrong"
	stranger := c
	stranger.Key = "42"
	token := []string{"access_token", c.AccessToken}
	unsigned := httptest.NewRequest(http.MethodGet, "/openapi/param2/1/"+unknown+"/"+c.Key, nil)
	cases := []struct {
		name   string
		r      *http.Request
		status int
		code   string
	}{
		{"good", officialRequestAs(c, keywordQuery, with(nil, append(token, "offerQueryParam", "{}")...)), 200, ""},
		{"parameter missing", officialRequestAs(c, keywordQuery, with(nil, token...)), 400, "gw.ParamMissing"},
		{"and not permitted", officialRequestAs(c, denied, with(nil, token...)), 400, "gw.APIACLDecline"},
		{"and no token", officialRequestAs(c, denied, nil), 401, "401"},
		{"and unknown API", officialRequestAs(c, unknown, nil), 400, "gw.APIUnsupported"},
		{"and wrong signature", officialRequestAs(wrong, unknown, nil), 400, "gw.SignatureInvalid"},
		{"and no signature", unsigned, 400, "gw.SignatureMissing"},
		{"and unknown key", officialRequestAs(stranger, unknown, nil), 400, "gw.AppKeyNotFound"},
	}
	for _, tc := range cases {
		a := serve(s, tc.r)
		if got := a.code(t); got != tc.code || a.status != tc.status {
			t.Errorf("%s: status %d, code %q, want %d, %q", tc.name, a.status, got, tc.status, tc.code)
		}
	}
}

func TestOfficialParametersMayBeSplit(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{})
	r := search("openplatform", "毛巾", 1)
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	form := r.Form
	query := "access_token=" + form.Get("access_token")
	form.Del("access_token")
	split := httptest.NewRequest(http.MethodPost, r.URL.Path+"?"+query, strings.NewReader(form.Encode()))
	split.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if got := serve(s, split).code(t); got != "" {
		t.Errorf("a call with parameters in query and body: %q, want success", got)
	}
}

func TestCurrentTimeIsABareString(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Now: clock(0)})
	a := serve(s, httptest.NewRequest(http.MethodGet, "/openapi/param2/1/system/currentTime/"+sandbox.Credentials().Key, nil))
	if got, want := string(a.body), `"20261122160000000+0800"`; got != want {
		t.Errorf("currentTime = %s, want %s", got, want)
	}
}

func TestOneboundErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 500, Deny: []string{"item_search_shop"}})
	c := sandbox.Credentials()
	params := map[string]string{"key": c.Key, "api_name": "item_search", "dateline": "2026-11-22 08:00:00", "q": "雨伞"}
	sent := with(params, "secret", c.Secret, "cache", "no")
	signed := values(with(sent, "sign", onebound.Sign(params, c.Secret)))
	cases := []struct {
		name string
		r    *http.Request
		code string
	}{
		{"good", oneboundRequest("item_search", map[string]string{"q": "雨伞"}), ""},
		{"older path, signed", httptest.NewRequest(http.MethodGet, "/1688/api_call.php?"+signed, nil), ""},
		{"wrong signature", httptest.NewRequest(http.MethodGet, "/1688/api_call.php?"+values(with(sent, "sign", "X")), nil), "4005"},
		{"wrong secret", httptest.NewRequest(http.MethodGet, "/1688/item_search/?q=x&secret=no&key="+c.Key, nil), "4005"},
		{"not enabled", oneboundRequest("item_search_shop", map[string]string{"seller_nick": "x"}), "4005"},
		{"unknown offer", oneboundRequest("item_get", map[string]string{"num_iid": "610947572361"}), "2000"},
		{"parameter missing", oneboundRequest("item_get", nil), "4000"},
		{"unknown API", oneboundRequest("item_teleport", nil), "5000"},
	}
	for _, tc := range cases {
		a := serve(s, tc.r)
		if got := a.code(t); got != tc.code || a.status != http.StatusOK {
			t.Errorf("%s: status %d, code %q, want 200, %q", tc.name, a.status, got, tc.code)
		}
	}
}

func TestTokensExpireAndRenew(t *testing.T) {
	t.Parallel()
	now := clock(0)()
	s := newServer(t, sandbox.Options{Now: func() time.Time { return now }})
	c := sandbox.Credentials()
	try := func() string {
		return serve(s, officialRequestAs(c, keywordQuery, with(nil, "access_token", c.AccessToken, "offerQueryParam", "{}"))).code(t)
	}
	if got := try(); got != "" {
		t.Fatalf("call with a fresh token: %q", got)
	}
	now = now.Add(10 * time.Hour)
	if got := try(); got != "401" {
		t.Fatalf("call with a token of 10 hours: %q, want 401", got)
	}
	grant := serve(s, httptest.NewRequest(http.MethodGet, "/openapi/http/1/system.oauth2/getToken/"+c.Key+"?"+values(map[string]string{
		"grant_type": "refresh_token", "client_id": c.Key, "client_secret": c.Secret, "refresh_token": c.RefreshToken}), nil)).fields(t)
	if grant["expires_in"] != "36000" {
		t.Errorf("expires_in = %#v, want the string 36000", grant["expires_in"])
	}
	if _, ok := grant["refresh_token"]; ok {
		t.Error("the refresh grant brought a new refresh token")
	}
	c.AccessToken = grant["access_token"].(string)
	if got := try(); got != "" {
		t.Errorf("call with the renewed token: %q", got)
	}
	other := newServer(t, sandbox.Options{Now: func() time.Time { return now }})
	s = other
	if got := try(); got != "" {
		t.Errorf("call with the renewed token after a restart: %q", got)
	}
	c.AccessToken = strings.Replace(c.AccessToken, "-", "-9", 1)
	if got := try(); got != "401" {
		t.Errorf("call with a forged token: %q, want 401", got)
	}
}

func TestBearerToken(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{})
	c := sandbox.Credentials()
	ask := map[string]string{"client_id": c.Key, "client_secret": c.Secret, "grant_type": "authorization_code", "code": c.Code, "redirect_uri": c.RedirectURI}
	grant := serve(s, httptest.NewRequest(http.MethodGet, "/auth/requestToken?"+values(ask), nil)).fields(t)
	if got := integer(t, grant["expires_in"]); got != 36000 {
		t.Errorf("expires_in = %d, want 36000", got)
	}
	r := search("bearer", "雨伞", 1)
	r.Header.Set("Authorization", "Bearer "+grant["access_token"].(string))
	if got := serve(s, r); got.status != http.StatusOK {
		t.Errorf("search with the granted token: status %d, %s", got.status, got.body)
	}
	r.Header.Set("Authorization", "Bearer x")
	if got := serve(s, r); got.status != http.StatusUnauthorized || !strings.Contains(string(got.body), "Invalid access token") {
		t.Errorf("search with an unknown token: status %d, %s", got.status, got.body)
	}
}

func TestThrottle(t *testing.T) {
	t.Parallel()
	at := clock(0)()
	for _, dialect := range dialects {
		now := at
		s := newServer(t, sandbox.Options{PerSecond: 5, Now: func() time.Time { return now }})
		for i := range 50 { // paced evenly at the limit
			if a := serve(s, search(dialect, "台灯", 1)); a.code(t) != "" {
				t.Fatalf("%s: call %d at exactly 5 per second: %s", dialect, i, a.body)
			}
			now = now.Add(200 * time.Millisecond)
		}
		now = now.Add(time.Second)
		var refused []string
		for range 10 { // all at once
			if a := serve(s, search(dialect, "台灯", 1)); a.code(t) != "" {
				refused = append(refused, fmt.Sprint(a.status, " ", a.code(t)))
			}
		}
		want := map[string]string{
			"onebound": "200 4010", "openplatform": "400 gw.QosAppFrequencyLimit", "param2": "429 429", "bearer": "429 429", "router": "200 7", "portals": "200 429",
		}[dialect]
		if len(refused) != 4 || refused[0] != want {
			t.Errorf("%s: 10 calls at once at 5 per second: refused %v, want 4 times %s", dialect, refused, want)
		}
		if got := s.Stats(); got.Throttled != 4 || got.MaxPerSecond != 10 {
			t.Errorf("%s: Stats() = %+v, want 4 throttled, at most 10 per second", dialect, got)
		}
	}
}

func TestThrottleMayBeHTTP200(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{PerSecond: 0.5, ThrottleOK: true, Now: clock(0)})
	serve(s, search("openplatform", "台灯", 1))
	a := serve(s, search("openplatform", "台灯", 1))
	if a.status != http.StatusOK || a.code(t) != "gw.QosAppFrequencyLimit" {
		t.Errorf("throttled call: status %d, code %q", a.status, a.code(t))
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	for dialect, want := range map[string]string{
		"onebound": "4013", "openplatform": "gw.NoUsageLeftError", "param2": "gw.NoUsageLeftError", "bearer": "gw.NoUsageLeftError", "router": "7", "portals": "429",
	} {
		now := clock(0)()
		s := newServer(t, sandbox.Options{PerDay: 2, Now: func() time.Time { return now }})
		var got []string
		var last answer
		for range 3 {
			last = serve(s, search(dialect, "台灯", 1))
			got = append(got, last.code(t))
		}
		if diff := cmp.Diff([]string{"", "", want}, got); diff != "" {
			t.Errorf("%s: codes of three calls with a quota of two (-want +got):\n%s", dialect, diff)
		}
		if info, _ := last.fields(t)["api_info"].(string); dialect == "onebound" && !strings.HasPrefix(info, "today:2 max:2 ") {
			t.Errorf("api_info = %q, want today:2 max:2", info)
		}
		now = now.Add(8 * time.Hour) // 16:00 UTC is midnight in China
		if got := serve(s, search(dialect, "台灯", 1)).code(t); got != "" {
			t.Errorf("%s: the next day: %q, want success", dialect, got)
		}
	}
}

func TestWindow(t *testing.T) {
	t.Parallel()
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		s := newServer(t, sandbox.Options{Offers: 30_000, Profile: profile})
		for _, dialect := range dialects {
			ids, total := all(t, s, dialect, "保温杯")
			if total != 2000 || len(ids) != 2000 {
				t.Errorf("%v %s: total %d, %d rows, want 2000 of each", profile, dialect, total, len(ids))
			}
		}
	}
}

func TestListsHoldEveryOffer(t *testing.T) {
	t.Parallel()
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		s := newServer(t, sandbox.Options{Offers: 9000, Profile: profile})
		for _, dialect := range dialects {
			ids, total := all(t, s, dialect, "手机壳")
			if total != int64(len(ids)) {
				t.Errorf("%v %s: declared %d, served %d rows", profile, dialect, total, len(ids))
			}
			listed := make(map[catalog.OfferID]bool)
			unknown, gone := 0, 0
			for _, id := range ids {
				truth, ok := s.Catalog().ByID(id)
				switch {
				case !ok:
					unknown++
				case truth.Delisted:
					gone++
				}
				listed[id] = true
			}
			for _, id := range s.Catalog().Keyword("手机壳") {
				if !listed[id] {
					t.Fatalf("%v %s: offer %d is not listed", profile, dialect, id)
				}
			}
			repeated := len(ids) - len(distinct(ids))
			if rough := profile == sandbox.Rough; (repeated > 0) != rough || (unknown > 0) != rough || (gone > 0) != rough {
				t.Errorf("%v %s: %d repeated, %d unknown, %d delisted rows of %d", profile, dialect, repeated, unknown, gone, len(ids))
			}
		}
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 2500})
	truths := make([]sandbox.Truth, s.Catalog().Len())
	for i := range truths {
		truths[i] = s.Catalog().Offer(i)
	}
	var seller string
	for i := 0; seller == ""; i++ {
		if c := s.Catalog(); len(c.Seller(c.Supplier(i).ID)) > 2 {
			seller = c.Supplier(i).ID
		}
	}
	official := func(param string) map[string]string { return map[string]string{"offerQueryParam": param} }
	price := func(v sandbox.Truth) bool { return v.Price >= 100_000 && v.Price <= 200_500 }
	cases := []struct {
		name string
		r    *http.Request
		want func(sandbox.Truth) bool
	}{
		{"onebound price", oneboundRequest("item_search", map[string]string{"q": "雨伞", "start_price": "10", "end_price": "20.05"}), price},
		{"official price", officialRequest(keywordQuery, official(`{"keyword":"雨伞","priceStart":"10.00","priceEnd":"20.05","pageSize":50}`)), price},
		{"bearer price", bearerRequest("alibaba.product.search", map[string]string{"keywords": "雨伞", "priceStart": "10", "priceEnd": "20.05"}), price},
		{"official category", officialRequest(keywordQuery, official(`{"keyword":"","categoryId":1031910}`)), func(v sandbox.Truth) bool { return v.Category == 1031910 }},
		{"onebound department", oneboundRequest("item_search", map[string]string{"q": "", "cat": "10166"}), func(v sandbox.Truth) bool { return v.Lineage[0] == 10166 }},
		{"onebound shop", oneboundRequest("item_search_shop", map[string]string{"seller_nick": seller}), func(v sandbox.Truth) bool { return v.Supplier.ID == seller }},
		{"official shop", officialRequest(sellerQuery, official(`{"sellerOpenId":"`+seller+`"}`)), func(v sandbox.Truth) bool { return v.Supplier.ID == seller }},
		{"bearer free shipping", bearerRequest("alibaba.product.search", map[string]string{"keywords": "雨伞", "isFreeShip": "true"}), func(v sandbox.Truth) bool { return v.FreeShipping }},
		{"official factories", officialRequest(keywordQuery, official(`{"keyword":"雨伞","filter":"certifiedFactory"}`)), func(v sandbox.Truth) bool { return v.Verified }},
		{"param2 verified", param2Request("alibaba.product.search", map[string]string{"keywords": "雨伞", "highQuality": "true"}), func(v sandbox.Truth) bool { return v.Verified }},
		{"bearer minimum order", bearerRequest("alibaba.product.search", map[string]string{"keywords": "雨伞", "minQuantity": "2"}), func(v sandbox.Truth) bool { return v.MinOrder <= 2 }},
	}
	for _, tc := range cases {
		ids, total := rows(t, serve(s, tc.r))
		want := 0
		for _, v := range truths {
			if !v.Delisted && tc.want(v) && (strings.Contains(tc.name, "shop") || strings.Contains(tc.name, "category") ||
				strings.Contains(tc.name, "department") || v.Keyword == "雨伞") {
				want++
			}
		}
		if total != int64(want) || want == 0 {
			t.Errorf("%s: total %d, want %d", tc.name, total, want)
		}
		for _, id := range ids {
			if v, ok := s.Catalog().ByID(id); !ok || !tc.want(v) {
				t.Errorf("%s: offer %d does not match: %+v", tc.name, id, v)
			}
		}
	}
}

func TestSort(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 3000})
	for sort, key := range map[string]func(sandbox.Truth) int64{
		"bid":   func(v sandbox.Truth) int64 { return int64(v.Price) },
		"_bid":  func(v sandbox.Truth) int64 { return -int64(v.Price) },
		"_sale": func(v sandbox.Truth) int64 { return -v.Sold },
	} {
		ids, _ := rows(t, serve(s, oneboundRequest("item_search", map[string]string{"q": "T恤", "sort": sort})))
		var got []int64
		for _, id := range ids {
			v, _ := s.Catalog().ByID(id)
			got = append(got, key(v))
		}
		if !slices.IsSorted(got) || len(got) != 40 {
			t.Errorf("sort=%s: %d rows, not in order: %v", sort, len(got), got)
		}
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Profile: sandbox.Rough})
	c := sandbox.Credentials()
	leaves := 0
	var walk func(id string, depth int)
	walk = func(id string, depth int) {
		f := serve(s, officialRequestAs(c, "com.alibaba.product/alibaba.category.get", map[string]string{"categoryID": id})).fields(t)
		info := f["categoryInfo"].([]any)[0].(map[string]any)
		for _, child := range info["childCategorys"].([]any) {
			child := child.(map[string]any)
			leaf := fmt.Sprint(child["isLeaf"]) == "true"
			if leaf != (depth == 2) {
				t.Errorf("category %v at depth %d: leaf %v", child["id"], depth, leaf)
			}
			if leaf {
				leaves++
			} else {
				walk(fmt.Sprint(child["id"]), depth+1)
			}
		}
	}
	walk("0", 0)
	if leaves < 10 {
		t.Errorf("%d leaf categories, want at least 10", leaves)
	}
}

func TestStats(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{})
	id := s.Catalog().ID(1)
	for range 3 {
		serve(s, detail("onebound", id))
		serve(s, detail("openplatform", id))
	}
	serve(s, detail("bearer", id))
	serve(s, oneboundRequest("nonsense", nil))
	serve(s, oneboundRequest("nonsense", nil)) // not a repeat: it was never answered
	a := serve(s, httptest.NewRequest(http.MethodGet, "/_sandbox/stats", nil))
	var got sandbox.Stats
	if err := json.Unmarshal(a.body, &got); err != nil {
		t.Fatalf("stats %q: %v", a.body, err)
	}
	got.MaxPerSecond, got.MeanPerSecond = 0, 0
	want := sandbox.Stats{Calls: 9, Answered: 7, Repeats: 4, Refused: 2, APIs: map[string]int64{
		"item_get": 3, detailQuery: 3, "com.alibaba.product/alibaba.product.get": 1, "nonsense": 2}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
	serve(s, httptest.NewRequest(http.MethodPost, "/_sandbox/reset", nil))
	if diff := cmp.Diff(sandbox.Stats{}, s.Stats()); diff != "" {
		t.Errorf("stats after reset (-want +got):\n%s", diff)
	}
}

func TestRatesInStats(t *testing.T) {
	t.Parallel()
	now := clock(0)()
	s := newServer(t, sandbox.Options{Now: func() time.Time { return now }})
	for range 11 { // four within any one second
		serve(s, search("bearer", "雨伞", 1))
		now = now.Add(250 * time.Millisecond)
	}
	if got := s.Stats(); got.MaxPerSecond != 4 || got.MeanPerSecond != 4 {
		t.Errorf("Stats() = %d at most and %v in the mean, want 4 and 4", got.MaxPerSecond, got.MeanPerSecond)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	for _, o := range []sandbox.Options{
		{Offers: -1}, {Offers: sandbox.MaxOffers + 1}, {Profile: 9}, {PerSecond: -1}, {Window: -1}, {Latency: -1},
	} {
		if _, err := sandbox.New(o); err == nil {
			t.Errorf("New(%+v) gives no error", o)
		}
	}
	if _, err := sandbox.ParseProfile("gentle"); err == nil {
		t.Error("ParseProfile(gentle) gives no error")
	}
	for _, p := range []sandbox.Profile{sandbox.Clean, sandbox.Rough, sandbox.Hostile} {
		if got, err := sandbox.ParseProfile(p.String()); err != nil || got != p {
			t.Errorf("ParseProfile(%q) = %v, %v", p, got, err)
		}
	}
}
