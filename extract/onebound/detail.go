package onebound

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// DecodeDetails reads the answer to a Details call.
func (d *Dialect) DecodeDetails(a extract.Answer, ids []catalog.OfferID, emit func(catalog.OfferID, *catalog.Offer, error)) error {
	r := detailReader{offer: new(catalog.Offer)}
	err := d.pool.ReadKnown(a.Status, a.Body, detailKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.read(r.field)
	})
	if err != nil {
		return err
	}
	if err := r.check(a.Status); err != nil {
		return err
	}
	o := r.offer
	if !r.payload || o.ID == 0 && o.Title == "" {
		return nil
	}
	if o.ID == 0 {
		o.ID = ids[0] // the call was for one offer; its answer need not repeat the id
	}
	emit(o.ID, o, nil)
	return nil
}

// detailReader reads one item. What refers to other parts of the item, which
// may come in any order, waits for finish.
type detailReader struct {
	answer
	offer    *catalog.Offer
	mainPic  string
	nick     string // of the item: the company, or a mask
	sellerID string
	sold     string // total_sold
	recent   string // sales
	seller   seller
	options  options
	joins    []join // one for each SKU
}

func (r *detailReader) field(key []byte) {
	if string(key) != "item" {
		return
	}
	switch r.d.Kind() {
	case flex.Empty:
		r.payload = true
	case flex.Object:
		r.payload = true
		r.offer.DecodeIssues = r.d.Offer(r.readItem)
		r.finish()
	default:
		r.broken = true
	}
}

func (r *detailReader) readItem() {
	d, o := r.d, r.offer
	for key := range d.Object() {
		switch string(key) {
		case "num_iid":
			o.ID = d.OfferID().V
		case "title":
			o.Title = d.Text()
		case "error":
			r.item = d.Text()
		case "desc":
			o.Description = d.Text()
		case "cid":
			o.CategoryID = d.Text()
		case "item_imgs":
			o.Images = r.images(o.Images)
		case "desc_img":
			o.DetailImages = d.Texts(o.DetailImages)
		case "pic_url":
			r.mainPic = d.Text()
		case "props":
			r.attributes()
		case "seller_info":
			r.seller.read(d)
		case "nick":
			r.nick = d.Text()
		case "seller_id":
			r.sellerID = d.Text()
		case "location":
			o.Supplier.Location = d.Text()
		case "skus":
			r.skus()
		default:
			r.tradeField(key)
		}
	}
}

// tradeField reads a field about prices, quantities and options.
func (r *detailReader) tradeField(key []byte) {
	d, o := r.d, r.offer
	switch string(key) {
	case "price":
		o.Price = d.Text()
	case "priceRange":
		r.tiers()
	case "min_num":
		o.MinOrder = d.Text()
	case "num":
		o.Stock = d.Text()
	case "unit":
		o.Unit = d.Text()
	case "total_sold":
		r.sold = d.Text()
	case "sales":
		r.recent = d.Text()
	case "sales_data":
		r.sales()
	case "item_weight":
		if w := d.Text(); w != "" {
			o.Weight = catalog.Measure{Text: w, Unit: "g"}
		}
	default:
		r.options.field(d, key)
	}
}

// images reads a list of pictures, each a URL or an object that holds one.
func (r *detailReader) images(list []string) []string {
	d := r.d
	if d.Kind() == flex.Scalar {
		return d.Texts(list)
	}
	for range d.Array() {
		address := ""
		if d.Kind() == flex.Object {
			for key := range d.Object() {
				if string(key) == "url" {
					address = d.Text()
				}
			}
		} else {
			address = d.Text()
		}
		if address != "" {
			list = append(list, address)
		}
	}
	return list
}

// attributes reads the offer's properties. Rows that repeat a name are kept:
// that is how several values of one attribute are told.
func (r *detailReader) attributes() {
	d := r.d
	d.Rows(func() {
		var a catalog.Attribute
		for key := range d.Object() {
			switch string(key) {
			case "name":
				a.Name = d.Text()
			case "value":
				a.Value = d.Text()
			}
		}
		r.offer.Attributes = append(r.offer.Attributes, a)
	})
}

