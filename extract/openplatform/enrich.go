package openplatform

import (
	"cmp"
	"fmt"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
)

// Enrichments tells what the platform can tell beyond details. It has no API
// for reviews. Its API for sellers asks for the login id, which only the older
// product model tells; with the newer one, what the details tell is all.
func (d *Dialect) Enrichments() map[catalog.Enrichment]extract.Way {
	ways := map[catalog.Enrichment]extract.Way{
		catalog.EnrichSupplier: extract.InDetails,
		catalog.EnrichSales:    extract.ByCall,
		catalog.EnrichShipping: extract.ByCall,
	}
	if d.detail == ProductInfo {
		ways[catalog.EnrichSupplier] = extract.ByCall
	}
	return ways
}

// Enrich builds the one call that an enrichment takes.
func (d *Dialect) Enrich(kind catalog.Enrichment, s catalog.Subject, page int, day time.Time) (extract.Request, error) {
	if page > 1 {
		return extract.Request{}, nil
	}
	switch kind {
	case catalog.EnrichSales:
		return trend(s.Offer, day), nil
	case catalog.EnrichShipping:
		return freight(s.Offer), nil
	case catalog.EnrichSupplier:
		if s.Supplier.LoginID == "" {
			return extract.Request{}, nil
		}
		return extract.Request{API: apiSeller, Params: catalog.Params{"loginId": s.Supplier.LoginID}}, nil
	}
	return extract.Request{}, fmt.Errorf("openplatform: there is no API for %s", kind)
}

// trendDays is how many days of sales one call asks for; the platform gives at
// most a month of the last 90 days at a time.
const trendDays = 30

// trend asks for the pieces sold on each of the days before day, which is not
// over yet.
func trend(id catalog.OfferID, day time.Time) extract.Request {
	f := newFields()
	f.int("offerId", int64(id))
	f.text("startDate", day.AddDate(0, 0, -trendDays).Format("20060102"))
	f.text("endDate", day.AddDate(0, 0, -1).Format("20060102"))
	return request(apiTrend, "tendQueryParam", f.end()) // sic
}

// destination is where freight is estimated to: the place that the platform's
// own documentation takes for an example.
const destination = "浙江省杭州市滨江区"

// freightQuantity is how many pieces freight is estimated for.
const freightQuantity = 1

// freight asks what sending a piece of an offer costs. toCountryCode (sic) is
// the code of the district. Which SKU is sent is left open, as clients of the
// live platform do.
func freight(id catalog.OfferID) extract.Request {
	f := newFields()
	f.int("offerId", int64(id))
	f.text("toProvinceCode", "330000")
	f.text("toCityCode", "330100")
	f.text("toCountryCode", "330108")
	f.int("totalNum", freightQuantity)
	return request(apiFreight, "productFreightQueryParamsNew", f.end())
}

// DecodeExtra reads the answer to an Enrich call.
func (d *Dialect) DecodeExtra(kind catalog.Enrichment, s catalog.Subject, a extract.Answer) (catalog.Extra, error) {
	r := extraReader{seller: s.Supplier}
	field := r.sellerField
	switch kind {
	case catalog.EnrichSales:
		r.rows, field = r.days, func(key []byte) { r.dayField(&r.only, key) }
	case catalog.EnrichShipping:
		field = r.freightField
	}
	if err := d.readIssues(a, &r.answer, field, &r.extra.DecodeIssues); err != nil {
		return catalog.Extra{}, err
	}
	switch kind {
	case catalog.EnrichSales:
		if r.only.Day != "" && r.extra.Sales == nil {
			r.extra.Sales = []catalog.RawSale{r.only}
		}
	case catalog.EnrichSupplier:
		r.seller.Name = cmp.Or(r.company, r.supplier, r.seller.Name)
		r.extra.Supplier = &r.seller
	case catalog.EnrichShipping:
		r.extra.Shipping = []catalog.RawShipping{r.shipping()}
	}
	return r.extra, nil
}

type extraReader struct {
	answer
	extra             catalog.Extra
	only              catalog.RawSale // a list of one as XML has it
	seller            catalog.OfferSupplier
	company, supplier string // two names of the seller
	fee, method       string
	free              catalog.Opt[bool]
}

// days reads the pieces sold by day. A day without a value was not counted,
// which is not the same as nothing sold.
func (r *extraReader) days() {
	t := r.d.Rows(func() {
		var s catalog.RawSale
		for key := range r.d.Object() {
			r.dayField(&s, key)
		}
		if s.Day == "" {
			r.d.Report("a day's sales without the day", nil)
			return
		}
		r.extra.Sales = append(r.extra.Sales, s)
	})
	r.broken = r.broken || t.Unreadable
}

func (r *extraReader) dayField(s *catalog.RawSale, key []byte) {
	switch string(key) {
	case "date":
		s.Day = r.d.Text()
	case "value":
		s.Sold = r.d.Text()
	}
}

func (r *extraReader) sellerField(key []byte) {
	d, s := r.d, &r.seller
	switch string(key) {
	case "loginId":
		s.LoginID = cmp.Or(d.Text(), s.LoginID)
		r.payload = true
	case "companyName":
		r.company = d.Text()
	case "supplierName":
		r.supplier = d.Text()
	case "shopUrl":
		s.ShopURL = cmp.Or(d.Text(), s.ShopURL)
	}
}

func (r *extraReader) freightField(key []byte) {
	switch string(key) {
	case "freight":
		r.fee = r.d.Text()
		r.payload = true
	case "freePostage":
		r.free = r.d.Bool()
		r.payload = true
	case "subTemplateName":
		r.method = r.d.Text()
	}
}

// shipping returns the estimate. The fee is in yuan, unlike those of the trade
// APIs; where the seller pays, the platform tells none.
func (r *extraReader) shipping() catalog.RawShipping {
	s := catalog.RawShipping{Destination: destination, Quantity: freightQuantity, Method: r.method, Fee: r.fee}
	if r.free.V {
		s.Fee = "0"
	}
	return s
}
