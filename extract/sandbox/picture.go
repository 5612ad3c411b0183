package sandbox

import (
	"bytes"
	"image"
	"image/color"
	_ "image/jpeg" // lookalikes reads pictures that were re-encoded
	"image/png"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// A picture is a grid of blocks, light for 1 and dark for 0: the number of its
// offer and a checksum. The corners are two light and two dark blocks, so that
// every picture has both. Blocks are large enough to survive JPEG and scaling.
const (
	gridSide   = 8
	blockSize  = 32 // pixels, of the pictures that the sandbox makes
	numberBits = 24 // more than MaxOffers
	sumBits    = gridSide*gridSide - 4 - numberBits
	// minPicture is the least width and height that a block can be told in.
	minPicture = 64
	// maxPixels keeps a small file from unfolding into a huge picture.
	maxPixels = 32 << 20
)

// corner reports whether a block is one of the four of fixed colour, and which
// colour that is.
func corner(x, y int) (light, ok bool) {
	const last = gridSide - 1
	return x == y, (x == 0 || x == last) && (y == 0 || y == last)
}

// pictureBits returns the blocks of an offer's picture in rows, without the
// corners. The checksum depends on the seed, so that the pictures of another
// world are unknown in this one.
func (c *Catalog) pictureBits(i int) uint64 {
	d := newDice(c.seed, hashText("picture"), uint64(i))
	return uint64(i)<<sumBits | d.next()>>(64-sumBits)
}

// Picture returns the picture of an offer, a PNG from which the emulated image
// searches know the offer again, also after scaling and re-encoding. It is nil
// for an offer that does not exist.
func (c *Catalog) Picture(id catalog.OfferID) []byte {
	i, ok := c.index(id)
	if !ok {
		return nil
	}
	const side = gridSide * blockSize
	d := newDice(c.seed, hashText("tint"), uint64(i))
	tint := func(low int) color.RGBA {
		return color.RGBA{uint8(low + d.below(56)), uint8(low + d.below(56)), uint8(low + d.below(56)), 255}
	}
	m := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{tint(0), tint(200)})
	bits := c.pictureBits(i) << 4 // the first bit is the highest
	for at := range gridSide * gridSide {
		x, y := at%gridSide, at/gridSide
		light, fixed := corner(x, y)
		if !fixed {
			light = bits>>63 == 1
			bits <<= 1
		}
		if light {
			fillBlock(m, x, y)
		}
	}
	var out bytes.Buffer
	if err := png.Encode(&out, m); err != nil {
		return nil // cannot be: a Buffer takes everything
	}
	return out.Bytes()
}

func fillBlock(m *image.Paletted, x, y int) {
	for row := range blockSize {
		from := m.PixOffset(x*blockSize, y*blockSize+row)
		for i := range blockSize {
			m.Pix[from+i] = 1
		}
	}
}

// pictured returns the index of the offer that a PNG or JPEG shows.
func (c *Catalog) pictured(data []byte) (int, bool) {
	size, _, err := image.DecodeConfig(bytes.NewReader(data))
	if err != nil || min(size.Width, size.Height) < minPicture || size.Width*size.Height > maxPixels {
		return 0, false
	}
	m, _, err := image.Decode(bytes.NewReader(data))
	if err != nil {
		return 0, false
	}
	bits, ok := readBlocks(m)
	i := int(bits >> sumBits)
	if !ok || i >= c.size || c.pictureBits(i) != bits {
		return 0, false
	}
	return i, true
}

// readBlocks tells light blocks from dark ones by the mean of the lightest and
// the darkest; false when the corners are not as they should be.
func readBlocks(m image.Image) (bits uint64, ok bool) {
	var luma [gridSide * gridSide]int
	for at := range luma {
		luma[at] = blockLuma(m, at%gridSide, at/gridSide)
	}
	middle := (slices.Min(luma[:]) + slices.Max(luma[:])) / 2
	for at, v := range luma {
		light, fixed := corner(at%gridSide, at/gridSide)
		switch {
		case !fixed:
			bits <<= 1
			if v > middle {
				bits |= 1
			}
		case light != (v > middle):
			return 0, false
		}
	}
	return bits, true
}

// blockLuma samples the middle of a block, away from its blurred edges.
func blockLuma(m image.Image, x, y int) int {
	b := m.Bounds()
	sum := 0
	for _, dy := range []int{3, 4, 5} { // eighths of a block
		for _, dx := range []int{3, 4, 5} {
			px := b.Min.X + (8*x+dx)*b.Dx()/(8*gridSide)
			py := b.Min.Y + (8*y+dy)*b.Dy()/(8*gridSide)
			grey, _ := color.Gray16Model.Convert(m.At(px, py)).(color.Gray16)
			sum += int(grey.Y)
		}
	}
	return sum
}

// twinBlock is how many offers in a row hold at most one article that several
// of them sell: one offer in 20 is one of about three sellers of an article.
const twinBlock = 60

