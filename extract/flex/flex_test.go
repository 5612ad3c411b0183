package flex

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// value reads one JSON value as the field "v" of an offer.
func value[T any](t *testing.T, json string, read func(d *Decoder) T) (got T, issues []catalog.Issue) {
	t.Helper()
	var p Pool
	err := p.Read(200, []byte(`{"v":`+json+`}`), func(d *Decoder) {
		issues = d.Offer(func() {
			for range d.Object() {
				got = read(d)
			}
		})
	})
	if err != nil {
		t.Errorf("Read(%s) = %v", json, err)
	}
	return got, issues
}

func badType(path, message, excerpt string) []catalog.Issue {
	return []catalog.Issue{{Code: CodeBadType, Path: path, Message: message, Excerpt: excerpt}}
}

func TestText(t *testing.T) {
	t.Parallel()
	cases := []struct {
		json, want string
		issues     []catalog.Issue
	}{
		{json: `"a\u4fdd\"b"`, want: `a保"b`},
		{json: `12.50`, want: "12.50"},
		{json: `-1.5E+3`, want: "-1.5E+3"},
		{json: `99999999999999999999.10`, want: "99999999999999999999.10"},
		{json: `true`, want: "true"},
		{json: `false`}, {json: `null`}, {json: `""`}, {json: `[]`}, {json: `{ }`}, {json: "[\n]"},
		{json: `"\ud800"`, want: "\uFFFD"},
		{json: `[1]`, issues: badType("v", "want text, got array", "[1]")},
		{json: `{"a":1}`, issues: badType("v", "want text, got object", `{"a":1}`)},
	}
	for _, c := range cases {
		got, issues := value(t, c.json, (*Decoder).Text)
		if got != c.want {
			t.Errorf("Text(%s) = %q, want %q", c.json, got, c.want)
		}
		if d := cmp.Diff(c.issues, issues); d != "" {
			t.Errorf("Text(%s) issues (-want +got):\n%s", c.json, d)
		}
	}
}

func TestTextsOfDifferentLengthsStayApart(t *testing.T) {
	t.Parallel()
	var want []string
	for n := range 400 {
		want = append(want, strings.Repeat(string(rune('a'+n%26)), 1+n*7%3000))
	}
	body := `["` + strings.Join(want, `","`) + `"]`
	var p Pool
	for range 3 { // the second round runs on a used arena
		var got []string
		if err := p.Read(200, []byte(body), func(d *Decoder) { got = d.Texts(nil) }); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatalf("Texts (-want +got):\n%s", d)
		}
	}
}

func TestBool(t *testing.T) {
	t.Parallel()
	yes, no, none := catalog.Some(true), catalog.Some(false), catalog.Opt[bool]{}
	cases := []struct {
		json string
		want catalog.Opt[bool]
		bad  bool
	}{
		{json: `true`, want: yes}, {json: `"true"`, want: yes}, {json: `"TRUE"`, want: yes}, {json: `1`, want: yes},
		{json: `"1"`, want: yes}, {json: `"yes"`, want: yes},
		{json: `false`, want: no}, {json: `"false"`, want: no}, {json: `0`, want: no}, {json: `"no"`, want: no},
		{json: `null`, want: none}, {json: `""`, want: none}, {json: `[]`, want: none}, {json: `{}`, want: none},
		{json: `"maybe"`, bad: true}, {json: `2`, bad: true}, {json: `[true]`, bad: true},
	}
	for _, c := range cases {
		got, issues := value(t, c.json, (*Decoder).Bool)
		if got != c.want || (len(issues) > 0) != c.bad {
			t.Errorf("Bool(%s) = %v with issues %v, want %v", c.json, got, issues, c.want)
		}
	}
}

func TestOfferID(t *testing.T) {
	t.Parallel()
	cases := []struct {
		json string
		want catalog.OfferID
		bad  bool
	}{
		{json: `610947572360`, want: 610947572360}, {json: `"610947572360"`, want: 610947572360},
		{json: `123.0`, want: 123}, {json: `"123.00"`, want: 123}, {json: `6.1E3`, want: 6100}, {json: `6.125e3`, want: 6125},
		{json: `9223372036854775807`, want: 9223372036854775807},
		{json: `null`}, {json: `""`}, {json: `[]`}, {json: `false`},
		{json: `9223372036854775808`, bad: true}, {json: `1e30`, bad: true}, {json: `1.5`, bad: true}, {json: `"abc"`, bad: true},
		{json: `0`, bad: true}, {json: `-5`, bad: true}, {json: `1e-2`, bad: true}, {json: `[5]`, bad: true}, {json: `true`, bad: true},
	}
	for _, c := range cases {
		got, issues := value(t, c.json, (*Decoder).OfferID)
		if got.V != c.want || got.OK != (c.want != 0) || (len(issues) > 0) != c.bad {
			t.Errorf("OfferID(%s) = %v with issues %v, want %v", c.json, got, issues, c.want)
		}
	}
}

