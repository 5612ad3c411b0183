package extract

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"offerlake/pipeline/catalog"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeDialect speaks a JSON format made up for these tests.
type fakeDialect struct{ limits Limits }

// fakeAnswer is any answer in that format.
type fakeAnswer struct {
	Class   string `json:"class,omitempty"`
	Code    string `json:"code,omitempty"`
	Message string `json:"message,omitempty"`
	AfterMS int    `json:"after_ms,omitempty"`

	IDs     []catalog.OfferID `json:"ids,omitempty"`
	Total   *int64            `json:"total,omitempty"`
	More    *bool             `json:"more,omitempty"`
	Size    *int              `json:"size,omitempty"`
	Dropped int               `json:"dropped,omitempty"`

	Offers map[string]catalog.OfferID `json:"offers,omitempty"` // asked id -> id in the offer
	Failed map[string]string          `json:"failed,omitempty"` // asked id -> class

	Children []Category `json:"children,omitempty"`

	Token   string `json:"token,omitempty"`
	Expires int    `json:"expires,omitempty"` // seconds
}

func (a fakeAnswer) String() string {
	b, err := json.Marshal(a)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func (fakeDialect) read(a Answer) (fakeAnswer, error) {
	var f fakeAnswer
	if err := json.Unmarshal(a.Body, &f); err != nil {
		return f, fmt.Errorf("%w in %q", err, a.Body) // no class: not of the dialect
	}
	if f.Class != "" {
		return f, &catalog.GatewayError{
			Class: catalog.Class(f.Class), Code: f.Code, Message: f.Message,
			After: time.Duration(f.AfterMS) * time.Millisecond, Cause: errors.New(f.Message),
		}
	}
	return f, nil
}

func (d fakeDialect) Limits() Limits { return d.limits }

func (fakeDialect) Search(q catalog.Query, page int) (Request, error) {
	if q.MinOrder > 0 {
		return Request{}, errors.New("min_order cannot be expressed")
	}
	return Request{API: "search", Params: catalog.Params{"q": q.Keyword, "page": strconv.Itoa(page)}}, nil
}

func (d fakeDialect) DecodePage(a Answer) (catalog.Page, error) {
	f, err := d.read(a)
	p := catalog.Page{Dropped: f.Dropped}
	for _, id := range f.IDs {
		p.Hits = append(p.Hits, catalog.Hit{ID: id})
	}
	if f.Total != nil {
		p.Total = catalog.Some(*f.Total)
	}
	if f.More != nil {
		p.HasMore = catalog.Some(*f.More)
	}
	if f.Size != nil {
		p.PageSize = catalog.Some(*f.Size)
	}
	return p, err
}

func (fakeDialect) Details(ids []catalog.OfferID) Request {
	var names []string
	for _, id := range ids {
		names = append(names, id.String())
	}
	return Request{API: "details", Params: catalog.Params{"ids": strings.Join(names, ",")}}
}

func (d fakeDialect) DecodeDetails(a Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	f, err := d.read(a)
	for name, id := range f.Offers {
		asked, _ := strconv.ParseInt(name, 10, 64)
		emit(catalog.OfferID(asked), &catalog.Offer{ID: id}, nil)
	}
	for name, class := range f.Failed {
		asked, _ := strconv.ParseInt(name, 10, 64)
		emit(catalog.OfferID(asked), nil, catalog.Class(class))
	}
	return err
}

func (fakeDialect) Children(id catalog.CategoryID) Request {
	return Request{API: "children", Params: catalog.Params{"id": id.String()}}
}

func (d fakeDialect) DecodeChildren(a Answer) ([]Category, error) {
	f, err := d.read(a)
	return f.Children, err
}

func (fakeDialect) Build(ctx context.Context, endpoint string, r Request, c Credential, _ time.Time) (*http.Request, error) {
	if r.Params["q"] == "unbuildable" {
		return nil, &url.Error{Op: "parse", URL: endpoint + "?secret=" + c.Secret, Err: errors.New("bad " + c.Secret)}
	}
	v := url.Values{}
	for n, p := range r.Params {
		v.Set(n, p)
	}
	for n, p := range map[string]string{"key": c.Key, "secret": c.Secret, "token": c.AccessToken} {
		if p != "" {
			v.Set(n, p)
		}
	}
	return http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/"+r.API+"?"+v.Encode(), nil)
}

// tokenDialect is a fakeDialect whose calls need an access token.
type tokenDialect struct{ fakeDialect }

func (d tokenDialect) TokenRequest(ctx context.Context, endpoint string, c Credential, now time.Time) (*http.Request, error) {
	if c.RefreshToken == "" {
		return nil, nil
	}
	return d.Build(ctx, endpoint, Request{API: "token", Params: catalog.Params{"refresh": c.RefreshToken}}, Credential{Key: c.Key, Secret: c.Secret}, now)
}

func (d tokenDialect) DecodeToken(a Answer, now time.Time) (Token, error) {
	f, err := d.read(a)
	tok := Token{Access: f.Token}
	if f.Expires > 0 {
		tok.Expires = now.Add(time.Duration(f.Expires) * time.Second)
	}
	return tok, err
}

// memJournal is a Journal in memory. It is an Earlier, too.
type memJournal struct {
	mu   sync.Mutex
	recs map[string][]catalog.Record
	n    int64
	fail error
}

func newMemJournal() *memJournal { return &memJournal{recs: map[string][]catalog.Record{}} }

func (j *memJournal) Records(key string) ([]catalog.Record, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]catalog.Record(nil), j.recs[key]...), nil
}

