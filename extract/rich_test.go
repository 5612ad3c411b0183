package extract

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// richDialect is a fakeDialect that can do everything that is optional. Its
// enrichments and uploads answer with the fields of richAnswer.
type richDialect struct{ fakeDialect }

type richAnswer struct {
	fakeAnswer
	Handle  string   `json:"handle,omitempty"`
	Reviews []string `json:"reviews,omitempty"`
	Next    bool     `json:"next,omitempty"`
}

func (richDialect) rich(a Answer) (richAnswer, error) {
	var f richAnswer
	if err := json.Unmarshal(a.Body, &f); err != nil {
		return f, err
	}
	if f.Class != "" {
		return f, &catalog.GatewayError{Class: catalog.Class(f.Class), Message: f.Message}
	}
	return f, nil
}

func (richDialect) Upload(p catalog.Picture) (Request, bool, error) {
	switch {
	case p.URL != "":
		return Request{}, false, nil
	case len(p.Data) > 4:
		return Request{}, false, errors.New("at most 4 bytes")
	}
	return Request{API: "upload", Params: catalog.Params{"sum": p.SHA256}, File: &File{Name: p.File, Data: p.Data}}, true, nil
}

func (d richDialect) DecodeUpload(a Answer) (string, error) {
	f, err := d.rich(a)
	return f.Handle, err
}

func (richDialect) Enrichments() map[catalog.Enrichment]Way {
	return map[catalog.Enrichment]Way{catalog.EnrichReviews: ByCall, catalog.EnrichSupplier: ByCall, catalog.EnrichSales: InDetails}
}

func (richDialect) Enrich(kind catalog.Enrichment, s catalog.Subject, page int, day time.Time) (Request, error) {
	if kind == catalog.EnrichSupplier && s.Supplier.LoginID == "" {
		return Request{}, nil
	}
	return Request{API: string(kind), Params: catalog.Params{
		"id": s.Offer.String(), "page": strconv.Itoa(page), "day": day.Format(time.DateOnly),
	}}, nil
}

func (d richDialect) DecodeExtra(_ catalog.Enrichment, _ catalog.Subject, a Answer) (catalog.Extra, error) {
	f, err := d.rich(a)
	e := catalog.Extra{More: f.Next}
	for _, id := range f.Reviews {
		e.Reviews = append(e.Reviews, catalog.RawReview{ID: id})
	}
	return e, err
}

func (richDialect) Call(api string, params catalog.Params) (Request, error) {
	if api == "" {
		return Request{}, errors.New("which API?")
	}
	return Request{API: api, Params: params}, nil
}

func (d richDialect) DecodeCall(a Answer) ([]byte, error) {
	if _, err := d.rich(a); err != nil {
		return nil, err
	}
	return a.Body, nil
}

// paged answers page p of any call with pages[p-1], and with last after that.
func paged(param, last string, pages ...string) *fakeGateway {
	return &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		n, err := strconv.Atoi(r.URL.Query().Get(param))
		if err != nil {
			n = 1
		}
		if n > len(pages) {
			return 200, last, nil
		}
		return 200, pages[n-1], nil
	}}
}

