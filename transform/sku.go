package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"iter"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// SKUKey returns the key that identifies a SKU across gateways, days and
// attribute orders: the first 32 hex digits of SHA-256 over
// "<offer id>|<attributes text>".
func SKUKey(id catalog.OfferID, attributesText string) string {
	sum := sha256.Sum256(append(appendSKUPrefix(nil, id), attributesText...))
	return hex.EncodeToString(sum[:len(skuSum{})])
}

func appendSKUPrefix(b []byte, id catalog.OfferID) []byte {
	return append(strconv.AppendInt(b, int64(id), 10), '|')
}

// skuTexts makes the texts and the keys of one offer's SKUs, all as parts of a
// few strings: there are millions of them.
type skuTexts struct {
	offer [24]byte // what precedes the text in what a key is made of
	n     int      // length of it
	made  strings.Builder
}

func newSKUTexts(id catalog.OfferID) (t skuTexts) {
	t.n = len(appendSKUPrefix(t.offer[:0], id))
	return t
}

// skuSum is a key before it is written in digits.
type skuSum [16]byte

// of returns the attributes text of sorted pairs, and the key.
func (t *skuTexts) of(pairs []*knownPair) (text, key string, sum skuSum) {
	var buf [256]byte
	b := append(buf[:0], t.offer[:t.n]...)
	for i, k := range pairs {
		b = appendPair(b, i, k.own)
	}
	whole := sha256.Sum256(b)
	sum = skuSum(whole[:len(sum)])
	var digits [2 * len(sum)]byte
	hex.Encode(digits[:], sum[:])
	start := t.made.Len()
	t.made.Write(b[t.n:])
	end := t.made.Len()
	t.made.Write(digits[:])
	all := t.made.String()
	return all[start:end], all[end:], sum
}

// AttributesText returns the canonical text of a SKU's attributes, such as
// "尺码=S;颜色=白": cleaned, sorted bytewise by name and then by value, a repeated
// pair once. Two values of one name are two pairs. Nothing is escaped, so two
// SKUs of an offer can in theory share a text; the second one is then rejected
// rather than merged.
func AttributesText(attributes []catalog.Attribute) string {
	return string(appendPairs(nil, sortedPairs(attributes)))
}

// sortedPairs returns the canonical pairs of one SKU.
func sortedPairs(attributes []catalog.Attribute) []catalog.Pair {
	var out []catalog.Pair
	for p, clean := range sentPairs(attributes) {
		if !clean {
			p = cleanPair(p)
		}
		if p != (catalog.Pair{}) {
			out = append(out, p)
		}
	}
	slices.SortFunc(out, comparePairs)
	return slices.Compact(out)
}

// sentPairs yields the pairs that a SKU's attributes hold, and whether they are
// clean: those out of one text are.
func sentPairs(attributes []catalog.Attribute) iter.Seq2[catalog.Pair, bool] {
	return func(yield func(catalog.Pair, bool) bool) {
		for i := range attributes {
			a := &attributes[i]
			if a.Name != "" || !strings.ContainsAny(a.Value, ":：") {
				if !yield(catalog.Pair{Key: a.Name, Value: a.Value}, false) {
					return
				}
				continue
			}
			for _, parsed := range ParseAttributeText(a.Value) {
				if !yield(catalog.Pair{Key: parsed.Name, Value: parsed.Value}, true) {
					return
				}
			}
		}
	}
}

func comparePairs(a, b catalog.Pair) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
}

func appendPairs(b []byte, pairs []catalog.Pair) []byte {
	for i, p := range pairs {
		b = appendPair(b, i, p)
	}
	return b
}

// appendPair appends the i-th pair of an attributes text.
func appendPair(b []byte, i int, p catalog.Pair) []byte {
	if i > 0 {
		b = append(b, ';')
	}
	b = append(b, p.Key...)
	b = append(b, '=')
	return append(b, p.Value...)
}

// uniqueNames returns sorted pairs as the attributes column needs them, each
// name once: the values of a repeated name are joined by "/". It works in
// place.
func uniqueNames(pairs []catalog.Pair) []catalog.Pair {
	out := pairs[:0]
	for i := 0; i < len(pairs); {
		j := i + 1
		for j < len(pairs) && pairs[j].Key == pairs[i].Key {
			j++
		}
		p := pairs[i]
		if j > i+1 {
			values := make([]string, 0, j-i)
			for _, same := range pairs[i:j] {
				values = append(values, same.Value)
			}
			p.Value = strings.Join(values, "/")
		}
		out = append(out, p)
		i = j
	}
	return out
}

// hasSKUTable reports whether the offer has SKUs to choose between. Gateways
// disagree on offers without a SKU table: some send no SKU, others a single
// one without attributes, which stands for the offer itself.
func hasSKUTable(o *catalog.Offer) bool {
	return len(o.SKUs) > 1 || len(o.SKUs) == 1 && AttributesText(o.SKUs[0].Attributes) != ""
}