func (j *memJournal) Append(r catalog.Record) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return j.fail
	}
	j.n++
	r.Seq, r.Body = j.n, bytes.Clone(r.Body)
	j.recs[r.Key] = append(j.recs[r.Key], r)
	return nil
}

func (j *memJournal) Ref(key string) string { return "run1#" + catalog.KeyHash(key) }

func (j *memJournal) Latest(key string, since, until time.Time) (catalog.Record, string, bool, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	recs := j.recs[key]
	if len(recs) == 0 || recs[len(recs)-1].At.Before(since) || recs[len(recs)-1].At.After(until) {
		return catalog.Record{}, "", false, nil
	}
	return recs[len(recs)-1], "run0#" + catalog.KeyHash(key), true, nil
}

// Attempts makes it a Lister.
func (j *memJournal) Attempts() iter.Seq2[catalog.Record, error] {
	j.mu.Lock()
	defer j.mu.Unlock()
	var all []catalog.Record
	for _, recs := range j.recs {
		all = append(all, recs...)
	}
	slices.SortFunc(all, func(a, b catalog.Record) int { return cmp.Compare(a.Seq, b.Seq) })
	return func(yield func(catalog.Record, error) bool) {
		for _, r := range all {
			r.Body = nil
			if !yield(r, nil) {
				return
			}
		}
	}
}

// dump is everything the journal holds, as text.
func (j *memJournal) dump() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return fmt.Sprintf("%+v", j.recs)
}

// fakeGateway is an http.RoundTripper. answer may sleep (on the fake clock of
// a synctest bubble) and is called with no lock held.
type fakeGateway struct {
	answer func(n int, r *http.Request) (status int, body string, err error)
	header http.Header

	mu       sync.Mutex
	n        int
	arrivals []time.Time
}

func (g *fakeGateway) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	g.n++
	n := g.n
	g.arrivals = append(g.arrivals, time.Now())
	g.mu.Unlock()
	status, body, err := g.answer(n, r)
	if err != nil {
		return nil, err
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	h := g.header.Clone()
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), Request: r}, nil
}

func (g *fakeGateway) calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.n
}

// says answers the nth call with the nth answer, and all later ones with the
// last.
func says(answers ...fakeAnswer) *fakeGateway {
	return &fakeGateway{answer: func(n int, _ *http.Request) (int, string, error) {
		return 200, answers[min(n, len(answers))-1].String(), nil
	}}
}

func failing(class catalog.Class) fakeAnswer {
	return fakeAnswer{Class: string(class), Code: "E-" + string(class), Message: "words"}
}

func offers(ids ...catalog.OfferID) fakeAnswer {
	a := fakeAnswer{Offers: map[string]catalog.OfferID{}}
	for _, id := range ids {
		a.Offers[id.String()] = id
	}
	return a
}

// startClock is the frozen clock of the records in these tests.
var startClock = time.Date(2026, 11, 22, 1, 2, 3, 0, time.UTC)

func newTestClient(t *testing.T, d Dialect, j Journal, rt http.RoundTripper, change func(*Options)) *Client {
	t.Helper()
	o := Options{
		Gateway: "fake", Endpoints: []string{"http://gw.test"}, HTTP: rt, PerSecond: 1000,
		Now: func() time.Time { return startClock },
	}
	if change != nil {
		change(&o)
	}
	c, err := NewClient(d, j, o)
	if err != nil {
		t.Fatalf("NewClient: %v", err)
	}
	t.Cleanup(c.Close)
	return c
}

// wantedAll asks for offers whose rows tell nothing of them.
func wantedAll(ids ...catalog.OfferID) []catalog.Wanted {
	wanted := make([]catalog.Wanted, len(ids))
	for i, id := range ids {
		wanted[i].ID = id
	}
	return wanted
}

// detailOf fetches one offer.
func detailOf(ctx context.Context, c *Client, id catalog.OfferID) (catalog.Detail, []catalog.CallRow, error) {
	b, err := c.Details(ctx, wantedAll(id))
	if err != nil {
		return catalog.Detail{}, b.Calls, err
	}
	return b.Details[0], b.Calls, nil
}

func outcomes(rows []catalog.CallRow) string {
	var all []string
	for _, r := range rows {
		all = append(all, fmt.Sprintf("%d:%s", r.Attempt, r.Outcome))
	}
	return strings.Join(all, " ")
}

// syncBuffer is a log destination.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func debugLog(w io.Writer) *slog.Logger {
	return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func ptr[T any](v T) *T { return &v }
