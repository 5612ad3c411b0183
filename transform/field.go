package transform

import (
	"errors"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// The methods of this file read one field of an offer. An absent field is an
// absent value; one that cannot be used is an absent value and a reject.

// money reads a price field; ok means that it holds one or two usable amounts.
func (p *pass) money(text string, where part) (m Money, ok bool) {
	m, err := ParseMoney(text)
	switch {
	case errors.Is(err, catalog.ErrDecimalInexact), errors.Is(err, catalog.ErrDecimalRange):
		p.reject(CodeBadNumber, where, err.Error(), text)
	case err != nil:
		p.reject(CodeBadNumber, where, "not an amount of money", text)
	case m.Kind == MoneyNegotiable:
		p.negotiable = true
	case m.Kind == MoneyAbsent:
	default:
		p.flagPrice(m.Min, where, text)
		return m, true
	}
	return Money{}, false
}

// amount reads a price field that holds a single amount.
func (p *pass) amount(text string, where part) catalog.Opt[catalog.Decimal] {
	m, ok := p.money(text, where)
	if !ok {
		return catalog.Opt[catalog.Decimal]{}
	}
	if m.Kind == MoneyRange {
		p.reject(CodeBadNumber, where, "a range where one price is needed", text)
		return catalog.Opt[catalog.Decimal]{}
	}
	return catalog.Some(m.Min)
}

// extraPrice reads the price fields beside the price proper, where gateways
// send 0 for an offer that has no such price.
func (p *pass) extraPrice(text string, where part) catalog.Opt[catalog.Decimal] {
	if isNought(text) {
		return catalog.Opt[catalog.Decimal]{}
	}
	return p.amount(text, where)
}

// isNought reports whether text has no other bytes than those of "0.00".
func isNought(text string) bool {
	for i := range len(text) {
		if text[i] != '0' && text[i] != '.' {
			return false
		}
	}
	return true
}

func (p *pass) count(text string, where part) catalog.Opt[int64] {
	if text == "" {
		return catalog.Opt[int64]{}
	}
	n, err := ParseCount(text)
	return p.countable(n, err, text, where)
}

// countable is the part of reading a number of pieces that all such fields
// share.
func (p *pass) countable(n int64, err error, text string, where part) catalog.Opt[int64] {
	switch {
	case err != nil:
		p.reject(CodeBadNumber, where, err.Error(), text)
	case n < 0:
		p.reject(CodeImpossibleCount, where, "a number of pieces is not negative", text)
	default:
		return catalog.Some(n)
	}
	return catalog.Opt[int64]{}
}

// stock reads a number of pieces on sale: a number as a rule, "999+" on some
// pages. The gateways' numbers for "plenty" count nothing.
func (p *pass) stock(text string, where part) (n catalog.Opt[int64], lowerBound bool) {
	n, lowerBound = p.sold(text, where)
	if isPlenty(n.V) {
		p.flag(FlagPlentyInStock, where, "the number that stands for plenty", text)
		return catalog.Opt[int64]{}, false
	}
	return n, lowerBound
}

func (p *pass) sold(text string, where part) (n catalog.Opt[int64], lowerBound bool) {
	if text == "" {
		return n, false
	}
	v, lowerBound, err := ParseSold(text)
	n = p.countable(v, err, text, where)
	return n, lowerBound && n.OK
}

// exactSold reads a number of sold pieces for a column that cannot say "at
// least".
func (p *pass) exactSold(text string, where part) catalog.Opt[int64] {
	n, lowerBound := p.sold(text, where)
	if lowerBound {
		return catalog.Opt[int64]{}
	}
	return n
}

// weight reads a weight in grams. Nothing or less stands for an unknown one.
func (p *pass) weight(m catalog.Measure, where part) catalog.Opt[catalog.Decimal] {
	if m.Text == "" {
		return catalog.Opt[catalog.Decimal]{}
	}
	d, err := ParseWeight(m)
	switch {
	case err != nil:
		p.reject(CodeBadNumber, where, err.Error(), m.Text+" "+m.Unit)
	case d > p.options.MaxWeight:
		p.flag(FlagImplausibleWeight, where, "more than "+p.options.MaxWeight.String()+" g", m.Text+" "+m.Unit)
		return catalog.Some(d)
	case d > 0:
		return catalog.Some(d)
	}
	return catalog.Opt[catalog.Decimal]{}
}

// id reads the number of something; 0 stands for none.
func (p *pass) id(text string, where part) catalog.Opt[int64] {
	if text == "" || text == "0" {
		return catalog.Opt[int64]{}
	}
	n, err := ParseCount(text)
	if err != nil || n < 0 {
		p.reject(CodeBadID, where, "not the number of anything", text)
		return catalog.Opt[int64]{}
	}
	return catalog.Opt[int64]{V: n, OK: n > 0}
}

func (p *pass) time(text string, where part) catalog.Opt[time.Time] {
	if isNoTime(text) {
		return catalog.Opt[time.Time]{}
	}
	t, err := ParseTime(text)
	if err != nil {
		p.reject(CodeBadTime, where, err.Error(), text)
		return catalog.Opt[time.Time]{}
	}
	return catalog.Some(t)
}

// currency reads an ISO 4217 code. The platform trades in yuan, so that is
// what silence means.
func (p *pass) currency(text string) string {
	const yuan = "CNY"
	switch text {
	case "", yuan:
		return yuan
	}
	code := strings.ToUpper(Clean(text))
	switch code {
	case "RMB", "CNH", "¥", "元", "人民币":
		return yuan
	}
	if len(code) == len(yuan) && strings.Trim(code, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == "" {
		return code
	}
	p.reject(CodeBadCurrency, of("currency"), "not a currency code", text)
	return yuan
}
