package transform

import (
	"slices"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// TestRowsDoNotDependOnWhatWasSeen gives offers with thousands of pairs and
// places, more than are remembered and longer ones, to a Normaliser that has
// seen others and to one that has not.
func TestRowsDoNotDependOnWhatWasSeen(t *testing.T) {
	t.Parallel()
	offer := func(i int) *catalog.Offer {
		o := &catalog.Offer{ID: catalog.OfferID(i + 1), Title: "杯"}
		o.Supplier = catalog.OfferSupplier{ID: "s", Province: []string{"", "浙江省"}[i%2], Location: "广东省" + strconv.Itoa(i) + "市"}
		for j, value := range []string{"Red", "酒红", "XXL", "500ml", "2×30片", "★Red", "<b>XXL</b> ", strings.Repeat("长", 60)} {
			name := []string{"Color", "颜色", "size", "Capacity", "规格", "n" + strconv.Itoa(i)}[(i+j)%6]
			o.Attributes = append(o.Attributes, catalog.Attribute{Name: name, Value: value})
			o.SKUs = append(o.SKUs, catalog.OfferSKU{ID: strconv.Itoa(j + 1), Price: "1", Attributes: []catalog.Attribute{
				{Name: name, Value: value}, {Name: "号", Value: strconv.Itoa(i*6 + j)},
			}})
		}
		return o
	}
	used := New(Options{})
	for i := range cachedEntries + 2 {
		var want, got catalog.Rows
		New(Options{}).Normalise(offer(i), catalog.Observation{}, &want)
		used.Normalise(offer(i), catalog.Observation{}, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("offer %d (-want +got):\n%s", i, diff)
		}
	}
	if n := len(used.caches.free); n != 1 {
		t.Fatalf("%d caches of one goroutine", n)
	}
	c := used.caches.free[0]
	for what, n := range map[string]int{"pairs": len(c.pairs), "places": len(c.places)} {
		if n == 0 || n > cachedEntries {
			t.Errorf("%d %s are remembered, want at most %d", n, what, cachedEntries)
		}
	}
}

// FuzzSKUPairs compares the pairs of a SKU, out of a cache that has seen them
// and others, with what AttributesText is made from.
func FuzzSKUPairs(f *testing.F) {
	for _, s := range [][4]string{
		{"颜色", "白", "尺码", "S"}, {"尺码", "S", "颜色", "白"}, {"颜色", "红", "颜色", " 红 "}, {"颜色", "红", "颜色", "白"}, {"", "", " ", ""},
		{"<b>颜色</b>", "红&amp;白", "★", "★红"}, {"", "颜色：红色；尺码：XL", "颜色", "红色"}, {"", "a:&amp;lt;b&amp;gt;;c:&amp", "", "颜色:&"},
		{"", "0:0:颜色:白;1:0:尺码:S", "", "红色"}, {"\xff", "e\u0301", "", ":"}, {"a", "b:c", "a:b", "c"}, {"n", strings.Repeat("长", 60), "n", "长"},
	} {
		f.Add(s[0], s[1], s[2], s[3])
	}
	aliases := NewAliases(nil, nil)
	f.Fuzz(func(t *testing.T, name, value, name2, value2 string) {
		c := new(cache)
		attributes := []catalog.Attribute{{Name: name, Value: value}, {Name: name2, Value: value2}, {Name: value, Value: name2}}
		for n := range len(attributes) + 1 {
			some := append(slices.Clone(attributes[n:]), attributes[:n]...)
			for range 2 {
				var got []catalog.Pair
				known := c.sku(aliases, some, nil)
				for _, k := range known {
					got = append(got, k.own)
					if want := newKnownPair(aliases, k.own); !sameKnown(k, want) {
						t.Errorf("%+v is known as %+v, want %+v", k.own, k, want)
					}
				}
				if diff := cmp.Diff(sortedPairs(some), got); diff != "" {
					t.Errorf("pairs of %+v (-want +got):\n%s", some, diff)
				}
				texts := newSKUTexts(7)
				for range 2 {
					text, key, _ := texts.of(known)
					if want := AttributesText(some); text != want || key != SKUKey(7, want) {
						t.Errorf("%+v gives %q, %s, want %q, %s", some, text, key, want, SKUKey(7, want))
					}
				}
			}
		}
	})
}

// sameKnown compares what is known of pairs, and of them without ornaments.
func sameKnown(a, b *knownPair) bool {
	x, y, plain, want := *a, *b, *a.plain, *b.plain
	x.plain, y.plain, plain.plain, want.plain = nil, nil, nil, nil
	return x == y && plain == want && (a.plain == a) == (b.plain == b)
}

// TestCacheKeepsNoAnswer: a text that is remembered is no part of the answer
// that it came in, all of which would live as long.
func TestCacheKeepsNoAnswer(t *testing.T) {
	t.Parallel()
	answer := strings.Repeat("浙江省金华市", 3)
	within := func(s string) bool {
		at, from := uintptr(unsafe.Pointer(unsafe.StringData(s))), uintptr(unsafe.Pointer(unsafe.StringData(answer)))
		return at >= from && at < from+uintptr(len(answer))
	}
	texts := []string{answer[:18], "", answer[18:36]}
	if !within(texts[0]) || !within(texts[2]) {
		t.Fatal("the test does not find parts of the answer")
	}
	c := new(cache)
	for _, a := range texts {
		for _, b := range texts {
			c.pair(NewAliases(nil, nil), catalog.Pair{Key: a, Value: b})
			c.place(placeTexts{province: a, city: b})
			c.place(placeTexts{location: b})
		}
	}
	var kept []string
	for key, k := range c.pairs {
		kept = append(kept, key.Key, key.Value, k.own.Key, k.own.Value, k.canonical.Key, k.canonical.Value)
	}
	for key, place := range c.places {
		kept = append(kept, key.province, key.city, key.location, place.Province, place.City)
	}
	if len(kept) < 40 || slices.ContainsFunc(kept, within) {
		t.Errorf("one of %d texts is a part of the answer: %q", len(kept), kept)
	}
}

func TestSKUSet(t *testing.T) {
	t.Parallel()
	var set skuSet
	for n := range 3 * indexFrom {
		if sum := (skuSum{15: byte(n)}); !set.add(sum) || set.add(sum) || set.add(skuSum{15: byte(n / 2)}) {
			t.Errorf("the set is wrong about number %d", n)
		}
	}
}
