package catalog

import (
	"encoding/json"
	"time"
)

// QueryKind says which way into the catalogue a Query takes.
type QueryKind string

// The kinds of queries.
const (
	SearchQuery   QueryKind = "search"   // by keyword, optionally within a category
	CategoryQuery QueryKind = "category" // everything of one category
	ShopQuery     QueryKind = "shop"     // everything of one seller
	ImageQuery    QueryKind = "image"    // what looks like a picture
	PoolQuery     QueryKind = "pool"     // a pool of the official platform
	SelectedQuery QueryKind = "selected" // the official platform's selected-supply list
	TopQuery      QueryKind = "top"      // the best-selling offers of a category
	OffersQuery   QueryKind = "offers"   // ids that the job file lists; needs no call
	CallQuery     QueryKind = "call"     // any API by name; it gives records instead of offers
)

// Sort is the order in which a gateway lists offers.
type Sort string

// The sort orders; the zero value is the gateway's own order.
const (
	SortDefault   Sort = ""
	SortPriceAsc  Sort = "price_asc"
	SortPriceDesc Sort = "price_desc"
	SortSalesDesc Sort = "sales_desc"
	SortSalesAsc  Sort = "sales_asc" // only to look at a query from its other end
)

// Rank is what a TopQuery ranks offers by.
type Rank string

// The ranks.
const (
	RankOverall   Rank = "overall"
	RankHot       Rank = "hot"
	RankGoodPrice Rank = "good_price"
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
	SoldFrom         Opt[int64]   `json:"-"` // pieces sold, both ends included
	SoldTo           Opt[int64]   `json:"-"`
	Region           string       `json:"region,omitempty"` // of the seller, as the gateway spells it
	MinOrder         int64        `json:"min_order,omitempty"`
	FreeShipping     bool         `json:"free_shipping,omitempty"`
	VerifiedSupplier bool         `json:"verified_supplier,omitempty"`
	Sort             Sort         `json:"sort,omitempty"`
	Picture          *Picture     `json:"picture,omitempty"` // ImageQuery; Keyword may narrow it
	Pool             string       `json:"pool,omitempty"`    // PoolQuery; Category may narrow it
	Rank             Rank         `json:"rank,omitempty"`    // TopQuery
	Call             *Call        `json:"call,omitempty"`    // CallQuery
	IDs              []OfferID    `json:"ids,omitempty"`     // OffersQuery only
}

// Picture is what an ImageQuery looks for: a picture at a URL, or the contents
// of a file.
type Picture struct {
	URL    string `json:"url,omitempty"`
	File   string `json:"file,omitempty"`   // as the job names it
	SHA256 string `json:"sha256,omitempty"` // of the file as it is, in hex
	Data   []byte `json:"-"`                // JPEG or PNG, within the gateway's limit
	// Handle is what the gateway calls a picture that was handed to it; "" while
	// it was not, or where no such step is needed.
	Handle string `json:"-"`
}

// Call is a call of any API by name. Params are as they go over the wire:
// objects and lists are JSON text.
type Call struct {
	API       string `json:"api"`
	Params    Params `json:"params,omitempty"`
	PageParam string `json:"page_param,omitempty"` // "" = there is one page
	FirstPage int    `json:"first_page,omitempty"` // value of PageParam for the first page
	Records   string `json:"records,omitempty"`    // path of the list in the answer, such as "result.orders"; "" = the answer itself
	Table     string `json:"table"`
}

// Filter is the part of a query that a gateway cannot apply itself. What an
// offer's data does not tell does not exclude it.
type Filter struct {
	PriceFrom        Opt[Decimal] // of the row in the search results, both ends included
	PriceTo          Opt[Decimal]
	MinOrder         int64 // the largest minimum order that is wanted; 0 = any
	FreeShipping     bool
	VerifiedSupplier bool
}

// MarshalJSON writes the query with its price bounds as plain decimals, and of
// its ids only how many they are.
func (q Query) MarshalJSON() ([]byte, error) {
	type plain Query
	bound := func(d Opt[Decimal]) string {
		if !d.OK {
			return ""
		}
		return d.V.String()
	}
	number := func(n Opt[int64]) *int64 {
		if !n.OK {
			return nil
		}
		return &n.V
	}
	return json.Marshal(struct {
		plain
		From  string    `json:"price_from,omitempty"`
		To    string    `json:"price_to,omitempty"`
		Most  *int64    `json:"sold_to,omitempty"`
		Least *int64    `json:"sold_from,omitempty"`
		IDs   []OfferID `json:"ids,omitempty"`
		Count int       `json:"count,omitempty"`
	}{
		plain: plain(q), From: bound(q.PriceFrom), To: bound(q.PriceTo),
		Least: number(q.SoldFrom), Most: number(q.SoldTo), Count: len(q.IDs),
	})
}

