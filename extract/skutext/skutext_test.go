package skutext

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// shown writes what became of a text as name=value|name=value, or "?" when it
// could not be settled.
func shown(list []catalog.Attribute) string {
	if list == nil {
		return "?"
	}
	var parts []string
	for _, a := range list {
		parts = append(parts, fmt.Sprintf("%s=%s", a.Name, a.Value))
	}
	return strings.Join(parts, "|")
}

func TestTakeApart(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name  string
		texts []string
		want  []string
	}{
		{"none", nil, nil},
		{"no attributes", []string{""}, []string{""}},
		{"two", []string{"颜色:红色;尺码:XL"}, []string{"颜色=红色|尺码=XL"}},
		{"in any order", []string{"颜色:红;尺码:XL", "尺码:L;颜色:白"}, []string{"颜色=红|尺码=XL", "尺码=L|颜色=白"}},
		{"spaces and a trailing separator", []string{" 颜色 : 红 ; 尺码:L; "}, []string{"颜色=红|尺码=L"}},
		{"colon in a value", []string{"颜色:黑色:升级款;尺码:L"}, []string{"颜色=黑色:升级款|尺码=L"}},
		{"semicolon in a value", []string{"规格:30*40;加厚;颜色:白"}, []string{"规格=30*40;加厚|颜色=白"}},
		{"ratio in a value", []string{"款式:1:1复刻 白;尺码:L", "款式:A款;1:1;尺码:L"}, []string{"款式=1:1复刻 白|尺码=L", "款式=A款;1:1|尺码=L"}},
		{"both in a value", []string{"颜色:白;尺码:L", "颜色:红;尺码:L", "颜色:黑;升级:快;尺码:L"},
			[]string{"颜色=白|尺码=L", "颜色=红|尺码=L", "颜色=黑;升级:快|尺码=L"}},
		{"fewer names win a draw", []string{"颜色:黑;升级:快;尺码:L", "颜色:白;尺码:L"}, []string{"颜色=黑;升级:快|尺码=L", "颜色=白|尺码=L"}},
		{"a draw", []string{"颜色:黑;尺码:L", "颜色:黑;升级:快"}, []string{"?", "?"}},
		{"a name is missing", []string{"颜色:白;尺码:L", "颜色:红;尺码:L", "颜色:黑"}, []string{"颜色=白|尺码=L", "颜色=红|尺码=L", "?"}},
		{"a name stands twice", []string{"颜色:白;尺码:L", "颜色:红;尺码:L", "颜色:黑;颜色:灰;尺码:L"}, []string{"颜色=白|尺码=L", "颜色=红|尺码=L", "?"}},
		{"another name comes first", []string{"颜色:白", "颜色:红", "备注:x;颜色:黑"}, []string{"颜色=白", "颜色=红", "?"}},
		{"entities do not separate", []string{"颜色:A&amp;B:C;尺码:&quot;L&quot;"}, []string{"颜色=A&amp;B:C|尺码=&quot;L&quot;"}},
		{"what only looks like an entity", []string{"颜色:A&B;尺码:L"}, []string{"颜色=A&B|尺码=L"}},
		{"full width is of the value", []string{"颜色：红；x:y"}, []string{"颜色：红；x=y"}},
		{"no name", []string{"红色"}, []string{"=红色"}},
		{"no name, two values", []string{"红色;XL"}, []string{"?"}},
		{"no name, a ratio", []string{"1:1"}, []string{"?"}},
		{"empty value", []string{"颜色:;尺码:L"}, []string{"颜色=|尺码=L"}},
	}
	for _, c := range cases {
		var got []string
		for _, list := range TakeApart(c.texts) {
			got = append(got, shown(list))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: TakeApart(%q) (-want +got):\n%s", c.name, c.texts, diff)
		}
	}
}
