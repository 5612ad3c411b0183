package transform

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// The keys are those that sha256sum prints, cut to 32 digits.
func TestSKUKey(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, want string
	}{
		{"尺码=S;颜色=白", "854628917e0c7fa0650630715003647b"},
		{"", "9d6f73af358d4b18b4a6a10c282d038d"},
	}
	for _, tt := range tests {
		if got := SKUKey(610947572360, tt.text); got != tt.want {
			t.Errorf("SKUKey(610947572360, %q) = %s, want %s", tt.text, got, tt.want)
		}
	}
}

func TestAttributesText(t *testing.T) {
	t.Parallel()
	type attrs = []catalog.Attribute
	tests := []struct {
		name string
		in   attrs
		want string
	}{
		{"none", nil, ""},
		{"sorted by name", attrs{{Name: "颜色", Value: "白"}, {Name: "尺码", Value: "S"}}, "尺码=S;颜色=白"},
		{"bytewise", attrs{{Name: "a", Value: "1"}, {Name: "B", Value: "2"}}, "B=2;a=1"},
		{"ties by value", attrs{{Name: "颜色", Value: "b"}, {Name: "颜色", Value: "a"}}, "颜色=a;颜色=b"},
		{"repeated pair", attrs{{Name: "颜色", Value: "红"}, {Name: "颜色", Value: " 红 "}}, "颜色=红"},
		{"cleaned", attrs{{Name: "<b>颜色</b>", Value: "红&amp;白"}}, "颜色=红&白"},
		{"empty pair", attrs{{Name: " ", Value: ""}, {Name: "颜色", Value: "红"}}, "颜色=红"},
		{"empty value", attrs{{Name: "颜色"}}, "颜色="},
		{"ornaments stay", attrs{{Name: "颜色", Value: "★红"}}, "颜色=★红"},
		{"as text", attrs{{Value: "颜色:红色;尺码:XL"}}, "尺码=XL;颜色=红色"},
		{"as text, full width", attrs{{Value: "颜色：红色；尺码：XL"}}, "尺码=XL;颜色=红色"},
		{"value without a name", attrs{{Value: "红色"}}, "=红色"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := AttributesText(tt.in); got != tt.want {
				t.Errorf("AttributesText(%v) = %q, want %q", tt.in, got, tt.want)
			}
		})
	}
}

func TestUniqueNames(t *testing.T) {
	t.Parallel()
	in := []catalog.Pair{{Key: "a", Value: "1"}, {Key: "b", Value: "1"}, {Key: "b", Value: "2"}, {Key: "b", Value: "3"}, {Key: "c", Value: ""}}
	want := []catalog.Pair{{Key: "a", Value: "1"}, {Key: "b", Value: "1/2/3"}, {Key: "c", Value: ""}}
	if diff := cmp.Diff(want, uniqueNames(in)); diff != "" {
		t.Errorf("uniqueNames (-want +got):\n%s", diff)
	}
}

func TestParseAttributeText(t *testing.T) {
	t.Parallel()
	type attrs = []catalog.Attribute
	tests := []struct {
		name, in string
		want     attrs
	}{
		{"empty", "", nil},
		{"two", "颜色:红色;尺码:L", attrs{{Name: "颜色", Value: "红色"}, {Name: "尺码", Value: "L"}}},
		{"spaces and a trailing separator", " 颜色 : 红色 ; 尺码:L; ", attrs{{Name: "颜色", Value: "红色"}, {Name: "尺码", Value: "L"}}},
		{"full width", "颜色：红色；尺码：L", attrs{{Name: "颜色", Value: "红色"}, {Name: "尺码", Value: "L"}}},
		{"colon in a value", "颜色:黑色:升级款;尺码:L", attrs{{Name: "颜色", Value: "黑色:升级款"}, {Name: "尺码", Value: "L"}}},
		{"semicolon in a value", "规格:30*40;加厚;颜色:白", attrs{{Name: "规格", Value: "30*40;加厚"}, {Name: "颜色", Value: "白"}}},
		{"ratio in a value", "款式:1:1复刻 白;尺码:L", attrs{{Name: "款式", Value: "1:1复刻 白"}, {Name: "尺码", Value: "L"}}},
		{"ratio after a semicolon", "款式:A款;1:1", attrs{{Name: "款式", Value: "A款;1:1"}}},
		{"slash", "颜色:D7500迷彩/camouflage", attrs{{Name: "颜色", Value: "D7500迷彩/camouflage"}}},
		{"entity", "颜色:A&amp;B;尺码:L", attrs{{Name: "颜色", Value: "A&B"}, {Name: "尺码", Value: "L"}}},
		{"positions", "0:0:颜色:白;1:0:尺码:S", attrs{{Name: "颜色", Value: "白"}, {Name: "尺码", Value: "S"}}},
		{"positions and separators", "0:0:颜色:黑色:升级款;A:B;1:0:尺码:S", attrs{{Name: "颜色", Value: "黑色:升级款;A:B"}, {Name: "尺码", Value: "S"}}},
		{"no name", "红色", attrs{{Value: "红色"}}},
		{"empty value", "颜色:;尺码:L", attrs{{Name: "颜色"}, {Name: "尺码", Value: "L"}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tt.want, ParseAttributeText(tt.in)); diff != "" {
				t.Errorf("ParseAttributeText(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}
