package transform

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestImageURL(t *testing.T) {
	t.Parallel()
	const host = "https://cbu01.alicdn.com/"
	tests := []struct{ in, want string }{
		{host + "img/ibank/O1CN01x_!!1-0-cib.jpg", host + "img/ibank/O1CN01x_!!1-0-cib.jpg"},
		{"http://cbu01.alicdn.com/img/1.jpg", host + "img/1.jpg"},
		{"HTTP://cbu01.alicdn.com/img/1.jpg", host + "img/1.jpg"},
		{"//cbu01.alicdn.com/img/1.jpg_800x800.jpg", host + "img/1.jpg"},
		{host + "img/1.png_220x220q90.jpg_.webp", host + "img/1.png"},
		{host + "img/1.jpg_10x10.jpg_800x800.jpg", host + "img/1.jpg"},
		{host + "img/a_800x800.jpg", host + "img/a_800x800.jpg"},
		{host + "img/1.jpg_ax800.jpg", host + "img/1.jpg_ax800.jpg"},
		{host + "img/1.jpg_80x/2.jpg", host + "img/1.jpg_80x/2.jpg"},
		{"img/ibank/2018/1.jpg", host + "img/ibank/2018/1.jpg"},
		{"/img/ibank/2018/1.jpg", host + "img/ibank/2018/1.jpg"},
		{" cbu01.alicdn.com/img/1.jpg ", host + "img/1.jpg"},
		{"https://img.china.alibaba.com/1.jpg?a=1&amp;b=2", "https://img.china.alibaba.com/1.jpg?a=1&b=2"},
		{"https://cbu01.alicdn.com/图 1.jpg", host + "%E5%9B%BE%201.jpg"},
		{"", ""},
		{"none", ""},
		{"data:image/gif;base64,R0lGOD", ""},
		{"javascript:alert(1)", ""},
		{"ftp://cbu01.alicdn.com/1.jpg", ""},
		{"file:///C:/1.jpg", ""},
		{"C:/pictures/1.jpg", ""},
		{"https://", ""},
		{"https://localhost/1.jpg", ""},
		{"https://user@evil.com/1.jpg", ""},
		{"https://a.b\x00c/1.jpg", ""},
		{host + strings.Repeat("x", 3000), ""},
	}
	for _, tt := range tests {
		got, ok := ImageURL(tt.in)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("ImageURL(%q) = %q, %v, want %q", tt.in, got, ok, tt.want)
		}
		if again, _ := ImageURL(got); again != got {
			t.Errorf("ImageURL(%q) = %q, is not idempotent", got, again)
		}
	}
}

// TestIsPlainURL goes through all bytes in all parts of an address.
func TestIsPlainURL(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		b := string([]byte{byte(c)})
		printable := c > ' ' && c <= '~' && !strings.Contains("\"<>\\^`{|}", b)
		letter := strings.Contains("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:", b)
		ends := strings.Contains("/?#", b)
		for _, tt := range []struct {
			s    string
			want bool
		}{
			{"a.b/" + b, printable}, {"a.b?" + b + "c", printable}, {"a.b#x" + b, printable}, {"a." + b, letter}, {"x" + b + ".b/c", letter},
			{"a.bc" + b + "d", letter || ends}, {b + ".b", letter && b != "."},
		} {
			if got := isPlainURL(tt.s); got != tt.want {
				t.Errorf("isPlainURL(%q) = %v, want %v", tt.s, got, tt.want)
			}
		}
	}
	for _, s := range []string{"", ".", "a", "a.", ".a", "/a.b", "a/.b", "?", "a.b/" + strings.Repeat("x", maxURL), strings.Repeat("x", maxURL) + ".y"} {
		if isPlainURL(s) {
			t.Errorf("isPlainURL(%q) = true", s)
		}
	}
}

func TestEachImage(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, in string
		want     []string
	}{
		{"none", "<p>杯 a < b</p>", nil},
		{"quotes of all kinds", `<img src="a"><IMG alt='x' SRC='b' /><img src=c><img src = "d">`, []string{"a", "b", "c", "d"}},
		{"lazy source wins", `<img src="s.gif" data-lazyload-src="real"><img data-src="r2" src="x">`, []string{"real", "r2"}},
		{"embedded", `<img src="data:image/png;base64,AAAA"><img src="a">`, []string{"a"}},
		{"embedded placeholder", `<img src="data:image/gif;base64,AAAA" data-lazyload-src="a">`, []string{"a"}},
		{"bracket in a value", `<img alt="1 > 0" src="a">`, []string{"a"}},
		{"entity in a source", `<img src="a?x=1&amp;y=2">`, []string{"a?x=1&y=2"}},
		{"escaped as a whole", `&lt;p&gt;&lt;img src=&quot;a&quot;&gt;`, []string{"a"}},
		{"usemap", `<img usemap="#m" src="a" border=0>`, []string{"a"}},
		{"not images", `<image src="x"><imgx src="y"><b src="z">`, nil},
		{"unfinished", `<img src="a`, []string{"a"}},
		{"unfinished tag before another", `<img src=a <img src=b>`, []string{"a", "b"}},
		{"nothing in it", `<img>`, nil},
		{"equals signs", `<img = == src=a>`, []string{"a"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			eachImage(tt.in, func(src string) { got = append(got, src) })
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("eachImage(%q) (-want +got):\n%s", tt.in, diff)
			}
		})
	}
}