func TestTexts(t *testing.T) {
	t.Parallel()
	cases := []struct {
		json string
		want []string
		bad  bool
	}{
		{json: `["a",1,null,"","b"]`, want: []string{"a", "1", "b"}},
		{json: `"a"`, want: []string{"a"}},
		{json: `{"0":"a","2":"b"}`, want: []string{"a", "b"}},
		{json: `null`}, {json: `""`}, {json: `{}`}, {json: `[]`}, {json: `false`},
		{json: `["a",["b"]]`, want: []string{"a"}, bad: true},
	}
	for _, c := range cases {
		got, issues := value(t, c.json, func(d *Decoder) []string { return d.Texts(nil) })
		if d := cmp.Diff(c.want, got); d != "" || (len(issues) > 0) != c.bad {
			t.Errorf("Texts(%s) = %q with issues %v, want %q", c.json, got, issues, c.want)
		}
	}
}

func TestRows(t *testing.T) {
	t.Parallel()
	cases := []struct {
		json   string
		want   Table
		ids    []string
		issues []catalog.Issue
		bad    bool
	}{
		{json: `[{"id":1},null,{"id":2}]`, want: Table{Rows: 2, Dropped: 1}, ids: []string{"1", "2"}},
		{json: `{"0":{"id":1},"2":{"id":"x"}}`, want: Table{Rows: 2}, ids: []string{"1", "x"}},
		{json: `{"id":7}`, want: Table{Rows: 1}, ids: []string{"7"}},
		{json: `[]`}, {json: `{}`}, {json: `""`}, {json: `null`}, {json: `false`},
		{json: `[null]`, want: Table{Dropped: 1}, bad: true},
		{
			json: `[{"id":1},"x"]`, want: Table{Rows: 1, Dropped: 1}, ids: []string{"1"},
			issues: badType("v[1]", "want an object, got string", `"x"`),
		},
		{json: `"x"`, want: Table{Unreadable: true}, issues: badType("v", "want a list, got string", `"x"`), bad: true},
		{json: `true`, want: Table{Unreadable: true}, issues: badType("v", "want a list, got bool", `true`), bad: true},
		{
			json: `[{"id":[5]}]`, want: Table{Rows: 1}, ids: []string{""},
			issues: badType("v[0].id", "want text, got array", `[5]`),
		},
	}
	for _, c := range cases {
		var ids []string
		got, issues := value(t, c.json, func(d *Decoder) Table {
			return d.Rows(func() {
				for range d.Object() {
					ids = append(ids, d.Text())
				}
			})
		})
		if got != c.want || got.Bad() != c.bad {
			t.Errorf("Rows(%s) = %+v, bad %v, want %+v", c.json, got, got.Bad(), c.want)
		}
		if d := cmp.Diff(c.ids, ids); d != "" {
			t.Errorf("Rows(%s) rows (-want +got):\n%s", c.json, d)
		}
		if d := cmp.Diff(c.issues, issues); d != "" {
			t.Errorf("Rows(%s) issues (-want +got):\n%s", c.json, d)
		}
	}
}

func TestKind(t *testing.T) {
	t.Parallel()
	cases := map[string]Kind{
		`null`: Empty, `""`: Empty, `[]`: Empty, `{}`: Empty, `false`: Empty,
		`"x"`: Scalar, `1`: Scalar, `true`: Scalar, `[0]`: Array, `{"a":1}`: Object, `{"":1}`: Object, `{"10":1}`: Positions,
	}
	for json, want := range cases {
		if got, _ := value(t, json, (*Decoder).Kind); got != want {
			t.Errorf("Kind(%s) = %v, want %v", json, got, want)
		}
	}
}

