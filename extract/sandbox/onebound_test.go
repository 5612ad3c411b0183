package sandbox_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"offerlake/extract/onebound"
	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// TestOneboundSignedForms signs calls as the SDK does, with every parameter
// that it signs and those that it does not.
func TestOneboundSignedForms(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 100})
	d, err := onebound.New(onebound.Options{Sign: true, Format: "xml", NoCache: true, Language: "en", Version: "2", Sales: true, Agent: true})
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []struct{ from, to string }{{}, {"num_iid=", "num_iid=1"}, {"result_type=xml", "result_type=jsonu"}, {"cache=no", "cache=yes"}} {
		req, err := d.Build(t.Context(), "http://sandbox", d.Details([]catalog.OfferID{s.Catalog().ID(1)}), sandbox.Credentials(), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		var form bytes.Buffer
		if _, err := form.ReadFrom(req.Body); err != nil {
			t.Fatal(err)
		}
		body := strings.Replace(form.String(), change.from, change.to, 1)
		forged := httptest.NewRequest(http.MethodPost, req.URL.String(), strings.NewReader(body))
		forged.Header = req.Header
		a := serve(s, forged)
		refused := bytes.Contains(a.body, []byte("4005"))
		if want := change.from != "" && change.from != "cache=no"; refused != want {
			t.Errorf("%q for %q: refused %v, want %v\n%.300s", change.to, change.from, refused, want, a.body)
		}
	}
}

func TestOneboundFormatsOverHTTP(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 100})
	for format, want := range map[string]string{"": "application/json", "json": "application/json", "jsonu": "application/json", "xml": "text/xml"} {
		r := oneboundRequest("item_search", map[string]string{"q": "雨伞", "result_type": format})
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		raw := strings.Contains(w.Body.String(), "雨伞")
		if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) || raw != (format == "jsonu" || format == "xml") {
			t.Errorf("format %q: Content-Type %s, Chinese as it is: %v\n%.200s", format, got, raw, w.Body)
		}
	}
}

func TestReviewsOfSandbox(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 1000}).Catalog()
	total, ids := 0, make(map[string]bool)
	for i := range c.Len() {
		o := c.Offer(i)
		list := c.Reviews(o.ID)
		total += len(list)
		for k, r := range list {
			if ids[r.ID] {
				t.Errorf("review id %s occurs twice", r.ID)
			}
			ids[r.ID] = true
			if r.Rating < 1 || r.Rating > 5 || r.Text == "" || (r.SKUText == "") != (len(o.SKUs) == 0 || len(o.SKUs[0].Attributes) == 0) ||
				!r.At.After(o.CreatedAt) || k > 0 && r.At.After(list[k-1].At) {
				t.Errorf("offer %d: review %+v", o.ID, r)
			}
		}
	}
	if total < 5000 || total > 50_000 {
		t.Errorf("%d reviews of 1000 offers", total)
	}
	if got := c.Reviews(1); got != nil {
		t.Errorf("reviews of no offer: %v", got)
	}
}