// UnmarshalJSON reads what MarshalJSON writes, which leaves out the IDs, and of
// a Picture its contents and its Handle.
func (q *Query) UnmarshalJSON(b []byte) error {
	type plain Query
	var in struct {
		plain
		From  string `json:"price_from"`
		To    string `json:"price_to"`
		Most  *int64 `json:"sold_to"`
		Least *int64 `json:"sold_from"`
	}
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	out := Query(in.plain)
	for _, price := range []struct {
		text string
		to   *Opt[Decimal]
	}{{in.From, &out.PriceFrom}, {in.To, &out.PriceTo}} {
		if price.text == "" {
			continue
		}
		d, err := ParseDecimal(price.text)
		if err != nil {
			return err
		}
		*price.to = Some(d)
	}
	if in.Least != nil {
		out.SoldFrom = Some(*in.Least)
	}
	if in.Most != nil {
		out.SoldTo = Some(*in.Most)
	}
	*q = out
	return nil
}

// Leaf is one query of a job together with the name of the source it serves.
type Leaf struct {
	Source   string // such as "search[0]:保温杯", the source column of products
	Query    Query
	MaxPages int    // 0 = as many as the gateway gives
	Filter   Filter // applied by the run, because the gateway does not

	// Split asks for leaves that fit the gateway's window in place of this one.
	Split bool
	// Regions are what Split may split by when nothing else is left: places, as
	// the gateway spells them. That they are all there are, only a total can tell.
	Regions []string
	// Strict pages on past the declared total until a page is not full: the
	// total may be a lie. Leaves of a split are strict.
	Strict bool
	// Unsplittable marks a leaf of a split that has more results than can be
	// paged through and nothing left to split it by.
	Unsplittable bool
	// Parts is set on the leaves of a split by region and, behind them, on that
	// of the query that was split. It is the same for all of one split.
	Parts *Parts
	// Ignored names the part of the query that the gateway seems to ignore, so
	// that what it lists is not what was asked for; "" = none.
	Ignored string
}

// Parts ties the leaves of a split together, see Leaf.Parts. Each of its leaves
// but the last has a Query.Region. It has no contents; only its address counts.
type Parts struct{ _ byte }

// Hit is one row of a page of search results.
type Hit struct {
	ID    OfferID
	Title string // as sent, "" where the row has none
	Price string // as sent, "" where the row has none
	// ModifiedAt is when the offer was changed last, zero where the row does not
	// tell.
	ModifiedAt time.Time `json:",omitzero"`
}

// Wanted is an offer whose details are asked for.
type Wanted struct {
	ID         OfferID
	ModifiedAt time.Time // as its row of search results tells; zero = it does not
}

// Page is one decoded page of search results, in the gateway's order. Totals
// and page sizes are what the gateway declared, which may be a lie.
type Page struct {
	Hits     []Hit
	Total    Opt[int64] // declared number of results of the whole query
	HasMore  Opt[bool]  // declared, where the dialect has such a flag
	PageSize Opt[int]   // the page size that the gateway says it used
	Dropped  int        // rows without a usable id
	// Records are the rows of a CallQuery's page, each one JSON value.
	Records [][]byte
}

// StopReason says which signal ended a pagination.
type StopReason string

// The signals that end a pagination. Complete ones mean that the gateway has
// nothing more; the others that offerlake or the gateway stopped short.
const (
	StopTotal   StopReason = "declared_total" // all of the declared total was seen
	StopHasMore StopReason = "has_more"       // the gateway said that there is no more
	StopEmpty   StopReason = "empty_page"
	StopShort   StopReason = "short_page"
	StopRepeat  StopReason = "repeated_page" // a page brought nothing that was not seen before
	StopSingle  StopReason = "single_page"   // a call without pages
	StopCapped  StopReason = "window_cap"    // the declared total sits on, or the pages reached, the gateway's window
	StopPages   StopReason = "page_limit"    // the job's own pages: limit
	// StopIgnored: the second page of a call repeats the first, so the gateway
	// may not know the page parameter.
	StopIgnored   StopReason = "page_param_ignored"
	StopError     StopReason = "gateway_error"
	StopQuota     StopReason = "quota"
	StopNoJournal StopReason = "not_in_journal" // a replay met a call that was never answered
)

// PageResult is one answered page of a leaf.
type PageResult struct {
	Page
	Number int        // from 1
	Ref    string     // the journal record that the page came from
	At     time.Time  // when that record was made
	Calls  []CallRow  // the attempts that it took, in order
	Stop   StopReason // set on the last page of a pagination
	Drift  []Drift    // what the answer has that is not known of its API
}

// Detail is what became of one requested offer: an Offer, or the error that
// the gateway answered for it.
type Detail struct {
	ID    OfferID
	Offer *Offer
	Err   error
	Obs   Observation
	Drift []Drift // what the answer has, about this offer, that is not known of its API
}

// DetailBatch is the answer to a group of requested offers: one Detail per
// id, in the order of the request, and the attempts that they took.
type DetailBatch struct {
	Details []Detail
	Calls   []CallRow
}
