package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// SKUKey returns the key that identifies a SKU across gateways, days and
// attribute orders: the first 32 hex digits of SHA-256 over
// "<offer id>|<attributes text>".
func SKUKey(id catalog.OfferID, attributesText string) string {
	var buf [256]byte
	b := strconv.AppendInt(buf[:0], int64(id), 10)
	b = append(b, '|')
	b = append(b, attributesText...)
	sum := sha256.Sum256(b)
	var digits [32]byte
	hex.Encode(digits[:], sum[:16])
	return string(digits[:])
}

// identify returns the attributes text of sorted pairs and the SKU key, as two
// parts of one string: there are millions of them.
func identify(id catalog.OfferID, pairs []catalog.Pair) (text, key string) {
	var buf [256]byte
	b := strconv.AppendInt(buf[:0], int64(id), 10)
	b = append(b, '|')
	start := len(b)
	b = appendPairs(b, pairs)
	end := len(b)
	sum := sha256.Sum256(b)
	both := string(hex.AppendEncode(b, sum[:16])[start:])
	return both[:end-start], both[end-start:]
}

// AttributesText returns the canonical text of a SKU's attributes, such as
// "尺码=S;颜色=白": cleaned, sorted bytewise by name and then by value, a repeated
// pair once. Two values of one name are two pairs. Nothing is escaped, so two
// SKUs of an offer can in theory share a text; the second one is then rejected
// rather than merged.
func AttributesText(attributes []catalog.Attribute) string {
	return string(appendPairs(nil, sortedPairs(attributes, nil)))
}

// sortedPairs returns the canonical pairs of one SKU, in the memory of dst
// where they fit.
func sortedPairs(attributes []catalog.Attribute, dst []catalog.Pair) []catalog.Pair {
	add := func(p catalog.Pair) {
		if p != (catalog.Pair{}) {
			dst = append(dst, p)
		}
	}
	for i := range attributes {
		a := &attributes[i]
		if a.Name == "" && strings.ContainsAny(a.Value, ":：") {
			for _, parsed := range ParseAttributeText(a.Value) {
				add(catalog.Pair{Key: parsed.Name, Value: parsed.Value})
			}
			continue
		}
		add(catalog.Pair{Key: Clean(a.Name), Value: Clean(a.Value)})
	}
	slices.SortFunc(dst, comparePairs)
	dst = slices.Compact(dst)
	return dst[:len(dst):len(dst)]
}

func comparePairs(a, b catalog.Pair) int {
	if c := strings.Compare(a.Key, b.Key); c != 0 {
		return c
	}
	return strings.Compare(a.Value, b.Value)
}

func appendPairs(b []byte, pairs []catalog.Pair) []byte {
	for i, p := range pairs {
		if i > 0 {
			b = append(b, ';')
		}
		b = append(b, p.Key...)
		b = append(b, '=')
		b = append(b, p.Value...)
	}
	return b
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
	n := 0
	for i := range p.o.SKUs {
		n += len(p.o.SKUs[i].Attributes)
	}
	room := make([]catalog.Pair, n) // one allocation for all SKUs
	first := len(p.rows.SKUs)
	seen := keySet{rows: p.rows.SKUs[first:]}
	for i := range p.o.SKUs {
		own := sortedPairs(p.o.SKUs[i].Attributes, room[:0])
		room = room[min(len(own), len(room)):]
		text, key := identify(p.o.ID, own)
		if seen.has(key) {
			p.reject(CodeDuplicateSKU, part{sku: i + 1}, "an earlier SKU has the same attributes", duplicateExcerpt(&p.o.SKUs[i], text))
			continue
		}
		row := p.sku(i, key, q)
		row.Variant = p.variants.of(p.options.Aliases, own, text)
		row.Attributes, row.AttributesText = uniqueNames(own), text
		p.rows.SKUs = append(p.rows.SKUs, row)
		seen.add(key, p.rows.SKUs[first:])
	}
}

func duplicateExcerpt(s *catalog.OfferSKU, text string) string {
	return "sku_id " + s.ID + ", price " + s.Price + ", stock " + s.Stock + ": " + text
}

// sku returns the row of the i-th SKU, without its attributes, and appends its
// price tiers and image.
func (p *pass) sku(i int, key string, q *quote) catalog.SKU {
	s := &p.o.SKUs[i]
	p.skuKey = key
	at := func(field string) part { return part{sku: i + 1, field: field} }
	row := catalog.SKU{
		OfferID:        p.o.ID,
		SKUKey:         key,
		SKUID:          p.id(s.ID, at("id")),
		SpecID:         catalog.Text(Clean(s.SpecID)),
		PromotionPrice: p.extraPrice(s.PromotionPrice, at("promotion_price")),
		ConsignPrice:   p.extraPrice(s.ConsignPrice, at("consign_price")),
		RetailPrice:    p.extraPrice(s.RetailPrice, at("retail_price")),
		CargoNumber:    catalog.Text(Clean(s.CargoNumber)),
		WeightG:        p.weight(s.Weight, at("weight")),
		ObservedAt:     p.obs.At,
		JournalRef:     p.obs.Ref,
	}
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
	return row
}

// soleSKU appends the one row of an offer without a SKU table. What no SKU
// says is what the offer says.
func (p *pass) soleSKU(q *quote) {
	row := catalog.SKU{ObservedAt: p.obs.At, JournalRef: p.obs.Ref}
	key := SKUKey(p.o.ID, "")
	if len(p.o.SKUs) == 1 {
		row = p.sku(0, key, q)
	} else {
		row.Price = q.fallback
		q.add(row.Price)
	}
	row.OfferID, row.SKUKey = p.o.ID, key
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

// keySet finds repeated SKU keys: among a few rows by looking at them, among
// many by an index.
type keySet struct {
	rows  []catalog.SKU
	index map[string]struct{}
}

const indexFrom = 64

func (s *keySet) has(key string) bool {
	if s.index != nil {
		_, ok := s.index[key]
		return ok
	}
	for i := range s.rows {
		if s.rows[i].SKUKey == key {
			return true
		}
	}
	return false
}

func (s *keySet) add(key string, rows []catalog.SKU) {
	s.rows = rows
	switch {
	case s.index != nil:
		s.index[key] = struct{}{}
	case len(rows) == indexFrom:
		s.index = make(map[string]struct{}, 2*indexFrom)
		for i := range rows {
			s.index[rows[i].SKUKey] = struct{}{}
		}
	}
}
