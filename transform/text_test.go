package transform

import (
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

func TestClean(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, in, want string }{
		{"empty", "", ""},
		{"plain", "304不锈钢保温杯 500ml", "304不锈钢保温杯 500ml"},
		{"highlight", "新款<font color=red>连衣裙</font>女", "新款连衣裙女"},
		{"span without quotes", "<span class=H>杯</span>子", "杯子"},
		{"escaped span", `\u003cspan class=H\u003e` + "\u003cspan class=H\u003e杯\u003c/span\u003e", `\u003cspan class=H\u003e杯`},
		{"block tags separate", "红<br/>蓝<p>绿</p>", "红 蓝 绿"},
		{"comment", "a<!-- <b>x</b> -->b", "ab"},
		{"unfinished comment", "a <!-- b", "a <!-- b"},
		{"bracket in a quoted attribute", `<a title="x>y">杯</a>`, "杯"},
		{"less than", "a < b", "a < b"},
		{"less than a letter", "宽<b 高", "宽<b 高"},
		{"comparison of two", "3<5 & 7>2", "3<5 & 7>2"},
		{"size is no tag", "尺码<XL>加厚", "尺码<XL>加厚"},
		{"heart", "i <3 u", "i <3 u"},
		{"entities", "A&amp;B&quot;C&quot;&nbsp;D&#39;s", `A&B"C" D's`},
		{"doubly escaped", "A&amp;amp;B", "A&B"},
		{"escaped tag", "&lt;b&gt;杯&lt;/b&gt;", "杯"},
		{"doubly escaped tag", "&amp;lt;b&amp;gt;杯", "杯"},
		{"ampersand alone", "H&M代工", "H&M代工"},
		{"full width", "ＡＢＣ，１２（个）", "ABC,12(个)"},
		{"full-width markup", "＜b＞杯＜/b＞", "杯"},
		{"ligature and ring", "ﬁ Å", "fi Å"},
		{"combining", "e\u0301", "é"},
		{"composition across a joiner", "e\u200b\u0301", "é"},
		{"white space", "\t a\u3000\u00a0b \n\u2028c ", "a b c"},
		{"controls and marks", "\ufeffa\u200bb\u0000\u0007c\u202e\u00add", "abcd"},
		{"invalid UTF-8", "杯\xff\xe4\xb8", "杯\uFFFD"},
		{"brackets that mean something", "【现货】杯", "【现货】杯"},
		{"ornaments stay in text", "★杯", "★杯"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := Clean(tt.in)
			if got != tt.want {
				t.Errorf("Clean(%q) = %q, want %q", tt.in, got, tt.want)
			}
			if again := Clean(got); again != got {
				t.Errorf("Clean(%q) = %q, is not idempotent", got, again)
			}
		})
	}
}

func TestCleanHostileMarkup(t *testing.T) {
	t.Parallel()
	for _, in := range []string{
		strings.Repeat("&amp;", 50) + "lt;b>",
		"&" + strings.Repeat("amp;", 50_000) + "lt;b>",
		strings.Repeat("<", 30) + "b" + strings.Repeat("b>", 30),
		strings.Repeat("<!--", 50_000),
		strings.Repeat(`<b x="<b " `, 50_000),
		strings.Repeat("<b<b>", 20) + strings.Repeat(">", 20),
	} {
		got := Clean(in)
		if again := Clean(got); again != got {
			t.Errorf("Clean(Clean(%.40q...)) = %.80q, want %.80q", in, again, got)
		}
	}
}

// TestCleanEveryRune guards what the fast paths and the end of the peeling take
// for granted about NFKC.
func TestCleanEveryRune(t *testing.T) {
	t.Parallel()
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if !utf8.ValidRune(r) {
			continue
		}
		s := string(r)
		if isClean(s) && (norm.NFKC.String(s) != s || cleanOnce(s) != s) {
			t.Errorf("isClean(%q) = true, but Clean would change it", s)
		}
		if folded, ok := foldWide(s); ok && folded != norm.NFKC.String(s) {
			t.Errorf("foldWide(%q) = %q, want %q", s, folded, norm.NFKC.String(s))
		}
		if left := norm.NFKC.String(withoutMarkup.Replace(s)); left == "<" || left == "&" {
			t.Errorf("withoutMarkup leaves %q", s)
		}
		got := Clean("a" + s + "b")
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, is not idempotent", got, again)
		}
	}
}

// TestIsCleanOfWords: what is looked at eight bytes at a time is what is looked
// at one by one.
func TestIsCleanOfWords(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		for at := range 8 {
			b := []byte("~!a%;=>Z")
			b[at] = byte(c)
			want := c > ' ' && c < 0x7f && c != '&' && c != '<'
			if got := isPlainWord(string(b)); got != want {
				t.Errorf("isPlainWord(%q) = %v, want %v", b, got, want)
			}
			b[(at+3)%8] = '<'
			if isPlainWord(string(b)) {
				t.Errorf("isPlainWord(%q) = true", b)
			}
		}
	}
	for _, s := range []string{"12345678901234567", "1234567890 234567", "1234567890  34567", "123456789杯1234567890", "1234567890123456 ", "123456789\u00a0123"} {
		if want := s == cleanOnce(s) && !strings.Contains(s, "\u00a0"); isClean(s) != want {
			t.Errorf("isClean(%q) = %v, want %v", s, !want, want)
		}
	}
}

func TestCleanDoesNotAllocate(t *testing.T) {
	for _, s := range []string{"", "颜色", "304不锈钢保温杯 500ml 【现货】", "fb82997a5b64af3c729cea89bef44409"} {
		if n := testing.AllocsPerRun(100, func() { Clean(s) }); n != 0 {
			t.Errorf("Clean(%q) makes %v allocations, want 0", s, n)
		}
	}
}

func TestTrimOrnaments(t *testing.T) {
	t.Parallel()
	tests := []struct{ in, want string }{
		{"★品牌★", "品牌"}, {"● 材质", "材质"}, {"◆◆风格 ※", "风格"}, {"【品牌】", "【品牌】"}, {"★", "★"}, {"", ""},
		{"大❤小", "大❤小"}, {"❶款", "❶款"}, {"①款", "①款"},
	}
	for _, tt := range tests {
		if got := trimOrnaments(tt.in); got != tt.want {
			t.Errorf("trimOrnaments(%q) = %q, want %q", tt.in, got, tt.want)
		}
		if got := trimOrnaments(tt.want); got != tt.want {
			t.Errorf("trimOrnaments(%q) = %q, is not idempotent", tt.want, got)
		}
	}
}