func TestUnreadValuesAreSkipped(t *testing.T) {
	t.Parallel()
	var keys []string
	var p Pool
	err := p.Read(200, []byte(`{"a":{"b":[1,{"c":2}]},"d":[3],"e":"f"}`), func(d *Decoder) {
		for k := range d.Object() {
			keys = append(keys, string(k))
			if string(k) == "d" {
				break
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff([]string{"a", "d"}, keys); d != "" {
		t.Errorf("keys (-want +got):\n%s", d)
	}
}

func TestReadRefusesWhatIsNotOneJSONValue(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name, body string
		status     int
		class      catalog.Class
		message    string
	}{
		{"empty", "", 200, catalog.ErrMalformed, "empty body"},
		{"white space", " \r\n", 200, catalog.ErrMalformed, "empty body"},
		{
			"page", "<html><head><title>502 Bad\nGateway</title></head><body>\x01nginx</body></html>", 200,
			catalog.ErrMalformed, "not JSON: 502 Bad Gateway nginx",
		},
		{"page with 502", "<html>busy</html>", 502, catalog.ErrUnavailable, "not JSON: busy"},
		{"text with 429", "slow down", 429, catalog.ErrThrottled, "not JSON: slow down"},
		{"text that begins like a literal", "temporarily unavailable", 200, catalog.ErrMalformed, "not JSON: temporarily unavailable"},
		{"torn", `{"a":[1,2`, 200, catalog.ErrMalformed, `object: array: "," or "]" expected: unexpected EOF: {"a":[1,2`},
		{"torn string", `{"a":"b`, 200, catalog.ErrMalformed, `object: str: unexpected EOF: {"a":"b`},
		{"two values", `{"a":1} {}`, 200, catalog.ErrMalformed, errTrailing.Error() + `: {"a":1} {}`},
		{"stray byte", `{"a":1}}`, 200, catalog.ErrMalformed, errTrailing.Error() + `: {"a":1}}`},
		{"comma", `[1,]`, 200, catalog.ErrMalformed, `array: unexpected byte 93 ']' at 3: [1,]`},
	}
	for _, c := range cases {
		var p Pool
		err := p.Read(c.status, []byte(c.body), func(d *Decoder) {
			for range d.Array() {
				d.Text()
			}
		})
		var ge *catalog.GatewayError
		if !errors.As(err, &ge) {
			t.Errorf("%s: Read = %v, want a GatewayError", c.name, err)
			continue
		}
		if ge.Class != c.class || ge.Message != c.message || ge.Status != c.status {
			t.Errorf("%s: Read = %v %d %q, want %v %d %q", c.name, ge.Class, ge.Status, ge.Message, c.class, c.status, c.message)
		}
	}
}

func TestReadBoundsNesting(t *testing.T) {
	t.Parallel()
	var p Pool
	for _, open := range []string{"[", `{"a":`, `[{"0":`} {
		err := p.Read(200, []byte(strings.Repeat(open, 200_000)), (*Decoder).Skip)
		if catalog.ClassOf(err) != catalog.ErrMalformed {
			t.Errorf("Read(%s...) = %v, want %v", open, err, catalog.ErrMalformed)
		}
	}
}

func TestReadRepairsUTF8(t *testing.T) {
	t.Parallel()
	body := []byte("\xef\xbb\xbf{\"title\":\"\xb1\xa3x\"}")
	sent := string(body)
	var title string
	var issues []catalog.Issue
	var p Pool
	err := p.Read(200, body, func(d *Decoder) {
		issues = d.Offer(func() {
			for range d.Object() {
				title = d.Text()
			}
		})
	})
	if err != nil || title != "\uFFFDx" {
		t.Errorf("Read = %q, %v, want %q", title, err, "\uFFFDx")
	}
	if len(issues) != 1 || issues[0].Code != CodeBadUTF8 {
		t.Errorf("issues = %v, want one %s", issues, CodeBadUTF8)
	}
	if string(body) != sent {
		t.Errorf("the body was changed to %q", body)
	}
}

func TestIssuesAreBounded(t *testing.T) {
	t.Parallel()
	body := "[" + strings.TrimSuffix(strings.Repeat("[1],", 250), ",") + "]"
	_, issues := value(t, body, func(d *Decoder) []string { return d.Texts(nil) })
	if len(issues) != maxIssues+1 || issues[maxIssues].Message != "150 more fields could not be used" {
		t.Errorf("%d issues, the last is %v; want %d", len(issues), issues[len(issues)-1], maxIssues+1)
	}
}

func TestExcerpt(t *testing.T) {
	t.Parallel()
	for n := range 8 {
		in := strings.Repeat("a", 115+n) + "保温杯"
		got := Excerpt([]byte(in))
		if len(got) > maxExcerpt || len(got) < maxExcerpt-3 || !utf8.ValidString(got) || !strings.HasPrefix(in, got) {
			t.Errorf("Excerpt of %d a's = %q", 115+n, got)
		}
	}
	if got := Excerpt([]byte("a\xffb")); got != "a?b" {
		t.Errorf("Excerpt(%q) = %q, want %q", "a\xffb", got, "a?b")
	}
}
