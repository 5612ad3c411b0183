package sandbox

import (
	"strconv"
	"strings"

	"offerlake/pipeline/catalog"
)

// oneboundItem writes the item of an item_get answer. Two generations of it
// are on record: in the older one nearly everything is a string.
type oneboundItem struct {
	w      *doc
	t      Truth
	recent bool
	agent  bool // with the prices of drop shipping
	sales  bool // with what was sold lately
	c      *call
	// names and values are the SKU attributes as this answer spells them; the
	// same spelling stands in all the places that repeat them.
	names  []string
	values [][]string
}

func (o *oneboundItem) write() {
	w, t := o.w, o.t
	for _, dim := range t.dimensions {
		o.names = append(o.names, w.ornate(dim.name, false))
		var values []string
		for _, v := range dim.values {
			values = append(values, w.ornate(v, false))
		}
		o.values = append(o.values, values)
	}
	o.head()
	o.pictures()
	o.skuTable()
	o.attributes()
	o.seller()
	o.tail()
}

// integer and price write numbers in the type of the generation.
func (o *oneboundItem) integer(k string, v int64) {
	if o.recent {
		o.w.int(k, v)
		return
	}
	o.w.intText(k, v)
}

func (o *oneboundItem) price(k string, v catalog.Decimal) {
	if o.recent {
		o.w.dec(k, v)
		return
	}
	o.w.money(k, v)
}

func (o *oneboundItem) head() {
	w, t := o.w, o.t
	o.integer("num_iid", int64(t.ID))
	w.text("title", t.Title)
	w.str("desc_short", "")
	o.price("price", t.Price)
	w.int("total_price", 0)
	if w.keep() {
		o.price("suggestive_price", t.Price)
	}
	o.price("orginal_price", t.Price)
	w.text("nick", t.Supplier.Name)
	o.integer("num", t.Stock)
	o.integer("min_num", t.MinOrder)
	if w.keep() {
		w.str("detail_url", detailURL(t.ID))
	}
	w.str("pic_url", w.image(t.Images[0]))
	w.str("brand", "")
	w.str("brandId", "")
	o.integer("cid", int64(t.Category))
	o.integer("rootCatId", int64(t.Lineage[0]))
	w.str("desc", description(t))
	o.tiers()
	if !o.recent {
		return
	}
	if w.keep() {
		w.str("unit", t.Unit)
	}
	if w.keep() {
		w.str("item_weight", (t.WeightG).String())
	}
}

// tiers are pairs of quantity and price; offers that are priced per SKU have
// none.
func (o *oneboundItem) tiers() {
	w := o.w
	if len(o.t.Tiers) == 0 {
		if o.recent {
			w.raw("priceRange", "[]")
		}
		return
	}
	quoted := w.flip()
	w.array("priceRange", func() {
		for _, tier := range o.t.Tiers {
			w.array("", func() {
				w.integer(tier.MinQuantity, quoted)
				w.comma()
				w.decimal(tier.Price, quoted)
			})
		}
	})
	w.raw("priceRangeOriginal", "[]")
}

func (o *oneboundItem) pictures() {
	w, t := o.w, o.t
	w.array("item_imgs", func() {
		for i, url := range t.Images {
			if i > 0 && w.rough && w.d.percent(5) {
				url = t.Images[0] // the same picture twice
			}
			w.object("", func() { w.str("url", w.image(url)) })
		}
	})
	if !w.keep() {
		return
	}
	w.array("desc_img", func() {
		for _, url := range t.DetailImages {
			w.element(w.image(url))
		}
	})
}

// skuTable writes the SKUs and the tables that they refer to by position.
func (o *oneboundItem) skuTable() {
	w := o.w
	if len(o.t.SKUs) == 0 {
		o.noSKUs()
		return
	}
	all := o.propsName()
	w.str("props_name", all)
	if w.keep() {
		w.str("property_alias", all)
	}
	// Text that joins attributes cannot be taken apart where a value holds
	// the separators, so then the list must be there.
	if w.keep() || strings.ContainsAny(o.joinedValues(), ":;") {
		w.object("props_list", func() { o.each(func(at, text string) { w.str(at, text) }) })
	}
	o.propPictures()
	w.object("skus", func() {
		w.array("sku", func() {
			for _, s := range o.t.SKUs {
				o.sku(s)
			}
		})
	})
}

func (o *oneboundItem) noSKUs() {
	w := o.w
	if w.rough {
		for _, k := range []string{"props_name", "property_alias", "props_list", "props_img", "prop_imgs", "skus"} {
			w.empty(k)
		}
		return
	}
	w.str("props_name", "")
	w.raw("props_list", "[]")
	w.raw("props_img", "[]")
	w.object("skus", func() { w.raw("sku", "[]") })
}

// each calls fn with the position and the text of each attribute value.
func (o *oneboundItem) each(fn func(at, text string)) {
	for i, values := range o.values {
		for j, v := range values {
			fn(strconv.Itoa(i)+":"+strconv.Itoa(j), o.names[i]+":"+v)
		}
	}
}