func TestCallPages(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		call    catalog.Call
		max     int
		last    string
		pages   []string
		want    []string // the records of all pages
		stop    catalog.StopReason
		perCall int
	}{
		{"one answer", catalog.Call{Records: "r.list"}, 0, "", []string{`{"r":{"list":[{"a":1},{"a":2}]}}`}, []string{`{"a":1}`, `{"a":2}`}, catalog.StopSingle, 1},
		{"the answer itself", catalog.Call{}, 0, "", []string{`{"a":1}`}, []string{`{"a":1}`}, catalog.StopSingle, 1},
		{"empty page ends", catalog.Call{Records: "l", PageParam: "p", FirstPage: 1}, 0, `{"l":[]}`, []string{`{"l":[1,2]}`, `{"l":[3]}`}, []string{"1", "2", "3"}, catalog.StopEmpty, 3},
		{"path missing past the end", catalog.Call{Records: "r.l", PageParam: "p", FirstPage: 1}, 0, `{"r":{}}`, []string{`{"r":{"l":[1]}}`}, []string{"1"}, catalog.StopEmpty, 2},
		{"empty values of PHP", catalog.Call{Records: "r.l"}, 0, "", []string{`{"r":""}`}, nil, catalog.StopSingle, 1},
		{"last page for ever", catalog.Call{Records: "l", PageParam: "p", FirstPage: 1}, 0, `{"l":[3]}`, []string{`{"l":[1,2]}`, `{"l":[3]}`}, []string{"1", "2", "3"}, catalog.StopRepeat, 3},
		{"page parameter ignored", catalog.Call{Records: "l", PageParam: "p", FirstPage: 1}, 0, `{"l":[1,2]}`, nil, []string{"1", "2"}, catalog.StopIgnored, 2},
		{"page limit", catalog.Call{Records: "l", PageParam: "p", FirstPage: 1}, 2, "", []string{`{"l":[1]}`, `{"l":[2]}`, `{"l":[3]}`}, []string{"1", "2"}, catalog.StopPages, 2},
		{"list on the way", catalog.Call{Records: "l.x"}, 0, "", []string{`{"l":[{"x":[1]},{"x":2}]}`}, []string{"1", "2"}, catalog.StopSingle, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			gw := paged("p", tt.last, tt.pages...)
			c := newTestClient(t, richDialect{}, newMemJournal(), gw, nil)
			tt.call.API = "orders"
			var got []string
			var stop catalog.StopReason
			for _, p := range drain(t, c, catalog.Leaf{Query: catalog.Query{Kind: catalog.CallQuery, Call: &tt.call}, MaxPages: tt.max}) {
				for _, r := range p.Records {
					got = append(got, string(r))
				}
				if p.At != startClock {
					t.Errorf("page %d: At = %v, want %v", p.Number, p.At, startClock)
				}
				stop = p.Stop
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("records (-want +got):\n%s", diff)
			}
			if stop != tt.stop || gw.calls() != tt.perCall {
				t.Errorf("stop %q after %d calls, want %q after %d", stop, gw.calls(), tt.stop, tt.perCall)
			}
		})
	}
}

func TestCallPagesErrors(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		d    Dialect
		call catalog.Call
		body string
		want catalog.Class
		says string
	}{
		{"wrong path", richDialect{}, catalog.Call{API: "x", Records: "r.list"}, `{"r":{"orders":[],"total":1}}`, catalog.ErrInvalid, `no "list" there, but orders, total`},
		{"no object", richDialect{}, catalog.Call{API: "x", Records: "r.list"}, `{"r":7}`, catalog.ErrInvalid, `"list"`},
		{"business error", richDialect{}, catalog.Call{API: "x"}, failing(catalog.ErrRefused).String(), catalog.ErrRefused, "words"},
		{"no such dialect", fakeDialect{}, catalog.Call{API: "x"}, "{}", catalog.ErrInvalid, "no calls by name"},
		{"call that cannot be expressed", richDialect{}, catalog.Call{}, "{}", catalog.ErrInvalid, "which API?"},
	}
	for _, tt := range tests {
		c := newTestClient(t, tt.d, newMemJournal(), paged("p", tt.body), nil)
		var err error
		for _, err = range c.Pages(t.Context(), catalog.Leaf{Query: catalog.Query{Kind: catalog.CallQuery, Call: &tt.call}}) {
		}
		if catalog.ClassOf(err) != tt.want || !strings.Contains(fmt.Sprint(err), tt.says) {
			t.Errorf("%s: %v, want class %s and %q", tt.name, err, tt.want, tt.says)
		}
	}
}

func TestUpload(t *testing.T) {
	t.Parallel()
	j := newMemJournal()
	gw := paged("p", `{"handle":"h1"}`)
	c := newTestClient(t, richDialect{}, j, gw, nil)
	picture := &catalog.Picture{File: "cup.png", SHA256: "abc", Data: []byte("png")}
	leaf := catalog.Leaf{Source: "image[0]:cup.png", Query: catalog.Query{Kind: catalog.ImageQuery, Picture: picture}}
	for range 2 { // the second time it is answered by the journal
		leaves, _, err := c.Leaves(t.Context(), leaf)
		if err != nil || len(leaves) != 1 || leaves[0].Query.Picture.Handle != "h1" {
			t.Fatalf("Leaves = %+v, %v, want one with handle h1", leaves, err)
		}
	}
	if gw.calls() != 1 || picture.Handle != "" {
		t.Errorf("%d calls and handle %q in the job's own picture, want 1 and none", gw.calls(), picture.Handle)
	}
	if dump := j.dump(); !strings.Contains(dump, "sum=abc") {
		t.Errorf("journal does not name the picture: %s", dump)
	}

	atURL := leaf
	atURL.Query.Picture = &catalog.Picture{URL: "https://img.test/cup.jpg"}
	if leaves, rows, err := c.Leaves(t.Context(), atURL); err != nil || len(rows) != 0 || !cmp.Equal(leaves, []catalog.Leaf{atURL}) {
		t.Errorf("Leaves of a URL = %+v, %v, %v, want it as it is", leaves, rows, err)
	}
	leaf.Query.Picture = &catalog.Picture{Data: []byte("large")}
	if _, _, err := c.Leaves(t.Context(), leaf); catalog.ClassOf(err) != catalog.ErrInvalid || !strings.Contains(err.Error(), "at most 4 bytes") {
		t.Errorf("Leaves of a large picture = %v, want invalid", err)
	}
	c = newTestClient(t, fakeDialect{}, j, gw, nil)
	if _, _, err := c.Leaves(t.Context(), leaf); catalog.ClassOf(err) != catalog.ErrInvalid {
		t.Errorf("Leaves without search by picture = %v, want invalid", err)
	}
}