// tiers reads the price ranges, which are pairs of quantity and price:
// [[3,35],[50,30]].
func (r *detailReader) tiers() {
	d := r.d
	var alone []string // in XML, a pair that is the only one is not wrapped again
	for range d.Array() {
		switch d.Kind() {
		case flex.Empty:
			continue
		case flex.Scalar:
			alone = append(alone, d.Text())
			continue
		}
		pair := make([]string, 0, 2)
		for range d.Array() {
			pair = append(pair, d.Text())
		}
		r.tier(pair)
	}
	if alone != nil {
		r.tier(alone)
	}
}

func (r *detailReader) tier(pair []string) {
	switch {
	case len(pair) != 2:
		r.d.Report("want a pair of quantity and price", nil)
	case pair[0] != "" || pair[1] != "":
		r.offer.Tiers = append(r.offer.Tiers, catalog.Tier{MinQuantity: pair[0], Price: pair[1]})
	}
}

// seller is the block of the same name.
type seller struct {
	sid, number, nick, title, shop, address string
	scores                                  []catalog.Pair
}

func (s *seller) read(d *flex.Decoder) {
	for key := range d.Object() {
		switch string(key) {
		case "sid":
			s.sid = d.Text()
		case "user_num_id":
			s.number = d.Text()
		case "nick":
			s.nick = d.Text()
		case "title":
			s.title = d.Text()
		case "shop_name":
			s.shop = d.Text()
		case "zhuy":
			s.address = d.Text()
		case "item_score", "score_p", "delivery_score":
			name := string(key)
			if v := d.Text(); v != "" {
				s.scores = append(s.scores, catalog.Pair{Key: name, Value: v})
			}
		}
	}
	slices.SortFunc(s.scores, func(a, b catalog.Pair) int { return strings.Compare(a.Key, b.Key) })
}

// memberID returns the id of the seller that 1688 itself uses (b2b-...), which
// is part of the shop's address too. The number of the account stands in for
// it where it is not told.
func (s *seller) memberID() string {
	if s.sid != "" {
		return s.sid
	}
	if u, err := url.Parse(s.address); err == nil {
		if id := u.Query().Get("memberId"); id != "" {
			return id
		}
	}
	return s.number
}

// unmasked returns a nick, unless the gateway has replaced it by a token.
func unmasked(nick string) string {
	if strings.HasPrefix(nick, "_sopid@") {
		return ""
	}
	return nick
}

// finish settles what depends on more than one field.
func (r *detailReader) finish() {
	o, s := r.offer, &r.seller
	o.Supplier.ID = cmp.Or(s.memberID(), r.sellerID)
	o.Supplier.Name = cmp.Or(s.title, s.shop, unmasked(r.nick), unmasked(s.nick))
	if login := unmasked(s.nick); login != o.Supplier.Name {
		o.Supplier.LoginID = login
	}
	o.Supplier.ShopURL = s.address
	o.Supplier.Scores = s.scores
	o.Sold = cmp.Or(r.sold, r.recent)
	if len(o.Images) == 0 && r.mainPic != "" {
		o.Images = append(o.Images, r.mainPic)
	}
	r.joinOptions()
}

// joinOptions gives each SKU its attributes. An option without a label is an
// issue: the SKU cannot be told apart from its neighbours.
func (r *detailReader) joinOptions() {
	for i := range r.offer.SKUs {
		list, missing := r.options.attributes(r.joins[i])
		r.offer.SKUs[i].Attributes = list
		for _, position := range missing {
			r.offer.DecodeIssues = append(r.offer.DecodeIssues, catalog.Issue{
				Code: flex.CodeBadType, Path: fmt.Sprintf("skus.sku[%d].properties", i),
				Message: "no label for this option", Excerpt: flex.Excerpt([]byte(position)),
			})
		}
	}
}
