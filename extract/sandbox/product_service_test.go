package sandbox_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"offerlake/extract/param2"
	"offerlake/extract/router"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// param2Upload is an image search by the contents of a file.
func param2Upload(t *testing.T, params map[string]string, picture []byte) *http.Request {
	t.Helper()
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	part, err := w.CreateFormFile("image", "cup.png")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := part.Write(picture); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, param2Request("alibaba.product.imageSearch", params).URL.String(), &body)
	r.Header.Set("Content-Type", w.FormDataContentType())
	return r
}

func TestImageSearchByUpload(t *testing.T) {
	t.Parallel()
	for _, profile := range []sandbox.Profile{sandbox.Clean, sandbox.Rough} {
		s := newServer(t, sandbox.Options{Offers: 3000, Profile: profile})
		id := twin(t, s.Catalog())
		want := append([]catalog.OfferID{id}, s.Catalog().Twins(id)...)
		picture := s.Catalog().Picture(id)
		for name, data := range map[string][]byte{"PNG": picture, "JPEG": asJPEG(t, decoded(t, picture), 75)} {
			got := found(t, s, data)
			if len(got) < len(want) {
				t.Fatalf("%v %s: found %v, want %v first", profile, name, got, want)
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("%v %s: found %v, want %v first", profile, name, got[:len(want)], want)
					break
				}
			}
		}
	}
}

func TestImageSearchWithAKeyword(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 3000})
	o, _ := s.Catalog().ByID(twin(t, s.Catalog()))
	for keyword, want := range map[string]bool{o.Keyword: true, "nothing": false} {
		ids, total := rows(t, serve(s, bearerRequest("alibaba.product.imageSearch", map[string]string{"imageUrl": o.Images[0], "keywords": keyword})))
		if (total > 0) != want || (len(ids) > 0) != want {
			t.Errorf("with the keyword %q: %d rows of %d, want some: %v", keyword, len(ids), total, want)
		}
	}
}

// Two pictures are two questions, the same one twice is a repeat.
func TestUploadsAreQuestions(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{})
	c := s.Catalog()
	for _, i := range []int{1, 2, 1} {
		found(t, s, c.Picture(c.ID(i)))
	}
	if got := s.Stats(); got.Answered != 3 || got.Repeats != 1 {
		t.Errorf("Stats() = %+v, want 3 answers, 1 of them a repeat", got)
	}
}

// TestParam2OrderOfChecks breaks one thing more with each row; the first check
// that fails decides.
func TestParam2OrderOfChecks(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Deny: []string{"alibaba.product.batchGet"}})
	c := sandbox.Credentials()
	signed := func(api, secret string, more ...string) *http.Request {
		params := with(map[string]string{"app_key": c.Key, "method": api, "timestamp": "1795334400", "format": "json"}, more...)
		params["sign"] = param2.Sign(params, secret)
		return httptest.NewRequest(http.MethodGet, "/openapi/param2/1/com.alibaba.product/"+api+"?"+values(params), nil)
	}
	const search, batch = "alibaba.product.search", "alibaba.product.batchGet"
	cases := []struct {
		name   string
		r      *http.Request
		status int
		code   string
	}{
		{"good", signed(search, c.Secret, "keywords", "雨伞"), 200, ""},
		{"parameter missing", signed("alibaba.product.get", c.Secret), 400, "gw.ParamMissing"},
		{"no picture", signed("alibaba.product.imageSearch", c.Secret), 400, "gw.ParamMissing"},
		{"unknown API", signed("alibaba.product.teleport", c.Secret), 400, "gw.APIUnsupported"},
		{"not permitted", signed(batch, c.Secret), 403, "gw.APIACLDecline"},
		{"and another method", signed(batch, c.Secret, "method", search), 400, "gw.ParamInvalid"},
		{"and milliseconds", signed(batch, c.Secret, "method", search, "timestamp", "1795334400000"), 400, "gw.ParamInvalid"},
		{"and wrong signature", signed(batch, "wrong", "method", search, "timestamp", "0"), 400, "gw.SignatureInvalid"},
		{"no signature", httptest.NewRequest(http.MethodGet, "/openapi/param2/1/com.alibaba.product/"+batch+"?app_key="+c.Key, nil), 400, "gw.SignatureMissing"},
		{"and unknown key", httptest.NewRequest(http.MethodGet, "/openapi/param2/1/com.alibaba.product/"+batch+"?app_key=42", nil), 400, "gw.AppKeyNotFound"},
	}
	for _, tc := range cases {
		a := serve(s, tc.r)
		if got := a.code(t); got != tc.code || a.status != tc.status {
			t.Errorf("%s: status %d, code %q, want %d, %q", tc.name, a.status, got, tc.status, tc.code)
		}
	}
}

func TestRouterErrors(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Deny: []string{"alibaba.denied"}})
	c := sandbox.Credentials()
	signed := func(secret string, pairs ...string) *http.Request {
		params := with(map[string]string{"app_key": c.Key, "timestamp": "2026-11-22 16:00:00", "format": "json"}, pairs...)
		params["sign"] = router.Sign(params, secret)
		return httptest.NewRequest(http.MethodGet, "/router/json?"+values(params), nil)
	}
	cases := []struct {
		name string
		r    *http.Request
		code string
	}{
		{"good", signed(c.Secret, "method", "alibaba.product.search", "keywords", "雨伞"), ""},
		{"parameter missing", signed(c.Secret, "method", "alibaba.product.get"), "40"},
		{"unknown method", signed(c.Secret, "method", "alibaba.teleport"), "22"},
		{"no method", signed(c.Secret), "21"},
		{"not permitted", signed(c.Secret, "method", "alibaba.denied"), "11"},
		{"wrong clock", signed(c.Secret, "method", "alibaba.denied", "timestamp", "1795334400"), "31"},
		{"wrong signature", signed("wrong", "method", "alibaba.denied", "timestamp", "1"), "25"},
		{"unknown key", signed("wrong", "app_key", "42"), "29"},
		{"no key", signed("wrong", "app_key", ""), "28"},
	}
	for _, tc := range cases {
		a := serve(s, tc.r)
		if got := a.code(t); got != tc.code || a.status != http.StatusOK {
			t.Errorf("%s: status %d, code %q, want 200, %q", tc.name, a.status, got, tc.code)
		}
	}
}

func TestRouterTellsOfMissingOffers(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 2000, Profile: sandbox.Rough})
	shapes := make(map[string]int)
	for i := range s.Catalog().Len() {
		o := s.Catalog().Offer(i)
		id, want := o.ID, "已下架"
		if !o.Delisted {
			if i%50 > 0 {
				continue
			}
			id, want = o.ID+1, "不存在"
		}
		a := serve(s, detail("router", id))
		if !strings.Contains(string(a.body), want) {
			t.Errorf("offer %d: %s, want %s", id, a.body, want)
		}
		shapes[a.code(t)]++
	}
	if len(shapes) != 2 || shapes[""] == 0 || shapes["15"] == 0 {
		t.Errorf("shapes of the errors: %v, want both", shapes)
	}
}
