package envelope

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	cases := []struct {
		json, code, message string
		failed              bool
	}{
		{json: `{"success":true,"code":"200","message":"成功"}`, code: "200", message: "成功"},
		{json: `{"success":"true","retCode":"S0000","retMsg":"ok"}`, code: "S0000", message: "ok"},
		{json: `{"succes":"true","errorMsg":null,"errorCode":null}`},
		{json: `{"is_success":1}`},
		{json: `{"isSuccess":"1","code":"500"}`, code: "500"},
		{json: `{"code":"S000"}`, code: "S000"},
		{json: `{"code":0}`, code: "0"},
		{json: `{}`},
		{json: `{"success":false}`, failed: true},
		{json: `{"success":"false","errMsg":"x"}`, message: "x", failed: true},
		{json: `{"errorCode":"500_1","errorMessage":"x"}`, code: "500_1", message: "x", failed: true},
		{json: `{"errorCode":"500_1","code":"200"}`, code: "500_1", failed: true},
		{json: `{"code":"200","errorCode":"500_1"}`, code: "500_1", failed: true},
		{json: `{"error_message":"limit","message":"ok"}`, message: "limit", failed: true},
		{json: `{"message":"ok","exception":"boom"}`, message: "boom", failed: true},
		{json: `{"success":false,"isSuccess":true}`, failed: true},
	}
	var p flex.Pool
	for _, c := range cases {
		var o Outcome
		err := p.Read(200, []byte(c.json), func(d *flex.Decoder) {
			for key := range d.Object() {
				if !o.Field(d, key) {
					t.Errorf("Field(%s) = false", key)
				}
			}
		})
		if err != nil || o.Failed() != c.failed || o.Code != c.code || o.Message != c.message {
			t.Errorf("%s = failed %v, %q, %q, %v; want %v, %q, %q", c.json, o.Failed(), o.Code, o.Message, err, c.failed, c.code, c.message)
		}
	}
}

func TestMentioned(t *testing.T) {
	t.Parallel()
	ids := []catalog.OfferID{5743256519, 570027659932, 42, 1}
	cases := []struct {
		message string
		want    map[catalog.OfferID]catalog.Class
	}{
		{"", nil},
		{"ok", nil},
		{
			"5743256519:商品不存在, 570027659932:商品已下架",
			map[catalog.OfferID]catalog.Class{5743256519: catalog.ErrNotFound, 570027659932: catalog.ErrDelisted},
		},
		{"商品[42]不存在", map[catalog.OfferID]catalog.Class{42: catalog.ErrNotFound}},
		{"42：没有该商品的查询权限；9", map[catalog.OfferID]catalog.Class{42: catalog.ErrForbidden}},
		{"42424242 不存在", nil}, // 42 is only part of another id here
		{"142 42 不存在", map[catalog.OfferID]catalog.Class{42: catalog.ErrNotFound}},
		{"42: who knows", nil},
	}
	for _, c := range cases {
		var got map[catalog.OfferID]catalog.Class
		for id, err := range Mentioned(c.message, ids) {
			if got == nil {
				got = make(map[catalog.OfferID]catalog.Class)
			}
			got[id] = err.Class
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("Mentioned(%q) (-want +got):\n%s", c.message, d)
		}
	}
}

func TestGrantExpires(t *testing.T) {
	t.Parallel()
	now := time.Unix(1732248000, 0)
	cases := []struct {
		json string
		want time.Time
	}{
		{`{"expires_in":"36000"}`, now.Add(10 * time.Hour)},
		{`{"expires_in":36000.0}`, now.Add(10 * time.Hour)},
		{`{"expires_in":""}`, time.Time{}},
		{`{"expires_in":-1}`, time.Time{}},
		{`{"expires_in":9223372036854775807}`, time.Time{}},
	}
	var p flex.Pool
	for _, c := range cases {
		var g Grant
		if err := p.Read(200, []byte(c.json), g.Read); err != nil {
			t.Fatal(err)
		}
		if got := g.Expires(now); !got.Equal(c.want) {
			t.Errorf("Expires(%s) = %v, want %v", c.json, got, c.want)
		}
	}
}
