package transform

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"offerlake/pipeline/catalog"
)

// The codes of rejects of stage "normalise". Together with the error classes
// of catalog, which are the codes of stage "fetch", and the codes of the
// decoders' issues they are a closed list.
const (
	// CodeDelisted: the gateway describes the offer as deleted, or as taken
	// down without any content. The offer is in no other table.
	CodeDelisted = string(catalog.ErrDelisted)
	// CodeEmptyOffer: the answer holds an id and nothing to go with it.
	CodeEmptyOffer = "empty_offer"
	// CodeBadSKUTable: there is a SKU table, but it cannot be read, and the
	// offer must not pass as one without SKUs.
	CodeBadSKUTable = "bad_sku_table"
	// CodeInternal: a bug of offerlake. The offer is in no other table; a
	// replay with a mended version brings it back.
	CodeInternal = "internal"
	// CodeBadID: an id that is no positive number. Without a path it is the
	// offer's own; else the one field is null.
	CodeBadID = "bad_id"
	// CodeDuplicateSKU: a SKU whose attributes equal an earlier one's. It is
	// left out, because sku_key identifies a SKU.
	CodeDuplicateSKU = "duplicate_sku"
	// CodeMissingTitle: an offer without a title; its title is empty.
	CodeMissingTitle = "missing_title"
	// CodeBadNumber: not a number, one with more decimal places than the table
	// holds, or a range where one amount is needed. The field is null.
	CodeBadNumber = "bad_number"
	// CodeBadTiers: a step of a quantity-dependent price without a usable
	// quantity or amount, or one that contradicts another step.
	CodeBadTiers = "bad_tiers"
	// CodeBadTime: not a date or time. The field is null.
	CodeBadTime = "bad_time"
	// CodeBadURL: not an address of an image or shop. It is left out.
	CodeBadURL = "bad_url"
	// CodeBadCurrency: not an ISO 4217 code. The amounts are taken as CNY.
	CodeBadCurrency = "bad_currency"
	// CodeImpossiblePrice: an amount of less than nothing where no price is
	// meant, such as a fee. The field is null; prices are flagged instead.
	CodeImpossiblePrice = "impossible_price"
	// CodeImpossibleCount: a negative number of pieces. The field is null.
	CodeImpossibleCount = "impossible_count"
	// CodeBadRating: not a whole number from 1 to 5. The field is null.
	CodeBadRating = "bad_rating"
	// CodeDuplicateCategory: a category that the tree has already. It is left
	// out.
	CodeDuplicateCategory = "duplicate_category"
	// CodeUnknownParent: a category below one that the tree does not have. Its
	// path begins with itself.
	CodeUnknownParent = "unknown_parent"
	// CodeBadRecord: a record of a call that is no JSON, or that has a field
	// twice. It, or the second field, is left out.
	CodeBadRecord = "bad_record"
	// CodeBadCast: a field of a record that cannot be read as the type that the
	// job declares for its column. The field is null.
	CodeBadCast = "bad_cast"
)

// RejectCodes returns the codes of stage "normalise".
func RejectCodes() []string {
	return []string{
		CodeDelisted, CodeEmptyOffer, CodeBadSKUTable, CodeInternal, CodeBadID, CodeDuplicateSKU, CodeMissingTitle,
		CodeBadNumber, CodeBadTiers, CodeBadTime, CodeBadURL, CodeBadCurrency, CodeImpossiblePrice,
		CodeImpossibleCount, CodeBadRating, CodeDuplicateCategory, CodeUnknownParent,
		CodeBadRecord, CodeBadCast,
	}
}

// The stages of the rejects that this package makes.
const (
	stageFetch     = "fetch"
	stageDecode    = "decode"
	stageNormalise = "normalise"
)

// maxExcerpt and maxMessage bound, in bytes, what a reject quotes.
const (
	maxExcerpt = 200
	maxMessage = 500
)

// RejectDetail returns the reject of an offer whose details could not be
// fetched. Its code is the text of the error's class, or CodeInternal for an
// error without one.
func RejectDetail(id catalog.OfferID, err error, obs catalog.Observation) catalog.Reject {
	code := string(catalog.ClassOf(err))
	if code == "" {
		code = CodeInternal
	}
	return catalog.Reject{
		OfferID: catalog.Some(id), Stage: stageFetch, Code: code, Message: shorten(err.Error(), maxMessage), JournalRef: obs.Ref,
		ObservedAt: obs.At,
	}
}

// internalReject returns the reject of an offer on which a bug was met.
func internalReject(o *catalog.Offer, cause any, obs catalog.Observation) catalog.Reject {
	r := catalog.Reject{
		Stage: stageNormalise, Code: CodeInternal, Message: shorten(fmt.Sprint(cause), maxMessage), JournalRef: obs.Ref,
	}
	if o != nil && o.ID > 0 {
		r.OfferID = catalog.Some(o.ID)
	}
	return r
}

// part names a part of a catalog.Offer: "price", "tiers[2].price",
// "skus[1].attributes[0].id". The zero value is the offer as a whole.
type part struct {
	sku   int // index of the SKU plus one, 0 = a part of the offer itself
	list  string
	index int // within list
	field string
}

func (p part) String() string {
	var b strings.Builder
	add := func(s string) {
		if s != "" && b.Len() > 0 {
			b.WriteByte('.')
		}
		b.WriteString(s)
	}
	if p.sku > 0 {
		b.WriteString("skus[" + strconv.Itoa(p.sku-1) + "]")
	}
	if p.list != "" {
		add(p.list)
		b.WriteString("[" + strconv.Itoa(p.index) + "]")
	}
	add(p.field)
	return b.String()
}

// of returns the part that is a field of the offer itself.
func of(field string) part { return part{field: field} }

func (p *pass) reject(code string, where part, message, excerpt string) {
	p.rejectAt(stageNormalise, code, where.String(), message, excerpt)
}

func (p *pass) rejectAt(stage, code, path, message, excerpt string) {
	p.rows.Rejects = append(p.rows.Rejects, catalog.Reject{
		OfferID:    catalog.Opt[catalog.OfferID]{V: p.o.ID, OK: p.o.ID > 0},
		Stage:      stage,
		Code:       code,
		Message:    shorten(message, maxMessage),
		Path:       catalog.Text(shorten(path, maxExcerpt)),
		Excerpt:    catalog.Text(shorten(excerpt, maxExcerpt)),
		JournalRef: p.obs.Ref,
		ObservedAt: p.obs.At,
	})
}

// shorten returns at most n bytes of s, as valid UTF-8.
func shorten(s string, n int) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
