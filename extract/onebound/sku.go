package onebound

import (
	"strings"

	"offerlake/extract/envelope"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// skus reads the SKU table, which lies one level deeper: {"sku":[...]}. Offers
// without one have an empty container or none at all.
func (r *detailReader) skus() {
	d, o := r.d, r.offer
	switch d.Kind() {
	case flex.Empty:
		return
	case flex.Object:
		for key := range d.Object() {
			if string(key) == "sku" {
				r.table()
			}
		}
	default:
		o.SKUTableIsBad = true
		for range d.Object() { // notes that it is none
		}
	}
}

func (r *detailReader) table() {
	envelope.SKUTable(r.d, r.offer, r.sku)
}

func (r *detailReader) sku() {
	var s catalog.OfferSKU
	var j join
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "sku_id":
			s.ID = d.Text()
		case "spec_id":
			s.SpecID = d.Text()
		case "price":
			s.Price = d.Text()
		case "onepiece_price", "agent_price":
			if v := d.Text(); v != "" {
				s.ConsignPrice = v // what one piece costs that is sent to the buyer's customer
			}
		case "quantity":
			s.Stock = d.Text()
		case "sales":
			s.Sold = d.Text()
		case "properties":
			j.properties = d.Text()
		case "properties_name":
			j.names = d.Text()
		}
	}
	r.offer.SKUs = append(r.offer.SKUs, s)
	r.joins = append(r.joins, j)
}

// join is what a SKU tells about its options: the positions of properties,
// such as "0:0;1:0", and the same with labels, "0:0:颜色:白;1:0:尺码:S".
type join struct{ properties, names string }

// options are the labels and pictures of all options of an offer, by position.
// The two numbers of a position are no ids, but counts of names and values.
type options struct {
	labels map[string]string // "0:0" -> "颜色:白"
	images map[string]string
	names  string // props_name: the labels in one text
}

func (p *options) field(d *flex.Decoder, key []byte) {
	switch string(key) {
	case "props_list":
		p.labels = texts(d, p.labels)
	case "props_name":
		p.names = d.Text()
	case "props_img":
		p.images = texts(d, p.images)
	case "prop_imgs":
		for key := range d.Object() {
			if string(key) == "prop_img" {
				p.pictures(d)
			}
		}
	}
}

// texts adds the fields of an object to m.
func texts(d *flex.Decoder, m map[string]string) map[string]string {
	for key := range d.Object() {
		if m == nil {
			m = make(map[string]string)
		}
		position := string(key)
		if v := d.Text(); v != "" {
			m[position] = v
		}
	}
	return m
}

func (p *options) pictures(d *flex.Decoder) {
	d.Rows(func() {
		var position, address string
		for key := range d.Object() {
			switch string(key) {
			case "properties":
				position = d.Text()
			case "url":
				address = d.Text()
			}
		}
		if position == "" || address == "" || p.images[position] != "" {
			return
		}
		if p.images == nil {
			p.images = make(map[string]string)
		}
		p.images[position] = address
	})
}

// attributes joins a SKU's positions with the labels. Values may hold any
// character, ':' and ';' included, so the text forms are taken apart only for
// positions that props_list does not have. It returns the positions that no
// label was found for.
func (p *options) attributes(j join) (list []catalog.Attribute, missing []string) {
	positions := strings.FieldsFunc(j.properties, func(c rune) bool { return c == ';' })
	if len(positions) == 0 {
		for _, o := range splitNames(j.names) {
			positions = append(positions, o.position)
		}
	}
	list = make([]catalog.Attribute, 0, len(positions))
	for _, position := range positions {
		label := p.labels[position]
		if label == "" {
			label = find(splitNames(j.names), position)
		}
		if label == "" {
			label = find(splitNames(p.names), position)
		}
		if label == "" {
			missing = append(missing, position)
			continue
		}
		name, value, ok := strings.Cut(label, ":")
		if !ok {
			name, value = "", label
		}
		list = append(list, catalog.Attribute{Name: name, Value: value, Image: p.images[position]})
	}
	return list, missing
}

// option is a labelled position of a text such as "0:0:颜色:白;1:0:尺码:S".
type option struct{ position, label string }

func find(list []option, position string) string {
	for _, o := range list {
		if o.position == position {
			return o.label
		}
	}
	return ""
}

// splitNames takes a text of labelled positions apart. A semicolon separates
// only where a position follows; others belong to a value.
func splitNames(text string) []option {
	var list []option
	for part := range strings.SplitSeq(text, ";") {
		n := positionLen(part)
		switch {
		case n > 0:
			list = append(list, option{position: part[:n], label: part[n+1:]})
		case len(list) > 0:
			list[len(list)-1].label += ";" + part
		}
	}
	return list
}

// positionLen returns the length of the position that part begins with: digits,
// a colon, digits, and another colon, which is not counted. It is 0 if there
// is none.
func positionLen(part string) int {
	first, rest, ok := strings.Cut(part, ":")
	second, _, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 || !digits(first) || !digits(second) {
		return 0
	}
	return len(first) + 1 + len(second)
}

func digits(s string) bool {
	return s != "" && strings.Trim(s, "0123456789") == ""
}
