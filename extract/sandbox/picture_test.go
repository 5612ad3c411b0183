package sandbox_test

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"offerlake/extract/sandbox"
	"offerlake/pipeline/catalog"
)

// twin returns an offer that others sell, too.
func twin(t *testing.T, c *sandbox.Catalog) catalog.OfferID {
	t.Helper()
	for i := range c.Len() {
		if len(c.Twins(c.ID(i))) > 0 {
			return c.ID(i)
		}
	}
	t.Fatal("no offer has twins")
	return 0
}

func TestTwins(t *testing.T) {
	t.Parallel()
	c := newServer(t, sandbox.Options{Offers: 6000}).Catalog()
	n := 0
	for i := range c.Len() {
		offer := c.Offer(i)
		twins := c.Twins(offer.ID)
		if len(twins) > 3 {
			t.Errorf("offer %d has %d twins, want at most 3", offer.ID, len(twins))
		}
		if len(twins) > 0 {
			n++
		}
		sellers := []string{offer.Supplier.ID}
		for _, id := range twins {
			other, ok := c.ByID(id)
			if !ok || other.Delisted || offer.Delisted || other.Keyword != offer.Keyword || slices.Contains(sellers, other.Supplier.ID) {
				t.Errorf("offer %d of %v: twin %+v", offer.ID, sellers, other)
			}
			sellers = append(sellers, other.Supplier.ID)
			if !slices.Contains(c.Twins(id), offer.ID) {
				t.Errorf("%d is a twin of %d, but not the other way round", id, offer.ID)
			}
		}
	}
	if n < 200 || n > 400 {
		t.Errorf("%d of 6000 offers have twins, want about 300", n)
	}
}

// scaled returns a picture in another size, by nearest neighbours.
func scaled(m image.Image, width, height int) image.Image {
	out := image.NewRGBA(image.Rect(0, 0, width, height))
	b := m.Bounds()
	for y := range height {
		for x := range width {
			out.Set(x, y, color.RGBAModel.Convert(m.At(b.Min.X+x*b.Dx()/width, b.Min.Y+y*b.Dy()/height)))
		}
	}
	return out
}

func asJPEG(t *testing.T, m image.Image, quality int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, &jpeg.Options{Quality: quality}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func decoded(t *testing.T, data []byte) image.Image {
	t.Helper()
	m, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// found returns what an image search by upload finds.
func found(t *testing.T, s *sandbox.Server, picture []byte) []catalog.OfferID {
	t.Helper()
	a := serve(s, param2Upload(t, map[string]string{"pageNo": "1", "pageSize": "50"}, picture))
	ids, _ := rows(t, a)
	return ids
}

func TestPicturesSurvive(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 900, Seed: 5})
	for i := 0; i < 900; i += 41 {
		o := s.Catalog().Offer(i)
		if o.Delisted {
			continue
		}
		m := decoded(t, s.Catalog().Picture(o.ID))
		for _, size := range [][2]int{{256, 256}, {64, 64}, {65, 93}, {100, 71}, {800, 600}} {
			for _, quality := range []int{20, 90} {
				got := found(t, s, asJPEG(t, scaled(m, size[0], size[1]), quality))
				if len(got) == 0 || got[0] != o.ID {
					t.Errorf("offer %d at %v, quality %d: found %v", o.ID, size, quality, got)
				}
			}
		}
	}
}

func TestOtherPicturesAreUnknown(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Seed: 1})
	other := newServer(t, sandbox.Options{Seed: 2}).Catalog()
	own := decoded(t, s.Catalog().Picture(s.Catalog().ID(0)))
	for name, picture := range map[string][]byte{
		"no picture":     []byte("GIF89a"),
		"a blank":        asJPEG(t, image.NewGray(image.Rect(0, 0, 200, 200)), 90),
		"of other world": other.Picture(other.ID(0)),
		"too small":      asJPEG(t, scaled(own, 63, 200), 90),
	} {
		if got := found(t, s, picture); len(got) > 0 {
			t.Errorf("%s: found %v", name, got)
		}
	}
}

