package catalog

import (
	"encoding/json"
)

// QueryKind says which way into the catalogue a Query takes.
type QueryKind string

// The kinds of queries.
const (
	SearchQuery   QueryKind = "search"   // by keyword, optionally within a category
	CategoryQuery QueryKind = "category" // everything of one category
	ShopQuery     QueryKind = "shop"     // everything of one seller
	OffersQuery   QueryKind = "offers"   // ids that the job file lists; needs no call
)

// Sort is the order in which a gateway lists offers.
type Sort string

// The sort orders; the zero value is the gateway's own order.
const (
	SortDefault   Sort = ""
	SortPriceAsc  Sort = "price_asc"
	SortPriceDesc Sort = "price_desc"
	SortSalesDesc Sort = "sales_desc"
)

// Query is one search leaf in terms that every dialect maps to its own. Its
// JSON form is the leaf column of the coverage table.
type Query struct {
	Kind             QueryKind    `json:"kind"`
	Keyword          string       `json:"keyword,omitempty"`
	Category         CategoryID   `json:"category,omitempty"`
	Subtree          bool         `json:"subtree,omitempty"` // CategoryQuery: to be replaced by its leaf categories
	Seller           string       `json:"seller,omitempty"`
	PriceFrom        Opt[Decimal] `json:"-"`
	PriceTo          Opt[Decimal] `json:"-"`
	MinOrder         int64        `json:"min_order,omitempty"`
	FreeShipping     bool         `json:"free_shipping,omitempty"`
	VerifiedSupplier bool         `json:"verified_supplier,omitempty"`
	Sort             Sort         `json:"sort,omitempty"`
	IDs              []OfferID    `json:"ids,omitempty"` // OffersQuery only
}

// MarshalJSON writes the query with its price bounds as plain decimals.
func (q Query) MarshalJSON() ([]byte, error) {
	type plain Query
	bound := func(d Opt[Decimal]) string {
		if !d.OK {
			return ""
		}
		return d.V.String()
	}
	return json.Marshal(struct {
		plain
		From  string    `json:"price_from,omitempty"`
		To    string    `json:"price_to,omitempty"`
		IDs   []OfferID `json:"ids,omitempty"`
		Count int       `json:"count,omitempty"`
	}{plain: plain(q), From: bound(q.PriceFrom), To: bound(q.PriceTo), Count: len(q.IDs)})
}

// Leaf is one query of a job together with the name of the source it serves.
type Leaf struct {
	Source   string // such as "search[0]:保温杯", the source column of products
	Query    Query
	MaxPages int // 0 = as many as the gateway gives
}

// Hit is one row of a page of search results.
type Hit struct {
	ID OfferID
}

// Page is one decoded page of search results, in the gateway's order. Totals
// and page sizes are what the gateway declared, which may be a lie.
type Page struct {
	Hits     []Hit
	Total    Opt[int64] // declared number of results of the whole query
	HasMore  Opt[bool]  // declared, where the dialect has such a flag
	PageSize Opt[int]   // the page size that the gateway says it used
	Dropped  int        // rows without a usable id
}

// StopReason says which signal ended a pagination.
type StopReason string

// The signals that end a pagination. Complete ones mean that the gateway has
// nothing more; the others that offerlake or the gateway stopped short.
const (
	StopTotal     StopReason = "declared_total" // all of the declared total was seen
	StopHasMore   StopReason = "has_more"       // the gateway said that there is no more
	StopEmpty     StopReason = "empty_page"
	StopShort     StopReason = "short_page"
	StopRepeat    StopReason = "repeated_page" // a page brought nothing that was not seen before
	StopCapped    StopReason = "window_cap"    // the declared total sits on, or the pages reached, the gateway's window
	StopPages     StopReason = "page_limit"    // the job's own pages: limit
	StopError     StopReason = "gateway_error"
	StopQuota     StopReason = "quota"
	StopNoJournal StopReason = "not_in_journal" // a replay met a call that was never answered
)

// PageResult is one answered page of a leaf.
type PageResult struct {
	Page
	Number int        // from 1
	Ref    string     // the journal record that the page came from
	Calls  []CallRow  // the attempts that it took, in order
	Stop   StopReason // set on the last page of a pagination
}

// Detail is what became of one requested offer: an Offer, or the error that
// the gateway answered for it.
type Detail struct {
	ID    OfferID
	Offer *Offer
	Err   error
	Obs   Observation
}

// DetailBatch is the answer to a group of requested offers: one Detail per
// id, in the order of the request, and the attempts that they took.
type DetailBatch struct {
	Details []Detail
	Calls   []CallRow
}
