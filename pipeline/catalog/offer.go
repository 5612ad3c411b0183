package catalog

import "time"

// Offer is one offer as a gateway described it: the same shape for every
// dialect, but each scalar still the text that was sent (a JSON number's exact
// literal, or a string's content), "" where it was absent, null or empty.
// What the text means is transform's business.
type Offer struct {
	ID              OfferID
	Title           string
	TitleTranslated string
	CategoryID      string
	CategoryName    string
	Status          string
	Currency        string // "" = CNY

	Pricing       Pricing
	Price         string // headline price; may be a range or 面议
	PriceMax      string // upper end, where it comes in a field of its own
	Tiers         []Tier
	MinOrder      string
	Unit          string
	Stock         string
	Sold          string
	FreeShipping  Opt[bool]
	Verified      Opt[bool]
	Weight        Measure
	CreatedAt     string
	UpdatedAt     string
	Attributes    []Attribute
	SKUs          []OfferSKU
	Images        []string // main images, in order
	WhiteImage    string
	DetailImages  []string // images of the description, where they come in a field of their own
	Description   string   // HTML
	Supplier      OfferSupplier
	Sales         []RawSale // where details carry them
	DecodeIssues  []Issue   // fields that were there but could not be read
	Drift         []Drift   // what its part of an answer about several has that is not known of the API
	SKUTableIsBad bool      // the SKU container was there but unreadable: the offer must not pass as one without SKUs
}

// Pricing says what an offer's price depends on, as far as the gateway tells.
type Pricing int

// The pricing modes. The official models number them differently (wire.md 3.4
// and 3.5); decoders translate.
const (
	PricingUnknown       Pricing = iota // not told: to be inferred
	PricingByQuantity                   // tiers hold for every SKU
	PricingBySKU                        // each SKU has its price
	PricingSKUByQuantity                // each SKU has tiers of its own
)

// Tier is one step of a quantity-dependent price.
type Tier struct {
	MinQuantity string
	Price       string
	Promotion   string
}

// Measure is a number with the unit that its field is documented to have.
type Measure struct {
	Text string
	Unit string // "g" or "kg"
}

// Attribute is a named property of an offer or of a SKU.
type Attribute struct {
	ID    string
	Name  string
	Value string
	Image string // SKU attributes only
}

// OfferSKU is one stock keeping unit as sent.
type OfferSKU struct {
	ID             string
	SpecID         string
	Attributes     []Attribute
	Price          string
	PromotionPrice string
	ConsignPrice   string
	RetailPrice    string
	Stock          string
	Sold           string
	CargoNumber    string
	Image          string
	Weight         Measure
	Tiers          []Tier
}

// OfferSupplier is what an offer's answer tells about its seller.
type OfferSupplier struct {
	ID       string
	LoginID  string
	Name     string
	ShopURL  string
	Province string
	City     string
	Location string // province and city in one text, where they come so
	Years    string
	Scores   []Pair
}

// Pair is a key and a value, both text.
type Pair struct{ Key, Value string }

// Issue is a field that was present but not usable.
type Issue struct {
	Code    string // a reject code
	Path    string // such as "productSkuInfos[3].price"
	Message string
	Excerpt string
}

// Observation says where and when an answer was seen.
type Observation struct {
	Gateway string // the job's gateway kind
	At      time.Time
	Ref     string // journal_ref
	Source  string
	Rank    Opt[int32] // position within the source, from 0
}