// Twins returns the offers of other sellers that sell the same article as an
// offer: none for most offers, else one to three, which are not delisted.
func (c *Catalog) Twins(id catalog.OfferID) []catalog.OfferID {
	i, ok := c.index(id)
	if !ok {
		return nil
	}
	group := c.article(i / twinBlock)
	if !slices.Contains(group, i) {
		return nil
	}
	var out []catalog.OfferID
	for _, j := range group {
		if j != i {
			out = append(out, c.ID(j))
		}
	}
	return out
}

// article returns the indexes of the offers that sell the article of a block,
// nil where there is none: two to four of one theme and of different sellers.
func (c *Catalog) article(block int) []int {
	d := newDice(c.seed, hashText("twins"), uint64(block))
	first, n := block*twinBlock, min(twinBlock, c.size-block*twinBlock)
	start, most := d.below(n), d.between(2, 4)
	var group []int
	var sellers []int
	theme := -1
	for k := range n {
		i := first + (start+k)%n
		f := c.facts(i)
		if f.flags&flagGone != 0 || theme >= 0 && f.theme != theme || slices.Contains(sellers, f.seller) {
			continue
		}
		theme = f.theme
		group, sellers = append(group, i), append(sellers, f.seller)
		if len(group) == most {
			break
		}
	}
	if len(group) < 2 {
		return nil
	}
	return group
}

// maxLookalikes is how many offers an image search finds, as measured on one
// gateway.
const maxLookalikes = 95

// lookalikes returns what an image search finds for a PNG or JPEG: the offer
// that it shows and its twins, then others of its theme; none of them is
// delisted. It is false for what is no picture of this catalogue.
func (c *Catalog) lookalikes(data []byte) ([]catalog.OfferID, bool) {
	i, ok := c.pictured(data)
	if !ok {
		return nil, false
	}
	return c.alike(i), true
}

// lookalikesAt is lookalikes for the address of a picture: any of the
// catalogue's, with or without a size, or one that the sandbox serves itself.
func (c *Catalog) lookalikesAt(url string) ([]catalog.OfferID, bool) {
	i, ok := c.picturedAt(url)
	if !ok {
		return nil, false
	}
	return c.alike(i), true
}

func (c *Catalog) alike(i int) []catalog.OfferID {
	f := c.facts(i)
	out := make([]catalog.OfferID, 0, maxLookalikes)
	if f.flags&flagGone == 0 {
		out = append(out, c.ID(i))
	}
	out = append(out, c.Twins(c.ID(i))...)
	first := out
	for _, id := range c.listed(query{themes: 1 << f.theme, seller: anySeller}) {
		if len(out) == maxLookalikes {
			break
		}
		if !slices.Contains(first, id) {
			out = append(out, id)
		}
	}
	return out
}

// picturePath begins the addresses of the pictures that the sandbox serves.
const picturePath = "/_sandbox/picture/"

var (
	ownPicture     = regexp.MustCompile(picturePath + `(\d{1,18})\.png$`)
	catalogPicture = regexp.MustCompile(`O1CN01([0-9a-z]{1,13})_!!(\d{1,18})-0-cib`)
)

func (c *Catalog) picturedAt(url string) (int, bool) {
	url, _, _ = strings.Cut(url, "?")
	if found := ownPicture.FindStringSubmatch(url); found != nil {
		return c.indexOfText(found[1])
	}
	found := catalogPicture.FindStringSubmatch(url)
	if found == nil {
		return 0, false
	}
	h, err := strconv.ParseUint(found[1], 36, 64)
	seller, ok := c.supplierIndex(found[2])
	if err != nil || !ok {
		return 0, false
	}
	for e := range c.entries(query{themes: allThemes, seller: seller}) {
		if c.hasPicture(int(e.index), h) {
			return int(e.index), true
		}
	}
	return 0, false
}

func (c *Catalog) indexOfText(id string) (int, bool) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil {
		return 0, false
	}
	return c.index(catalog.OfferID(n))
}

// maxPictures is more than an offer has of any role.
const maxPictures = 24

// hasPicture reports whether the name of one of an offer's pictures is made
// from h.
func (c *Catalog) hasPicture(i int, h uint64) bool {
	for role := roleMain; role <= roleSKU; role++ {
		for n := range maxPictures {
			if newDice(c.seed, saltImage, uint64(i), uint64(role), uint64(n)).state == h {
				return true
			}
		}
	}
	return false
}

// servePicture answers picturePath with the picture of an offer.
func (s *Server) servePicture(w http.ResponseWriter, r *http.Request) {
	found := ownPicture.FindStringSubmatch(r.URL.Path)
	if found == nil {
		http.NotFound(w, r)
		return
	}
	i, ok := s.catalog.indexOfText(found[1])
	if !ok {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	if _, err := w.Write(s.catalog.Picture(s.catalog.ID(i))); err != nil {
		slog.Debug("sandbox: picture not delivered", "error", err)
	}
}