// skus appends the rows of a SKU table.
func (p *pass) skus(q *quote) {
	n, size := 0, 0
	for i := range p.o.SKUs {
		attributes := p.o.SKUs[i].Attributes
		n += len(attributes)
		for j := range attributes {
			size += len(attributes[j].Name) + len("=") + len(attributes[j].Value) + len(";")
		}
	}
	room := make([]catalog.Pair, 0, n) // one allocation for all SKUs
	var seen skuSet
	texts := newSKUTexts(p.o.ID)
	texts.made.Grow(size + len(p.o.SKUs)*2*len(skuSum{}))
	var buf [8]*knownPair
	for i := range p.o.SKUs {
		s := &p.o.SKUs[i]
		known := p.cache.sku(p.options.Aliases, s.Attributes, buf[:0])
		text, key, sum := texts.of(known)
		if !seen.add(sum) {
			p.reject(CodeDuplicateSKU, part{sku: i + 1}, "an earlier SKU has the same attributes", duplicateExcerpt(s, text))
			continue
		}
		first := len(room)
		for _, k := range known {
			room = append(room, k.own)
		}
		p.rows.SKUs = append(p.rows.SKUs, catalog.SKU{})
		row := &p.rows.SKUs[len(p.rows.SKUs)-1]
		row.Attributes, row.AttributesText = uniqueNames(room[first:len(room):len(room)]), text
		var canonical bool
		if row.Variant, canonical = variantOf(known); !canonical {
			row.CanonicalText = other(canonicalText(known), text)
		}
		p.sku(i, key, q, row)
	}
}

func duplicateExcerpt(s *catalog.OfferSKU, text string) string {
	return "sku_id " + s.ID + ", price " + s.Price + ", stock " + s.Stock + ": " + text
}

// sku fills the row of the i-th SKU, all but its attributes, and appends its
// price tiers and image.
func (p *pass) sku(i int, key string, q *quote, row *catalog.SKU) {
	s := &p.o.SKUs[i]
	p.skuKey = key
	at := func(field string) part { return part{sku: i + 1, field: field} }
	row.OfferID, row.SKUKey = p.o.ID, key
	row.SKUID = p.id(s.ID, at("id"))
	row.SpecID = catalog.Text(Clean(s.SpecID))
	row.PromotionPrice = p.extraPrice(s.PromotionPrice, at("promotion_price"))
	row.ConsignPrice = p.extraPrice(s.ConsignPrice, at("consign_price"))
	row.RetailPrice = p.extraPrice(s.RetailPrice, at("retail_price"))
	row.CargoNumber = catalog.Text(Clean(s.CargoNumber))
	row.WeightG = p.weight(s.Weight, at("weight"))
	row.Stock, row.StockIsLowerBound = p.stock(s.Stock, at("stock"))
	row.Sold, row.SoldIsLowerBound = p.sold(s.Sold, at("sold"))
	row.Price = p.skuPrice(i, key, q)
	if was := possible(row.Price); was.OK && row.PromotionPrice.V > was.V {
		p.flag(FlagPromotionAbovePrice, at("promotion_price"), "the price is "+was.V.String(), s.PromotionPrice)
	}
	if url := p.skuImage(i); url != "" {
		row.ImageURL = catalog.Some(url)
		p.addImage(catalog.ImageSKU, url, catalog.Some(key))
	}
	row.ObservedAt, row.JournalRef = p.obs.At, p.obs.Ref
}

// soleSKU appends the one row of an offer without a SKU table. What no SKU
// says is what the offer says.
func (p *pass) soleSKU(q *quote) {
	row := catalog.SKU{OfferID: p.o.ID, SKUKey: SKUKey(p.o.ID, ""), ObservedAt: p.obs.At, JournalRef: p.obs.Ref}
	if len(p.o.SKUs) == 1 {
		p.sku(0, row.SKUKey, q, &row)
	} else {
		row.Price = q.fallback
		q.add(row.Price)
	}
	if !row.Stock.OK {
		row.Stock, row.StockIsLowerBound = p.product.Stock, p.product.StockIsLowerBound
	}
	if !row.Sold.OK {
		row.Sold, row.SoldIsLowerBound = p.product.Sold, p.product.SoldIsLowerBound
	}
	if !row.WeightG.OK {
		row.WeightG = p.product.WeightG
	}
	p.rows.SKUs = append(p.rows.SKUs, row)
}

// skuImage returns the address of the i-th SKU's image, "" when it has none.
// SKUs that follow one another often share theirs.
func (p *pass) skuImage(i int) string {
	text := imageText(&p.o.SKUs[i])
	if text != p.lastImage.text || p.lastImage.url == "" {
		p.lastImage.text = text
		p.lastImage.url = p.imageURL(text, part{sku: i + 1, field: "image"})
	}
	return p.lastImage.url
}

func imageText(s *catalog.OfferSKU) string {
	if s.Image != "" {
		return s.Image
	}
	for i := range s.Attributes {
		if s.Attributes[i].Image != "" {
			return s.Attributes[i].Image
		}
	}
	return ""
}

// skuSet finds repeated SKUs: among a few by looking at them, among many by an
// index.
type skuSet struct {
	few   [indexFrom]skuSum
	n     int // of few
	index map[skuSum]struct{}
}

// indexFrom is the number from which an index finds what looking would.
const indexFrom = 64

// add reports whether the set did not have the SKU yet.
func (s *skuSet) add(sum skuSum) bool {
	if s.n < indexFrom {
		if slices.Contains(s.few[:s.n], sum) {
			return false
		}
		s.few[s.n] = sum
		s.n++
		return true
	}
	if s.index == nil {
		s.index = make(map[skuSum]struct{}, 2*indexFrom)
		for _, known := range s.few {
			s.index[known] = struct{}{}
		}
	}
	before := len(s.index)
	s.index[sum] = struct{}{}
	return len(s.index) > before
}
