package onebound

import (
	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// salesWindow is how many days the figures of sales_data are about, unless they
// name the day.
const salesWindow = 30

// sales reads what was sold lately. The documentation only says that it is the
// data of the last 30 days: a number, or rows by day, are understood. Anything
// else is an issue.
func (r *detailReader) sales() {
	d := r.d
	switch d.Kind() {
	case flex.Empty:
	case flex.Scalar:
		r.offer.Sales = append(r.offer.Sales, catalog.RawSale{WindowDays: salesWindow, Sold: d.Text()})
	default:
		d.Rows(r.sale)
	}
}

func (r *detailReader) sale() {
	var s catalog.RawSale
	d := r.d
	for key := range d.Object() {
		switch string(key) {
		case "date", "day":
			s.Day = d.Text()
		case "num", "sold", "sales", "quantity":
			s.Sold = d.Text()
		case "amount", "total":
			s.Amount = d.Text()
		}
	}
	if s.Sold == "" && s.Amount == "" {
		d.Report("what was sold is not told in a way that is known", nil)
		return
	}
	if s.Day == "" {
		s.WindowDays = salesWindow
	}
	r.offer.Sales = append(r.offer.Sales, s)
}
