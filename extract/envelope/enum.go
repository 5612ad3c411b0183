package envelope

import (
	"strconv"
	"strings"

	"offerlake/extract/flex"
	"offerlake/pipeline/catalog"
)

// statuses are the documented states of an offer on the official platform
// (wire.md 3.4), and the other words that are understood, in small letters.
var statuses = map[string]bool{
	"": true, "published": true, "member expired": true, "auto expired": true, "expired": true, "member deleted": true,
	"modified": true, "new": true, "deleted": true, "tbd": true, "approved": true, "auditing": true, "untread": true,
	"online": true, "onsale": true, "上架": true, "delisted": true, "offline": true, "off-sale": true,
	"下架": true, "已下架": true, "商品已下架": true,
}

// KnownStatus notes a status, read at d's place, that is none of the documented
// ones.
func KnownStatus(d *flex.Decoder, status string) {
	if !statuses[strings.ToLower(strings.TrimSpace(status))] {
		d.NewValue("", status)
	}
}

// QuoteType reads a number at d's place that stands for one of types. Any other
// number is a new value, and as unknown as none.
func QuoteType(d *flex.Decoder, types []catalog.Pricing) catalog.Pricing {
	n := d.Int64()
	if !n.OK {
		return catalog.PricingUnknown
	}
	if n.V < 0 || n.V >= int64(len(types)) {
		d.NewValue("", strconv.FormatInt(n.V, 10))
		return catalog.PricingUnknown
	}
	return types[n.V]
}

// KnownCode notes a code, beside a word of success, that is none of the codes
// of success, once. d stands at the object that has it.
func (o *Outcome) KnownCode(d *flex.Decoder) {
	if o.Success.V && !succeeded(o.Code) && !o.noted {
		o.noted = true
		d.NewValue("code", o.Code)
	}
}
