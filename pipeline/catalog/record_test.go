package catalog

import (
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
)

func TestCallKey(t *testing.T) {
	t.Parallel()
	key := CallKey("onebound", "item_search", Params{"q": "保温杯 a&b=c", "page": "2", "cat": ""})
	want := "onebound item_search cat=&page=2&q=%E4%BF%9D%E6%B8%A9%E6%9D%AF+a%26b%3Dc"
	if key != want {
		t.Errorf("CallKey = %q, want %q", key, want)
	}
	if got := KeyAPI(key); got != "item_search" {
		t.Errorf("KeyAPI(%q) = %q, want item_search", key, got)
	}
	if got := CallKey("sandbox", "system", nil); got != "sandbox system" || KeyAPI(got) != "system" {
		t.Errorf("CallKey without parameters = %q", got)
	}
	if KeyHash(key) == KeyHash(key+"x") || len(KeyHash(key)) != 16 {
		t.Errorf("KeyHash(%q) = %q, want 16 digits that differ with the key", key, KeyHash(key))
	}
}

func TestGatewayError(t *testing.T) {
	t.Parallel()
	cause := errors.New("connection reset")
	err := fmt.Errorf("offer 1: %w", &GatewayError{Class: ErrUnavailable, API: "item_get", Status: 502, Code: "x", Cause: cause})
	if !errors.Is(err, ErrUnavailable) || !errors.Is(err, cause) || errors.Is(err, ErrThrottled) {
		t.Errorf("errors.Is does not find class and cause of %v", err)
	}
	if got := ClassOf(err); got != ErrUnavailable {
		t.Errorf("ClassOf(%v) = %q, want %q", err, got, ErrUnavailable)
	}
	if got := ClassOf(cause); got != "" {
		t.Errorf("ClassOf(%v) = %q, want none", cause, got)
	}
	for _, part := range []string{"item_get", "unavailable", "HTTP 502", "connection reset"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q lacks %q", err, part)
		}
	}
}

func TestQueryJSON(t *testing.T) {
	t.Parallel()
	q := Query{Kind: SearchQuery, Keyword: "杯", PriceFrom: Some(Decimal(15000)), Sort: SortSalesDesc}
	got, err := q.MarshalJSON()
	want := `{"kind":"search","keyword":"杯","sort":"sales_desc","price_from":"1.5"}`
	if err != nil || string(got) != want {
		t.Errorf("MarshalJSON = %s, %v, want %s", got, err, want)
	}
	got, err = Query{Kind: OffersQuery, IDs: []OfferID{7, 8}}.MarshalJSON()
	want = `{"kind":"offers","count":2}`
	if err != nil || string(got) != want {
		t.Errorf("MarshalJSON = %s, %v, want %s", got, err, want)
	}
}

// TestParseCallKey: a key says what was asked.
func TestParseCallKey(t *testing.T) {
	t.Parallel()
	for _, p := range []Params{{}, {"q": "保温杯 大"}, {"a": "1&2=3", "b": "", "c d": "x y"}} {
		gateway, api, got, ok := ParseCallKey(CallKey("onebound", "item_get", p))
		if !ok || gateway != "onebound" || api != "item_get" || !maps.Equal(got, p) {
			t.Errorf("ParseCallKey of %v = %q, %q, %v, %v", p, gateway, api, got, ok)
		}
	}
	for _, key := range []string{"", "onebound", "onebound item_get a=%zz"} {
		if _, _, p, ok := ParseCallKey(key); ok {
			t.Errorf("ParseCallKey(%q) = %v, want none", key, p)
		}
	}
}