func (o *oneboundItem) propsName() string {
	var b strings.Builder
	b.Grow(512)
	o.each(func(at, text string) {
		if b.Len() > 0 {
			b.WriteByte(';')
		}
		b.WriteString(at + ":" + text)
	})
	return b.String()
}

func (o *oneboundItem) joinedValues() string {
	var b strings.Builder
	for _, dim := range o.t.dimensions {
		for _, v := range dim.values {
			b.WriteString(v)
		}
	}
	return b.String()
}

// propPictures writes the pictures of the first attribute's values, in both
// of the places where they stand.
func (o *oneboundItem) propPictures() {
	w := o.w
	pictures := make(map[int]string)
	for _, s := range o.t.SKUs {
		if s.Image != "" {
			pictures[s.at[0]] = s.Image
		}
	}
	if len(pictures) == 0 {
		if w.rough {
			w.empty("props_img")
			w.empty("prop_imgs")
		}
		return
	}
	w.object("props_img", func() {
		for j := range o.values[0] {
			if url, ok := pictures[j]; ok {
				w.str("0:"+strconv.Itoa(j), w.image(url))
			}
		}
	})
	if !w.keep() {
		return
	}
	w.object("prop_imgs", func() {
		w.array("prop_img", func() {
			for j := range o.values[0] {
				if url, ok := pictures[j]; ok {
					w.object("", func() {
						w.str("properties", "0:"+strconv.Itoa(j))
						w.str("url", w.image(url))
					})
				}
			}
		})
	})
}

func (o *oneboundItem) sku(s TruthSKU) {
	w := o.w
	at, names := make([]byte, 0, 16), make([]byte, 0, 96)
	for i, j := range s.at {
		if i > 0 {
			at, names = append(at, ';'), append(names, ';')
		}
		start := len(at)
		at = append(strconv.AppendInt(at, int64(i), 10), ':')
		at = strconv.AppendInt(at, int64(j), 10)
		names = append(append(names, at[start:]...), ':')
		names = append(append(append(names, o.names[i]...), ':'), o.values[i][j]...)
	}
	w.object("", func() {
		o.price("price", s.Price)
		w.int("total_price", 0)
		if o.recent && w.keep() {
			o.price("orginal_price", s.Price)
		}
		if o.agent {
			o.price("onepiece_price", s.Consign)
		}
		w.str("properties", string(at))
		w.str("properties_name", string(names))
		o.integer("quantity", s.Stock)
		if w.keep() {
			o.integer("sales", s.Sold)
		}
		o.integer("sku_id", int64(s.ID))
		w.str("spec_id", s.SpecID)
	})
}

func (o *oneboundItem) attributes() {
	w := o.w
	w.array("props", func() {
		for _, a := range o.t.Attributes {
			w.object("", func() {
				w.text("name", a.Name)
				w.text("value", a.Value)
			})
		}
	})
}

func (o *oneboundItem) seller() {
	w, s := o.w, o.t.Supplier
	w.object("seller_info", func() {
		w.text("nick", s.LoginID)
		w.str("user_num_id", strconv.FormatInt(s.Number, 10))
		w.str("sid", s.ID)
		w.text("title", s.Name)
		if w.keep() {
			w.text("shop_name", s.Name)
		}
		if w.keep() {
			w.str("zhuy", shopURL(s))
		}
	})
	w.str("location", s.Province+"省"+s.City+"市")
	if o.recent {
		w.raw("seller_id", "null")
		return
	}
	w.intText("seller_id", s.Number)
}

func shopURL(s Supplier) string { return "https://winport.m.1688.com/page/index.html?memberId=" + s.ID }

func (o *oneboundItem) tail() {
	w, t := o.w, o.t
	onebound{}.sold(w, "total_sold", t)
	w.int("sales", 0)
	if o.sales {
		o.salesData()
	}
	if w.rough {
		for _, k := range []string{"video", "sales_data", "sales_info", "shop_item", "relate_items"} {
			if k != "sales_data" || !o.sales {
				w.empty(k)
			}
		}
	}
	post := int64(8)
	if t.FreeShipping {
		post = 0
	}
	if w.keep() {
		w.int("post_fee", post)
	}
	w.str("tmall", "false")
	w.str("data_from", "1688app")
	w.str("error", "")
}

// description is the HTML that sellers fill with pictures.
func description(t Truth) string {
	var b strings.Builder
	b.Grow(1200)
	b.WriteString("<div><p>")
	b.WriteString(t.Keyword)
	b.WriteString("&nbsp;源头工厂, 支持定制</p>")
	for _, url := range t.DetailImages {
		b.WriteString(`<p><img src="`)
		b.WriteString(url)
		b.WriteString(`" usemap="#m"/></p>`)
	}
	b.WriteString("</div>")
	return b.String()
}