func TestLookalikesByAddress(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 3000})
	c := s.Catalog()
	id := twin(t, c)
	offer, _ := c.ByID(id)
	want := append([]catalog.OfferID{id}, c.Twins(id)...)
	addresses := slices.Concat(offer.Images, offer.DetailImages, []string{
		offer.Images[0] + "_800x800.jpg", "http:" + offer.Images[0][len("https:"):] + "?x=1",
		"http://127.0.0.1:9/_sandbox/picture/" + id.String() + ".png",
	})
	for _, sku := range offer.SKUs {
		if sku.Image != "" {
			addresses = append(addresses, sku.Image)
		}
	}
	for _, url := range addresses {
		a := serve(s, bearerRequest("alibaba.product.imageSearch", map[string]string{"imageUrl": url, "pageSize": "50"}))
		ids, total := rows(t, a)
		if len(ids) < len(want) || !slices.Equal(ids[:len(want)], want) || total > 95 {
			t.Errorf("by %s: found %v of %d, want %v first", url, ids, total, want)
		}
		for _, other := range ids {
			if o, ok := c.ByID(other); !ok || o.Delisted || o.Keyword != offer.Keyword {
				t.Errorf("by %s: found %+v", url, o)
			}
		}
	}
	for _, url := range []string{"https://x.test/cup.jpg", "https://cbu01.alicdn.com/img/ibank/O1CN01zzz_!!2200000000000-0-cib.jpg", "http://x/_sandbox/picture/5.png"} {
		a := serve(s, bearerRequest("alibaba.product.imageSearch", map[string]string{"imageUrl": url}))
		if got := a.code(t); got != "500_2" {
			t.Errorf("by %s: %s, want the code 500_2", url, a.body)
		}
	}
}

func TestLookalikesAreDistinct(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{Offers: 3000})
	var all []catalog.OfferID
	url := "/_sandbox/picture/" + twin(t, s.Catalog()).String() + ".png"
	for page := 1; page < 4; page++ {
		ids, _ := rows(t, serve(s, bearerRequest("alibaba.product.imageSearch",
			map[string]string{"imageUrl": url, "pageNo": fmt.Sprint(page), "pageSize": "50"})))
		all = append(all, ids...)
	}
	if len(all) != 95 || len(distinct(all)) != 95 {
		t.Errorf("%d rows, %d distinct, want 95", len(all), len(distinct(all)))
	}
}

func TestPicturesAreServed(t *testing.T) {
	t.Parallel()
	s := newServer(t, sandbox.Options{})
	id := s.Catalog().ID(3)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_sandbox/picture/"+id.String()+".png", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "image/png" || !bytes.Equal(w.Body.Bytes(), s.Catalog().Picture(id)) {
		t.Errorf("picture of %d: status %d, %s, %d bytes", id, w.Code, w.Header().Get("Content-Type"), w.Body.Len())
	}
	for _, path := range []string{"5.png", id.String() + ".jpg", "x.png", ""} {
		if got := serve(s, httptest.NewRequest(http.MethodGet, "/_sandbox/picture/"+path, nil)).status; got != http.StatusNotFound {
			t.Errorf("picture %q: status %d, want 404", path, got)
		}
	}
	if got := s.Stats().Calls; got != 0 {
		t.Errorf("%d calls are counted, want none", got)
	}
}

func TestPictureIsNilForNobody(t *testing.T) {
	t.Parallel()
	if got := newServer(t, sandbox.Options{}).Catalog().Picture(5); got != nil {
		t.Errorf("Picture(5) = %d bytes, want none", len(got))
	}
}

func BenchmarkLookalikes(b *testing.B) {
	s, err := sandbox.New(sandbox.Options{Offers: 100_000})
	if err != nil {
		b.Fatal(err)
	}
	o := s.Catalog().Offer(77)
	b.ReportAllocs()
	for b.Loop() {
		serve(s, bearerRequest("alibaba.product.imageSearch", map[string]string{"imageUrl": o.Images[0]}))
	}
}