func TestEnrich(t *testing.T) {
	t.Parallel()
	page := func(next bool, ids ...string) string {
		b, err := json.Marshal(richAnswer{Reviews: ids, Next: next})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	subject := catalog.Subject{Offer: 7}
	tests := []struct {
		name  string
		kind  catalog.Enrichment
		pages []string
		want  []string
		calls int
		class catalog.Class
	}{
		{"pages", catalog.EnrichReviews, []string{page(true, "a", "b"), page(false, "c")}, []string{"a b", "c"}, 2, ""},
		{"a page for ever", catalog.EnrichReviews, []string{page(true, "a"), page(true, "b"), page(true, "b")}, []string{"a", "b"}, 3, ""},
		{"nothing to ask", catalog.EnrichSupplier, nil, nil, 0, ""},
		{"details have it", catalog.EnrichSales, nil, nil, 0, catalog.ErrInvalid},
		{"an error keeps what there is", catalog.EnrichReviews, []string{page(true, "a"), failing(catalog.ErrRefused).String()}, []string{"a"}, 2, catalog.ErrRefused},
	}
	for _, tt := range tests {
		gw := paged("page", "{}", tt.pages...)
		c := newTestClient(t, richDialect{}, newMemJournal(), gw, nil)
		e, err := c.Enrich(t.Context(), tt.kind, subject)
		var got []string
		for _, p := range e.Pages {
			var ids []string
			for _, r := range p.Extra.Reviews {
				ids = append(ids, r.ID)
			}
			got = append(got, strings.Join(ids, " "))
			if p.Obs.Ref == "" || p.Obs.At != startClock {
				t.Errorf("%s: page observed as %+v", tt.name, p.Obs)
			}
		}
		if !slices.Equal(got, tt.want) || gw.calls() != tt.calls || len(e.Calls) != tt.calls || catalog.ClassOf(err) != tt.class {
			t.Errorf("%s: Enrich = %q after %d calls (%d rows), %v, want %q after %d, %q", tt.name, got, gw.calls(), len(e.Calls), err, tt.want, tt.calls, tt.class)
		}
	}
}

func TestCategories(t *testing.T) {
	t.Parallel()
	tree := map[string]fakeAnswer{
		"0": {Children: []Category{{ID: 1, Name: "a"}, {ID: 2, Name: "b", Leaf: true}}},
		"1": {Children: []Category{{ID: 3, Name: "c"}, {ID: 1, Name: "a again"}}},
		"3": {},
	}
	gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
		return 200, tree[r.URL.Query().Get("id")].String(), nil
	}}
	early := newMemJournal()
	nodes, rows, err := newTestClient(t, richDialect{}, early, gw, nil).Categories(t.Context())
	if err != nil || len(rows) != 3 {
		t.Fatalf("Categories = %d calls, %v, want 3", len(rows), err)
	}
	var got []string
	for _, n := range nodes {
		got = append(got, fmt.Sprintf("%d>%d%s %t", n.Parent, n.ID, n.Name, n.Leaf))
		if n.Obs.Ref == "" {
			t.Errorf("category %d has no journal_ref", n.ID)
		}
	}
	if diff := cmp.Diff([]string{"0>1a false", "1>3c true", "0>2b true"}, got); diff != "" {
		t.Errorf("nodes (-want +got):\n%s", diff)
	}

	// The next run takes the tree from there.
	for _, within := range []time.Duration{0, time.Hour} {
		before := gw.calls()
		c := newTestClient(t, richDialect{}, newMemJournal(), gw, func(o *Options) { o.Earlier, o.CategoriesWithin = early, within })
		if _, _, err := c.Categories(t.Context()); err != nil {
			t.Fatal(err)
		}
		if made := gw.calls() - before; (made == 0) != (within > 0) {
			t.Errorf("categories within %v: %d calls", within, made)
		}
	}
}
