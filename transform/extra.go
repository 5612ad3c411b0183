package transform

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// Extra appends the rows of an answer about a subject: of sales, reviews,
// shipping, or a row of suppliers with what the answer tells of the seller. What
// cannot be used becomes a reject of the subject's offer, as with Normalise.
func (n *Normaliser) Extra(_ catalog.Enrichment, s catalog.Subject, page catalog.ExtraPage, rows *catalog.Rows) {
	o := &catalog.Offer{ID: s.Offer}
	before := *rows
	defer func() {
		if cause := recover(); cause != nil {
			truncate(rows, &before)
			rows.Reviews, rows.Shipping = rows.Reviews[:len(before.Reviews)], rows.Shipping[:len(before.Shipping)]
			rows.Rejects = append(rows.Rejects, internalReject(o, cause, page.Obs))
		}
	}()
	p := pass{options: n.options, o: o, obs: page.Obs, rows: rows, cache: n.caches.take()}
	for _, issue := range page.Extra.DecodeIssues {
		p.rejectAt(stageDecode, issue.Code, issue.Path, issue.Message, issue.Excerpt)
	}
	p.sales(page.Extra.Sales)
	for i := range page.Extra.Reviews {
		p.review(&page.Extra.Reviews[i], i)
	}
	for i := range page.Extra.Shipping {
		p.shipping(&page.Extra.Shipping[i], i)
	}
	if id := Clean(s.Supplier.ID); id != "" && page.Extra.Supplier != nil {
		rows.Suppliers = append(rows.Suppliers, p.supplierRow(id, page.Extra.Supplier))
	}
	n.caches.put(p.cache)
}

// ParseDay reads a day: "20240701", "2024-07-01", or any of the times of
// ParseTime, which are of that day on the gateways' clock. The result is
// midnight UTC of the calendar day.
func ParseDay(s string) (time.Time, error) {
	t, err := ParseTime(s)
	if err != nil {
		return time.Time{}, err
	}
	year, month, day := t.In(catalog.GatewayZone).Date()
	return time.Date(year, month, day, 0, 0, 0, 0, time.UTC), nil
}

// sales appends a row per day or window. Nothing told is null and not 0: the
// trend of the official platform has empty texts for days that it does not know.
func (p *pass) sales(sales []catalog.RawSale) {
	for i := range sales {
		s := &sales[i]
		row := catalog.Sale{OfferID: p.o.ID, ObservedAt: p.obs.At, JournalRef: p.obs.Ref}
		switch day, err := ParseDay(s.Day); {
		case s.Day == "" && s.WindowDays > 0:
			row.WindowDays = catalog.Some(int32(s.WindowDays))
		case err != nil:
			p.reject(CodeBadTime, extraPart("sales", i, "day"), err.Error(), s.Day)
			continue // a number of which nobody knows when
		default:
			row.Day = catalog.Some(day)
		}
		row.Sold = p.exactSold(s.Sold, extraPart("sales", i, "sold"))
		row.Amount = p.total(s.Amount, extraPart("sales", i, "amount"))
		p.rows.Sales = append(p.rows.Sales, row)
	}
}

func (p *pass) review(v *catalog.RawReview, i int) {
	row := catalog.Review{
		OfferID:    p.o.ID,
		ReviewID:   Clean(v.ID),
		Rating:     p.rating(v.Rating, extraPart("reviews", i, "rating")),
		Text:       catalog.Text(Clean(v.Text)),
		SKUText:    catalog.Text(Clean(v.SKUText)),
		ReviewedAt: p.time(v.At, extraPart("reviews", i, "at")),
		ObservedAt: p.obs.At,
		JournalRef: p.obs.Ref,
	}
	if row.ReviewID == "" {
		row.ReviewID = reviewID(p.o.ID, v)
	}
	p.rows.Reviews = append(p.rows.Reviews, row)
}

// reviewID identifies a review that the gateway gave no id: the first 32 hex
// digits of SHA-256 over the offer's id and all that the review says.
func reviewID(offer catalog.OfferID, v *catalog.RawReview) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{offer.String(), v.At, v.Rating, v.SKUText, v.Text}, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// rating reads a number of stars: "5", "5.0", "5星".
func (p *pass) rating(text string, where part) catalog.Opt[int32] {
	if text == "" {
		return catalog.Opt[int32]{}
	}
	number, _, _ := strings.Cut(text, "星")
	n, err := ParseCount(number)
	if err != nil || n < 1 || n > 5 {
		p.reject(CodeBadRating, where, "a rating is a whole number from 1 to 5", text)
		return catalog.Opt[int32]{}
	}
	return catalog.Some(int32(n))
}

func (p *pass) shipping(s *catalog.RawShipping, i int) {
	where := extraPart("shipping", i, "fee")
	row := catalog.Shipping{
		OfferID: p.o.ID, Destination: Clean(s.Destination), Quantity: s.Quantity, Method: catalog.Text(Clean(s.Method)),
		Currency: "CNY", ObservedAt: p.obs.At, JournalRef: p.obs.Ref,
	}
	if s.FeeInFen {
		row.Fee = p.fen(s.Fee, where)
	} else {
		row.Fee = p.total(s.Fee, where)
	}
	p.rows.Shipping = append(p.rows.Shipping, row)
}

// total reads an amount of money that, unlike a price, may be 0.
func (p *pass) total(text string, where part) catalog.Opt[catalog.Decimal] {
	m, err := ParseMoney(text)
	switch {
	case err != nil:
		p.reject(CodeBadNumber, where, err.Error(), text)
	case m.Kind == MoneyRange:
		p.reject(CodeBadNumber, where, "a range where one amount is needed", text)
	case m.Kind != MoneyAmount:
	case m.Min < 0:
		p.reject(CodeImpossiblePrice, where, "an amount is not negative", text)
	default:
		return catalog.Some(m.Min)
	}
	return catalog.Opt[catalog.Decimal]{}
}

// fen reads an amount in hundredths of a yuan. There is no part of one.
func (p *pass) fen(text string, where part) catalog.Opt[catalog.Decimal] {
	if text == "" {
		return catalog.Opt[catalog.Decimal]{}
	}
	n, err := ParseCount(text)
	d, overflow := (one / 100).Mul(n)
	switch {
	case errors.Join(err, overflow) != nil:
		p.reject(CodeBadNumber, where, "not a whole number of fen", text)
	case n < 0:
		p.reject(CodeImpossiblePrice, where, "an amount is not negative", text)
	default:
		return catalog.Some(d)
	}
	return catalog.Opt[catalog.Decimal]{}
}

func extraPart(list string, i int, field string) part {
	return part{list: list, index: i, field: field}
}
