package openplatform

import (
	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Children builds the call that lists the children of a category. It needs no
// access token.
func (*Dialect) Children(id catalog.CategoryID) extract.Request {
	return extract.Request{API: apiCategory, Params: catalog.Params{"categoryID": id.String()}}
}

// DecodeChildren reads the children of the one category that was asked for.
func (d *Dialect) DecodeChildren(a extract.Answer) ([]extract.Category, error) {
	var r categoryReader
	if err := d.read(a, &r.answer, r.field); err != nil {
		return nil, err
	}
	return r.children, nil
}

type categoryReader struct {
	answer
	children []extract.Category
}

// field reads categoryInfo. Its childIDs and level are documented as not
// filled on 1688; the children are under childCategorys (sic).
func (r *categoryReader) field(key []byte) {
	if string(key) != "categoryInfo" {
		return
	}
	r.payload = true
	t := r.d.Rows(func() {
		for key := range r.d.Object() {
			if string(key) == "childCategorys" {
				r.list()
			}
		}
	})
	r.broken = r.broken || t.Bad()
}

// list reads the children. A child without a usable id makes the tree
// incomplete without a trace, so it breaks the answer.
func (r *categoryReader) list() {
	t := r.d.Rows(func() {
		var c extract.Category
		for key := range r.d.Object() {
			switch string(key) {
			case "id":
				c.ID = catalog.CategoryID(r.d.Int64().V)
			case "name":
				c.Name = r.d.Text()
			case "isLeaf":
				c.Leaf = r.d.Bool().V
			}
		}
		if c.ID <= 0 {
			r.broken = true
			return
		}
		r.children = append(r.children, c)
	})
	r.broken = r.broken || t.Bad()
}
