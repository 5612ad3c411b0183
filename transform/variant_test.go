package transform

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

func TestParseAmount(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"500ml", "500 ml"}, {"500ML", "500 ml"}, {"1.5L", "1500 ml"}, {"500毫升", "500 ml"}, {"1升", "1000 ml"}, {"250 cc", "250 ml"},
		{"1kg", "1000 g"}, {"10斤", "5000 g"}, {"3两", "150 g"}, {"0.5公斤", "500 g"}, {"500g", "500 g"}, {"5mg", "0.005 g"},
		{"30cm", "300 mm"}, {"2米", "2000 mm"}, {"2m", "2000 mm"}, {"12mm", "12 mm"},
		{"2×30片", "30 piece x2"}, {"2x30片", "30 piece x2"}, {"500ml*12瓶", "500 ml x12"}, {"500ml x 12", "500 ml x12"}, {"12*500ml", "500 ml x12"},
		{"3双/盒", "3 pair"}, {"100抽/包", "100 piece"}, {"6瓶*1.5L", "1500 ml x6"}, {"10pcs", "10 piece"}, {"2套", "2 set"},
		// What may mean something else.
		{"30*40cm", ""}, {"2m*30", ""}, {"30cm*2", ""}, {"500-600ml", ""}, {"500ml大容量", ""}, {"约500ml", ""}, {"500", ""}, {"12瓶", ""}, {"500ml/100g", ""},
		{"0ml", ""}, {"5000mah", ""}, {"1.5.2L", ""}, {"红色", ""}, {"", ""}, {"3双/盒/箱", ""}, {"2*3*500ml", ""}, {"999999999999999kg", ""}, {"1.5*500ml", ""},
		{"500mlx", ""}, {"5g网络", ""},
	} {
		got := ""
		if a := ParseAmount(tt.text); a.Quantity.OK {
			got = a.Quantity.V.String() + " " + a.Unit.V
			if a.Pack.OK {
				got += " x" + catalog.Decimal(a.Pack.V*int64(one)).String()
			}
		}
		if got != tt.want {
			t.Errorf("ParseAmount(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"XXL", "2XL"}, {"2XL", "2XL"}, {"xxxl", "3XL"}, {"1XL", "XL"}, {"s", "S"}, {"M码", "M"}, {"L(建议100-110斤)", "L"}, {"XL【120斤】", "XL"},
		{"均码", "均码"}, {"Free Size", "均码"}, {"F", "均码"}, {"42", "42"}, {"42码", "42"}, {"42.5", "42.5"}, {"110cm", "110"}, {"110", "110"}, {"XXS", "XXS"}, {"2XS", "XXS"},
		{"", ""}, {"大", ""}, {"S/M", ""}, {"40-44", ""}, {"0L", ""}, {"99XL", ""}, {"7", ""}, {"500", ""}, {"042", ""}, {"-42", ""}, {"LL", ""}, {"42.3", ""}, {"10cm", ""},
	} {
		if got := Size(tt.text); got != tt.want {
			t.Errorf("Size(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if got := Size(tt.want); tt.want != "" && got != tt.want {
			t.Errorf("Size(%q) = %q: it is not idempotent", tt.want, got)
		}
	}
}

func TestBaseColor(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ text, want string }{
		{"红", "红色"}, {"大红", "红色"}, {"酒红色", "红色"}, {"Red", "红色"}, {"粉红色", "粉色"}, {"藏青", "蓝色"}, {"米白", "米色"}, {"玫瑰金", "金色"}, {"透明", "透明"},
		{"花色", "多色"}, {"咖啡", "棕色"}, {"军绿", "绿色"}, {"深灰色", "灰色"},
		{"黑白", ""}, {"红黑格", ""}, {"", ""}, {"款式A", ""}, {"黑金", ""},
	} {
		if got := BaseColor(tt.text); got != tt.want {
			t.Errorf("BaseColor(%q) = %q, want %q", tt.text, got, tt.want)
		}
		if got := BaseColor(tt.want); tt.want != "" && got != tt.want {
			t.Errorf("BaseColor(%q) = %q: it is not idempotent", tt.want, got)
		}
	}
}

// TestBaseColorOfAnyTwo looks for all pairs of marks and names, and for their
// parts, with and without regard to bytes.
func TestBaseColorOfAnyTwo(t *testing.T) {
	t.Parallel()
	names := []string{"", "A01 ", "深", "迷彩"}
	for _, c := range baseColors {
		names = append(names, c.mark)
	}
	for _, p := range pairedColors {
		names = append(names, p.name, p.name[1:], p.name[:len(p.name)-1])
	}
	for _, a := range names {
		for _, b := range names {
			name := a + b
			if got, want := baseColor(name, bytesOf(name)), baseColor(name, ^byteSet(0)); got != want {
				t.Errorf("baseColor(%q) = %q, want %q", name, got, want)
			}
		}
	}
}

// TestVariants: canonical columns follow the aliases, keys do not.
func TestVariants(t *testing.T) {
	t.Parallel()
	sku := func(pairs ...string) catalog.OfferSKU {
		var s catalog.OfferSKU
		for i := 0; i < len(pairs); i += 2 {
			s.Attributes = append(s.Attributes, catalog.Attribute{Name: pairs[i], Value: pairs[i+1]})
		}
		return s
	}
	o := &catalog.Offer{ID: 1, Title: "杯", SKUs: []catalog.OfferSKU{
		sku("颜色分类", "Red", "size", "xxl"), sku("颜色", "红色", "尺码", "2XL"), sku("配色", "胭脂", "容量", "500ml"),
		sku("容量", "500ml", "净含量", "1L"), sku("颜色", "黑色", "主要颜色", "白色"),
	}}
	plain, aliased := new(catalog.Rows), new(catalog.Rows)
	New(Options{}).Normalise(o, catalog.Observation{}, plain)
	New(Options{Aliases: NewAliases(map[string]string{"配色": "颜色"}, map[string]map[string]string{"颜色": {"胭脂": "大红"}})}).Normalise(o, catalog.Observation{}, aliased)
	type columns struct{ Text, Color, Size, Quantity string }
	var got []columns
	for i, s := range aliased.SKUs {
		if s.SKUKey != plain.SKUs[i].SKUKey || s.AttributesText != plain.SKUs[i].AttributesText {
			t.Errorf("aliases change the key of %s", s.AttributesText)
		}
		q := ""
		if s.Quantity.OK {
			q = s.Quantity.V.String() + s.Unit.V
		}
		got = append(got, columns{s.CanonicalText.V, s.Color.V, s.Size.V, q})
	}
	want := []columns{
		{"尺码=2XL;颜色=红色", "红色", "2XL", ""}, {"", "红色", "2XL", ""}, {"容量=500ml;颜色=大红", "红色", "", "500ml"}, {"", "", "", ""}, {"颜色=白色;颜色=黑色", "", "", ""},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("variants (-want +got):\n%s", diff)
	}
	if plain.SKUs[2].Color.OK {
		t.Errorf("without aliases 配色 is a colour: %+v", plain.SKUs[2].Variant)
	}
}

// TestBuiltInAliases: canonical texts stay what they are, or a second pass over
// the same catalogue would give others.
func TestBuiltInAliases(t *testing.T) {
	t.Parallel()
	a := NewAliases(nil, nil)
	for alias := range builtInNames {
		once := a.Pair(catalog.Pair{Key: alias, Value: "x"})
		if again := a.Pair(once); again != once || alias != aliasKey(alias) {
			t.Errorf("name %q becomes %q and then %q", alias, once.Key, again.Key)
		}
	}
	for alias := range builtInColors {
		once := a.Pair(catalog.Pair{Key: nameColor, Value: alias})
		if again := a.Pair(once); again != once || alias != aliasKey(alias) {
			t.Errorf("colour %q becomes %q and then %q", alias, once.Value, again.Value)
		}
	}
}

func FuzzParseAmount(f *testing.F) {
	for _, s := range []string{"500ml", "2×30片", "3双/盒", "1.5L*12", "9e9kg"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if a := ParseAmount(Clean(s)); a.Quantity.OK && (a.Quantity.V <= 0 || !a.Unit.OK || a.Pack.OK && a.Pack.V <= 0) {
			t.Errorf("ParseAmount(%q) = %+v", s, a)
		}
	})
}
