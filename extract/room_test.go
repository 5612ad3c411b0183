package extract

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"offerlake/pipeline/catalog"
)

// bigGateway answers with bodies of a size that come at a pace, and counts the
// bytes that were read of answers that are not in the journal yet.
type bigGateway struct {
	size     int
	announce bool
	every    time.Duration // for each 64 KiB

	mu        sync.Mutex
	now, most int64
}

func (g *bigGateway) RoundTrip(r *http.Request) (*http.Response, error) {
	text := echo(r).String()
	text = text[:len(text)-1] + `,"message":"` + strings.Repeat("x", g.size-len(text)-13) + `"}`
	resp := &http.Response{StatusCode: 200, Header: http.Header{}, Request: r, ContentLength: -1, Body: &bigBody{g: g, ctx: r.Context(), left: text}}
	if g.announce {
		resp.ContentLength = int64(len(text))
	}
	return resp, nil
}

func (g *bigGateway) count(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.now += int64(n)
	g.most = max(g.most, g.now)
}

// bigBody is one body.
type bigBody struct {
	g    *bigGateway
	ctx  context.Context
	left string
}

func (b *bigBody) Read(p []byte) (int, error) {
	if b.left == "" {
		return 0, io.EOF
	}
	n := copy(p[:min(len(p), 64<<10)], b.left)
	select {
	case <-time.After(b.g.every * time.Duration(n) / (64 << 10)):
	case <-b.ctx.Done():
		return 0, b.ctx.Err()
	}
	b.left = b.left[n:]
	b.g.count(n)
	return n, nil
}

func (b *bigBody) Close() error { return nil }

// slowJournal takes its time for an answer, which is no longer counted then.
type slowJournal struct {
	*memJournal
	g *bigGateway
}

func (j slowJournal) Append(r catalog.Record) error {
	time.Sleep(50 * time.Millisecond)
	err := j.memJournal.Append(r)
	j.g.count(-len(r.Body))
	return err
}

// However many large answers there are at once, what is read of them stays within
// MaxBuffered; those that wait do not run out of time, and all of them come.
func TestLargeAnswersKeepTheirRoom(t *testing.T) {
	t.Parallel()
	const inFlight, size, buffered = 16, 1 << 20, 4 << 20
	for _, announce := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			g := &bigGateway{size: size, announce: announce, every: 100 * time.Millisecond}
			c := newTestClient(t, single, slowJournal{newMemJournal(), g}, g, func(o *Options) {
				// An answer takes 1.6 s, and the last ones wait for longer than the timeout.
				o.InFlight, o.MaxBody, o.MaxBuffered, o.AttemptTimeout = inFlight, size, buffered, 3*time.Second
			})
			var wg sync.WaitGroup
			for id := range catalog.OfferID(2 * inFlight) {
				wg.Go(func() {
					if d, rows, err := detailOf(t.Context(), c, id+1); err != nil || d.Err != nil || len(rows) != 1 {
						t.Errorf("offer %d after %d attempts: %v, %v", id+1, len(rows), d.Err, err)
					}
				})
			}
			wg.Wait()
			if most := int64(buffered + inFlight*freeBody); g.most > most {
				t.Errorf("announced %v: %d KB were read at once, want at most %d", announce, g.most>>10, most>>10)
			}
			if g.most < buffered/2 {
				t.Errorf("announced %v: %d KB were read at once only", announce, g.most>>10)
			}
			if !c.room.left.TryAcquire(buffered) {
				t.Errorf("announced %v: not all room was given back", announce)
			}
		})
	}
}

// The timeout goes on where it stood when the wait began, and who waits can be
// called off.
func TestRoomAndTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const size = 2 << 20
		g := &bigGateway{size: size, every: 100 * time.Millisecond}
		c := newTestClient(t, single, newMemJournal(), g, func(o *Options) {
			o.MaxBody, o.MaxBuffered, o.AttemptTimeout, o.MaxAttempts = size, size, 2*time.Second, 1 // 3.2 s are needed
		})
		if n, err := c.room.take(t.Context(), 1<<40); n != size || err != nil {
			t.Fatalf("take = %d, %v, want all there is", n, err)
		}
		time.AfterFunc(time.Minute, func() { c.room.give(size) })
		begun := time.Now()
		d, _, err := detailOf(t.Context(), c, 1)
		if catalog.ClassOf(d.Err) != catalog.ErrUnavailable || !strings.Contains(d.Err.Error(), tooSlow) {
			t.Errorf("Details = %v, %v, want an answer that took too long", d.Err, err)
		}
		// The free part takes 0.4 s, then comes the wait, then the rest of the 2 s.
		if took, want := time.Since(begun), time.Minute+2*time.Second-400*time.Millisecond; took < want || took > want+100*time.Millisecond {
			t.Errorf("the call ended after %v, want about %v", took, want)
		}
		if _, err := c.room.take(t.Context(), size); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if _, _, err := detailOf(ctx, c, 2); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Details that wait for room = %v, want the end of their context", err)
		}
		c.room.give(size)
		if !c.room.left.TryAcquire(size) {
			t.Error("not all room was given back")
		}
	})
}

// An offer of a large answer keeps nothing of it but its own texts; those of
// every field.
func TestDetach(t *testing.T) {
	t.Parallel()
	body := strings.Repeat("0123456789", 100)
	fill := func(i int) string { return body[i : i+10] }
	o := &catalog.Offer{
		Title: fill(1), FreeShipping: catalog.Some(true), Weight: catalog.Measure{Text: fill(2)}, Images: []string{fill(3), ""},
		Attributes: []catalog.Attribute{{Name: fill(4)}}, SKUs: []catalog.OfferSKU{{Tiers: []catalog.Tier{{Price: fill(5)}}}},
		Supplier: catalog.OfferSupplier{Scores: []catalog.Pair{{Key: fill(6)}}}, Description: fill(7), DecodeIssues: []catalog.Issue{{Path: fill(8)}},
	}
	want := *o
	want.Images = append([]string(nil), o.Images...)
	texts := func() []*string {
		return []*string{&o.Title, &o.Weight.Text, &o.Images[0], &o.Attributes[0].Name, &o.SKUs[0].Tiers[0].Price, &o.Supplier.Scores[0].Key, &o.Description, &o.DecodeIssues[0].Path}
	}
	detach(o)
	first, last := uintptr(unsafe.Pointer(unsafe.StringData(body))), uintptr(unsafe.Pointer(unsafe.StringData(body[len(body)-1:])))
	for i, text := range texts() {
		if at := uintptr(unsafe.Pointer(unsafe.StringData(*text))); at >= first && at <= last || *text != fill(i+1) {
			t.Errorf("text %d is %q, within the answer: %v; want %q in memory of its own", i, *text, at >= first && at <= last, fill(i+1))
		}
	}
	if o.Title != want.Title || o.Images[1] != "" || !o.FreeShipping.V {
		t.Errorf("detach changed the offer: %+v", o)
	}
}
