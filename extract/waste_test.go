package extract

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"offerlake/pipeline/catalog"
)

// Every attempt that brings no usable answer is counted once, by its cause; a
// client that reads the journal says the same of it as the one that wrote it.
func TestWasteByCause(t *testing.T) {
	t.Parallel()
	for cause, answer := range map[string]func(w http.ResponseWriter, r *http.Request){
		"throttled":              func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(failing("throttled").String())) },
		"upstream":               func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(failing("upstream").String())) },
		catalog.WasteServer:      func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) },
		catalog.WasteHTTP:        func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(407) },
		catalog.WasteMalformed:   func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte("<html>busy</html>")) },
		catalog.WasteUnreachable: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		catalog.WasteTruncated: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			w.Write([]byte("{"))
		},
		catalog.WasteTimeout: func(w http.ResponseWriter, r *http.Request) {
			w.Write([]byte("{"))
			http.NewResponseController(w).Flush()
			<-r.Context().Done()
		},
	} {
		t.Run(cause, func(t *testing.T) {
			t.Parallel()
			n := 0
			s := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if n++; n == 1 {
					answer(w, r)
					return
				}
				w.Write([]byte(echo(r).String()))
			})
			j := newMemJournal()
			patient := func(o *Options) {
				o.Endpoints, o.HTTP, o.AttemptTimeout = []string{s.URL}, nil, time.Second
				if cause != catalog.WasteTimeout {
					o.AttemptTimeout = time.Minute
				}
			}
			c := newTestClient(t, single, j, nil, patient)
			d, rows, err := detailOf(t.Context(), c, 1)
			if err != nil || d.Err != nil {
				t.Fatalf("Details = %v, %v", d.Err, err)
			}
			if diff := cmp.Diff(map[string]int64{cause: 1}, c.Stats().Wasted); diff != "" {
				t.Errorf("Stats().Wasted differs (-want +got):\n%s", diff)
			}
			if len(rows) != 2 || rows[0].Waste.V != cause || rows[1].Waste.OK {
				t.Errorf("rows = %+v, want the first one wasted by %s", rows, cause)
			}
			again := newTestClient(t, single, j, nil, patient)
			if _, recalled, err := detailOf(t.Context(), again, 1); err != nil || cmp.Diff(rows, recalled) != "" {
				t.Errorf("the journal tells otherwise, %v (-wire +journal):\n%s", err, cmp.Diff(rows, recalled))
			}
			if got := again.Stats().Wasted; len(got) > 0 {
				t.Errorf("a client that sent nothing wasted %v", got)
			}
		})
	}
}

// An answer that came twice is waste, a copied one and a refusal that settles the
// call are not.
func TestWasteOfDuplicates(t *testing.T) {
	t.Parallel()
	missing := &catalog.GatewayError{Class: catalog.ErrNotFound}
	tr := &trail{}
	for i, ge := range []*catalog.GatewayError{missing, nil, nil} {
		tr.add(catalog.Record{Attempt: i + 1, Status: 200}, ge)
	}
	tr.add(catalog.Record{Attempt: 4, Status: 200, Reused: "run0#1"}, nil)
	var got []string
	for _, r := range tr.rows() {
		got = append(got, r.Waste.V)
	}
	if want := ",duplicate,duplicate,"; strings.Join(got, ",") != want {
		t.Errorf("waste %q, want %q", strings.Join(got, ","), want)
	}
}

// A call that is broken off is in doubt: expected, and in no journal.
func TestWasteInDoubt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gw := &fakeGateway{answer: func(_ int, r *http.Request) (int, string, error) {
			<-r.Context().Done()
			return 0, "", r.Context().Err()
		}}
		expected := 0
		j := newMemJournal()
		c := newTestClient(t, single, j, gw, func(o *Options) { o.Expect = func() { expected++ } })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		detailOf(ctx, c, 1)
		if got := c.Stats().Wasted[catalog.WasteInDoubt]; got != 1 || expected != 1 || j.n != 0 {
			t.Errorf("%d in doubt, %d expected, %d recorded; want 1, 1 and 0", got, expected, j.n)
		}
	})
}
