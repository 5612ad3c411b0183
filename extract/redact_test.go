package extract

import (
	"net/url"
	"strings"
	"testing"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// leaks reports whether s holds a piece of secret that is worth hiding.
func leaks(s, secret string) bool {
	for i := 0; i+minFragment <= len(secret); i++ {
		if strings.Contains(s, secret[i:i+minFragment]) {
			return true
		}
	}
	return false
}

// Excerpts cut answers wherever they like, so also within an echoed secret.
func TestRedactsCutSecrets(t *testing.T) {
	t.Parallel()
	const secret = "q7W/zX+3kd9Rb=2mYv8Lp" // 21 bytes
	r := newRedactor()
	r.add(secret, "q7W/zX+3") // another one that begins alike
	forms := []string{secret, url.QueryEscape(secret), url.PathEscape(secret), strings.ReplaceAll(secret, "/", `\/`)}
	for _, form := range forms {
		for cut := range len(form) + 1 {
			head := r.excerpt("not JSON: key " + form[:cut])
			tail := r.excerpt(form[cut:] + " is used up")
			if leaks(head, form) || leaks(tail, form) {
				t.Errorf("%q cut at %d = %q and %q, which leak", form, cut, head, tail)
			}
			if !strings.HasPrefix(head, "not JSON: key ") || !strings.HasSuffix(tail, " is used up") {
				t.Errorf("%q cut at %d = %q and %q, which lack the other words", form, cut, head, tail)
			}
		}
		if got, want := r.excerpt("a "+form+" b "+form+form), "a [redacted] b [redacted][redacted]"; got != want {
			t.Errorf("excerpt with %q = %q, want %q", form, got, want)
		}
		if got, want := r.text(form+" "+form[:5]), "[redacted] "+form[:5]; got != want {
			t.Errorf("text with %q = %q, want %q", form, got, want)
		}
	}
	for _, s := range []string{"", "q7W", "no secret", "杯子"} {
		if got := r.excerpt(s); got != s {
			t.Errorf("excerpt(%q) = %q, want it unchanged", s, got)
		}
	}
}

func TestMalformedAnswerWithACutSecret(t *testing.T) {
	t.Parallel()
	const secret = "q7WazXb3kd9Rbc2mYv8Lp"
	c := newTestClient(t, single, newMemJournal(), nil, func(o *Options) {
		o.Replay, o.Credentials = true, []Credential{{Secret: secret}}
	})
	var pool flex.Pool
	for pad := 90; pad <= 125; pad++ {
		body := "<p>" + strings.Repeat(".", pad) + secret + "</p>"
		err := c.gatewayError("details", 200, pool.Read(200, []byte(body), func(*flex.Decoder) {}))
		if leaks(err.Error(), secret) {
			t.Errorf("secret after %d bytes: error = %v, which leaks", pad, err)
		}
	}
}

// leakyDialect reports an issue of each offer that quotes a secret.
type leakyDialect struct {
	fakeDialect
	issue catalog.Issue
}

func (d leakyDialect) DecodeDetails(a Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	return d.fakeDialect.DecodeDetails(a, ids, func(id catalog.OfferID, o *catalog.Offer, err error) {
		o.DecodeIssues = []catalog.Issue{d.issue}
		emit(id, o, err)
	})
}

func TestIssuesHoldNoSecret(t *testing.T) {
	t.Parallel()
	const secret = "q7WazXb3kd9Rbc2mYv8Lp"
	d := leakyDialect{single, catalog.Issue{Code: "bad_type", Path: "price", Message: "got " + secret, Excerpt: `{"k":"` + secret[:15]}}
	c := newTestClient(t, d, newMemJournal(), says(offers(7)), func(o *Options) {
		o.Credentials = []Credential{{AccessToken: secret}}
	})
	got, _, err := detailOf(t.Context(), c, 7)
	if err != nil || got.Offer == nil {
		t.Fatalf("Details = %+v, %v, want the offer", got, err)
	}
	want := catalog.Issue{Code: "bad_type", Path: "price", Message: "got [redacted]", Excerpt: `{"k":"[redacted]`}
	if issue := got.Offer.DecodeIssues[0]; issue != want {
		t.Errorf("issue = %+v, want %+v", issue, want)
	}
}

// TestSecretsAreTakenOutOfAnswers: a gateway that echoes a secret does not bring
// it into the journal, and what may be a part of the catalogue stays.
func TestSecretsAreTakenOutOfAnswers(t *testing.T) {
	t.Parallel()
	r := newRedactor()
	const secret = "s3cr/t-of-the-app-1688"
	r.add(secret, "1688001", "1688001688001688001")
	for _, test := range []struct{ body, want string }{
		{`{"error":"secret ` + secret + ` of key 1688001"}`, `{"error":"secret [redacted] of key 1688001"}`},
		{`{"error":"s3cr\/t-of-the-app-1688"}`, `{"error":"[redacted]"}`},
		{`{"url":"/?s=s3cr%2Ft-of-the-app-1688"}`, `{"url":"/?s=[redacted]"}`},
		{`{"id":1688001688001688001}`, `{"id":1688001688001688001}`},
		{``, ``},
	} {
		if got := string(r.body([]byte(test.body))); got != test.want {
			t.Errorf("body(%s) = %s, want %s", test.body, got, test.want)
		}
	}
	if b := []byte("nothing to hide"); &r.body(b)[0] != &b[0] {
		t.Error("an answer without a secret is copied")
	}
}
