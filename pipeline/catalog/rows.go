package catalog

import "time"

// Rows are finished table rows, a slice per table, in output order.
type Rows struct {
	Products   []Product
	SKUs       []SKU
	PriceTiers []PriceTier
	Attributes []AttributeRow
	Images     []Image
	Suppliers  []Supplier
	Coverage   []Coverage
	Rejects    []Reject
	Calls      []CallRow
}

// Reset empties r and keeps its memory.
func (r *Rows) Reset() {
	*r = Rows{
		Products: r.Products[:0], SKUs: r.SKUs[:0], PriceTiers: r.PriceTiers[:0],
		Attributes: r.Attributes[:0], Images: r.Images[:0], Suppliers: r.Suppliers[:0],
		Coverage: r.Coverage[:0], Rejects: r.Rejects[:0], Calls: r.Calls[:0],
	}
}

// PriceBasis says what a product's price depends on.
type PriceBasis string

// The price bases.
const (
	BasisSKU        PriceBasis = "sku"
	BasisQuantity   PriceBasis = "quantity"
	BasisSingle     PriceBasis = "single"
	BasisNegotiable PriceBasis = "negotiable"
	BasisUnknown    PriceBasis = "unknown"
)

// Status of a product.
const (
	StatusPublished = "published"
	StatusDelisted  = "delisted"
	StatusExpired   = "expired"
	StatusAuditing  = "auditing"
	StatusUnknown   = "unknown"
)

// Product is a row of the products table: one offer.
type Product struct {
	OfferID          OfferID
	Gateway          string
	Title            string
	TitleTranslated  Opt[string]
	CategoryID       Opt[int64]
	CategoryName     Opt[string]
	Status           string
	PriceMin         Opt[Decimal]
	PriceMax         Opt[Decimal]
	PriceBasis       PriceBasis
	Currency         string
	MinOrderQuantity Opt[int64]
	Unit             Opt[string]
	Stock            Opt[int64]
	Sold             Opt[int64]
	SoldIsLowerBound bool
	SupplierID       Opt[string]
	SupplierName     Opt[string]
	Province         Opt[string]
	City             Opt[string]
	FreeShipping     Opt[bool]
	VerifiedSupplier Opt[bool]
	WeightG          Opt[Decimal]
	ImageURL         Opt[string]
	ImageCount       int32
	SKUCount         int32
	DetailURL        string
	CreatedAt        Opt[time.Time]
	UpdatedAt        Opt[time.Time]
	Source           string
	SourceRank       Opt[int32]
	ObservedAt       time.Time
	JournalRef       string
}

// SKU is a row of the skus table.
type SKU struct {
	OfferID        OfferID
	SKUKey         string // 32 hex digits
	SKUID          Opt[int64]
	SpecID         Opt[string]
	Attributes     []Pair // sorted by key, keys unique
	AttributesText string
	Price          Opt[Decimal]
	PromotionPrice Opt[Decimal]
	ConsignPrice   Opt[Decimal]
	RetailPrice    Opt[Decimal]
	Stock          Opt[int64]
	Sold           Opt[int64]
	CargoNumber    Opt[string]
	ImageURL       Opt[string]
	WeightG        Opt[Decimal]
	ObservedAt     time.Time
	JournalRef     string
}

// PriceTier is a row of the price_tiers table.
type PriceTier struct {
	OfferID     OfferID
	SKUKey      Opt[string]
	MinQuantity int64
	MaxQuantity Opt[int64]
	Price       Decimal
}

// AttributeRow is a row of the attributes table.
type AttributeRow struct {
	OfferID     OfferID
	Position    int32
	AttributeID Opt[int64]
	Name        string
	Value       string
}

// Image roles.
const (
	ImageMain   = "main"
	ImageWhite  = "white"
	ImageSKU    = "sku"
	ImageDetail = "detail"
)

// Image is a row of the images table.
type Image struct {
	OfferID  OfferID
	Role     string
	Position int32
	SKUKey   Opt[string]
	URL      string
}

// Supplier is a row of the suppliers table.
type Supplier struct {
	SupplierID string
	Name       Opt[string]
	LoginID    Opt[string]
	ShopURL    Opt[string]
	Province   Opt[string]
	City       Opt[string]
	Years      Opt[int32]
	Scores     []Pair // sorted by key, keys unique
	ObservedAt time.Time
	JournalRef string
}

// Coverage is a row of the coverage table: what one leaf declared and gave.
type Coverage struct {
	Source        string
	Leaf          string // the query, as JSON
	DeclaredTotal Opt[int64]
	Obtained      int64 // distinct offers that the leaf listed
	Calls         int64
	Complete      bool
	Reason        Opt[string] // the StopReason
}

// Reject is a row of the rejects table: something that was dropped, and why.
type Reject struct {
	OfferID    Opt[OfferID]
	Stage      string // discover, fetch, decode, normalise
	Code       string
	Message    string
	Path       Opt[string]
	Excerpt    Opt[string]
	JournalRef string
}

// CallRow is a row of the calls table: one attempt of one call.
type CallRow struct {
	At          time.Time
	API         string
	Attempt     int32
	Outcome     string // "ok" or the code of an error class
	HTTPStatus  int32
	ErrorCode   Opt[string]
	LatencyMS   int64
	Bytes       int64
	FromJournal bool // taken from an earlier run's journal instead of being paid for
}
