package onebound

import (
	"cmp"
	"errors"
	"fmt"
	"strconv"
	"time"

	"offerlake/extract"
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// Enrichments tells what the gateway can tell beyond details. What is sold
// comes with them if Options.Sales asks for it.
func (d *Dialect) Enrichments() map[catalog.Enrichment]extract.Way {
	ways := map[catalog.Enrichment]extract.Way{
		catalog.EnrichSupplier: extract.InDetails,
		catalog.EnrichReviews:  extract.ByCall,
		catalog.EnrichShipping: extract.ByCall,
	}
	if d.opts.Sales {
		ways[catalog.EnrichSales] = extract.InDetails
	}
	return ways
}

// What freight is estimated for: one piece, sent to where the official
// platform's documentation sends its example to.
const (
	destination     = "浙江省杭州市"
	destinationCity = "杭州"
	freightQuantity = 1
)

// Enrich builds a call of item_review for a page of reviews, or of item_fee.
func (d *Dialect) Enrich(kind catalog.Enrichment, s catalog.Subject, page int, _ time.Time) (extract.Request, error) {
	p := d.params()
	p["num_iid"] = s.Offer.String()
	switch kind {
	case catalog.EnrichReviews:
		p["page"] = strconv.Itoa(page)
		return extract.Request{API: apiReview, Params: p}, nil
	case catalog.EnrichShipping:
		if page > 1 {
			return extract.Request{}, nil
		}
		p["city"] = destinationCity
		p["count"] = strconv.Itoa(freightQuantity)
		return extract.Request{API: apiFee, Params: p}, nil
	}
	return extract.Request{}, fmt.Errorf("onebound: there is no API for %s", kind)
}

// DecodeExtra reads the answer to an Enrich call. An offer without reviews may
// be answered with the error of an unknown item.
func (d *Dialect) DecodeExtra(kind catalog.Enrichment, _ catalog.Subject, a extract.Answer) (catalog.Extra, error) {
	r := extraReader{kind: kind}
	err := d.pool.ReadKnown(a.Status, a.Body, extraKnown, a.Drift, func(in *flex.Decoder) {
		r.d = in
		r.extra.DecodeIssues = in.Offer(func() { r.read(r.field) })
	})
	if err != nil {
		return catalog.Extra{}, err
	}
	err = r.check(a.Status)
	if kind == catalog.EnrichReviews && a.Status < 400 && errors.Is(err, catalog.ErrNotFound) {
		return catalog.Extra{}, nil
	}
	if err != nil {
		return catalog.Extra{}, err
	}
	r.extra.More = r.more()
	return r.extra, nil
}

type extraReader struct {
	answer
	kind  catalog.Enrichment
	extra catalog.Extra

	rows     int64
	page     catalog.Opt[int64]
	pageSize catalog.Opt[int64]
	total    catalog.Opt[int64] // absent where it is a bound such as 10+
}

func (r *extraReader) field(key []byte) {
	d := r.d
	switch string(key) {
	case "call_args":
		r.callArgs()
	case "items":
		r.payload = true
		if d.Kind() == flex.Object {
			r.reviews()
		}
	case "item":
		r.payload = true
		if r.kind == catalog.EnrichShipping && d.Kind() == flex.Object {
			r.fee()
		}
	}
}

// callArgs reads the page that was asked for, which answers repeat.
func (r *extraReader) callArgs() {
	if r.d.Kind() != flex.Object {
		return
	}
	for key := range r.d.Object() {
		if string(key) == "page" && !r.page.OK {
			r.page = r.d.Int64()
		}
	}
}

func (r *extraReader) reviews() {
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "error":
			r.item = d.Text()
		case "page":
			r.page = d.Int64()
		case "page_size":
			r.pageSize = d.Int64()
		case "total_results":
			if n, err := strconv.ParseInt(d.Text(), 10, 64); err == nil {
				r.total = catalog.Some(n)
			}
		case "item":
			t := d.Rows(r.review)
			r.rows = int64(t.Rows + t.Dropped)
			r.broken = r.broken || t.Unreadable
		}
	}
}

// review reads a row. The names are those of 1688's reviews; those of other
// platforms of the gateway are understood too.
func (r *extraReader) review() {
	var v catalog.RawReview
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "id", "rate_id", "rateId":
			v.ID = d.Text()
		case "starLevel", "rate_star":
			v.Rating = d.Text()
		case "content", "rate_content":
			v.Text = d.Text()
		case "specInfo", "auction_sku":
			v.SKUText = d.Text()
		case "gmtPublished", "rate_date":
			v.At = d.Text()
		}
	}
	if v == (catalog.RawReview{}) {
		d.Report("a review of which nothing is known", nil)
		return
	}
	r.extra.Reviews = append(r.extra.Reviews, v)
}

// more reports whether to ask for the next page of reviews. The number of
// reviews is often told as a bound only, and the size of a page not at all:
// then an empty page ends them.
func (r *extraReader) more() bool {
	switch {
	case r.rows == 0:
		return false
	case r.total.OK && r.page.OK && r.pageSize.V > 0:
		return r.page.V*r.pageSize.V < r.total.V
	case r.total.OK && r.page.V <= 1:
		return r.rows < r.total.V
	}
	return r.pageSize.V <= 0 || r.rows >= r.pageSize.V
}

func (r *extraReader) fee() {
	d := r.d
	s := catalog.RawShipping{Destination: destination, Quantity: freightQuantity}
	var free catalog.Opt[bool]
	var parcel, express string
	for key := range d.Object() {
		switch string(key) {
		case "error":
			r.item = d.Text()
		case "shipping_fee":
			s.Fee = d.Text()
		case "post_fee":
			parcel = d.Text()
		case "express_fee":
			express = d.Text()
		case "is_free_shipping":
			free = d.Bool()
		case "logistics_company":
			s.Method = d.Text()
		}
	}
	if s.Fee = cmp.Or(s.Fee, express, parcel); free.V {
		s.Fee = "0"
	}
	r.extra.Shipping = append(r.extra.Shipping, s)
}
