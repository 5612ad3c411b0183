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
	Sales      []Sale
	Reviews    []Review
	Shipping   []Shipping
	Categories []CategoryRow
	Hits       []HitRow
	Records    []RecordRow
	Changes    []Change
	Coverage   []Coverage
	Rejects    []Reject
	Flags      []Flag
	Calls      []CallRow
	Drift      []Drift // no table: what the answers of these rows have that is new
}

// Reset empties r and keeps its memory.
func (r *Rows) Reset() {
	*r = Rows{
		Products: r.Products[:0], SKUs: r.SKUs[:0], PriceTiers: r.PriceTiers[:0],
		Attributes: r.Attributes[:0], Images: r.Images[:0], Suppliers: r.Suppliers[:0],
		Sales: r.Sales[:0], Reviews: r.Reviews[:0], Shipping: r.Shipping[:0],
		Categories: r.Categories[:0], Hits: r.Hits[:0], Records: r.Records[:0],
		Changes:  r.Changes[:0],
		Coverage: r.Coverage[:0], Rejects: r.Rejects[:0], Flags: r.Flags[:0], Calls: r.Calls[:0],
		Drift: r.Drift[:0],
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
	OfferID           OfferID
	Gateway           string
	Title             string
	TitleTranslated   Opt[string]
	CategoryID        Opt[int64]
	CategoryName      Opt[string]
	Status            string
	PriceMin          Opt[Decimal]
	PriceMax          Opt[Decimal]
	PriceBasis        PriceBasis
	PriceAtMinOrder   Opt[Decimal]
	Currency          string
	MinOrderQuantity  Opt[int64]
	Unit              Opt[string]
	Stock             Opt[int64]
	StockIsLowerBound bool // stock was given as "at least"
	Sold              Opt[int64]
	SoldIsLowerBound  bool
	SupplierID        Opt[string]
	SupplierName      Opt[string]
	Province          Opt[string]
	City              Opt[string]
	FreeShipping      Opt[bool]
	VerifiedSupplier  Opt[bool]
	WeightG           Opt[Decimal]
	ImageURL          Opt[string]
	ImageCount        int32
	SKUCount          int32
	DetailURL         string
	CreatedAt         Opt[time.Time]
	UpdatedAt         Opt[time.Time]
	Source            string
	SourceRank        Opt[int32]
	ObservedAt        time.Time
	JournalRef        string
}

// SKU is a row of the skus table.
type SKU struct {
	OfferID        OfferID
	SKUKey         string // 32 hex digits
	SKUID          Opt[int64]
	SpecID         Opt[string]
	Attributes     []Pair // sorted by key, keys unique
	AttributesText string
	Variant
	Price             Opt[Decimal]
	PromotionPrice    Opt[Decimal]
	ConsignPrice      Opt[Decimal]
	RetailPrice       Opt[Decimal]
	Stock             Opt[int64]
	StockIsLowerBound bool // stock was given as "at least"
	Sold              Opt[int64]
	SoldIsLowerBound  bool // sold was given as "at least"
	CargoNumber       Opt[string]
	ImageURL          Opt[string]
	WeightG           Opt[Decimal]
	ObservedAt        time.Time
	JournalRef        string
}

// Variant is what a SKU's attributes amount to, in canonical terms.
type Variant struct {
	// CanonicalText is attributes_text with canonical names and values, where
	// that is another text.
	CanonicalText Opt[string]
	Color         Opt[string]
	Size          Opt[string]
	Amount
}

// Amount is a quantity with its unit, and how many of it make a pack.
type Amount struct {
	Quantity Opt[Decimal]
	Unit     Opt[string] // ml, g, mm, piece, pair or set
	Pack     Opt[int64]
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
	// CanonicalName and CanonicalValue are what aliases make of them, where that
	// is something else.
	CanonicalName  Opt[string]
	CanonicalValue Opt[string]
	Amount
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

// Sale is a row of the sales table: what was sold of an offer on a day, or in
// the days up to the observation.
type Sale struct {
	OfferID    OfferID
	Day        Opt[time.Time] // midnight UTC of the calendar day
	WindowDays Opt[int32]
	Sold       Opt[int64]
	Amount     Opt[Decimal]
	ObservedAt time.Time
	JournalRef string
}

// Review is a row of the reviews table.
type Review struct {
	OfferID    OfferID
	ReviewID   string
	Rating     Opt[int32] // 1 to 5
	Text       Opt[string]
	SKUText    Opt[string]
	ReviewedAt Opt[time.Time]
	ObservedAt time.Time
	JournalRef string
}

// Shipping is a row of the shipping table: what the gateway estimates for
// sending a quantity of an offer to a place.
type Shipping struct {
	OfferID     OfferID
	Destination string
	Quantity    int64
	Method      Opt[string]
	Fee         Opt[Decimal]
	Currency    string
	ObservedAt  time.Time
	JournalRef  string
}

// CategoryRow is a row of the categories table.
type CategoryRow struct {
	CategoryID int64
	Name       string
	ParentID   Opt[int64] // null for a root
	Level      int32      // 1 for a root
	Path       string     // the names from the root on, joined by " > "
	Leaf       bool
	ObservedAt time.Time
	JournalRef string
}

// HitRow is a row of the hits table: an offer at its place in the results of
// one source, whichever source its product row names.
type HitRow struct {
	Source     string
	Rank       int32 // from 0, the first time that the source lists the offer
	OfferID    OfferID
	Title      Opt[string]
	Price      Opt[Decimal]
	ObservedAt time.Time
	JournalRef string
}

// RecordRow is a row of a table that a call source fills. Its columns are not
// known beforehand.
type RecordRow struct {
	Table      string
	Source     string
	Position   int64 // of the record in its source, from 0
	Cells      []Cell
	ObservedAt time.Time
	JournalRef string
}

// Cell is a named value of a RecordRow. Text is its exact text; for CellNull it
// is empty.
type Cell struct {
	Name string
	Kind CellKind
	Text string
}

// CellKind is the type of a Cell.
type CellKind uint8

// The kinds of cells. A column that holds several of them gets a type that
// loses nothing.
const (
	CellNull    CellKind = iota
	CellBool             // true or false
	CellInt              // digits with an optional sign, within int64
	CellDecimal          // plain digits with an optional sign and point, at most 38 of them
	CellInstant          // RFC 3339
	CellDate             // 2006-01-02
	CellJSON             // an object or a list, as compact JSON
	CellText
)

// Coverage is a row of the coverage table: what one leaf declared and gave.
type Coverage struct {
	Source        string
	Leaf          string // the query, as JSON
	DeclaredTotal Opt[int64]
	Obtained      int64 // distinct offers that the leaf listed, or records that it gave
	Calls         int64
	Complete      bool
	Reason        Opt[string] // the StopReason
}

// Reject is a row of the rejects table: something that was dropped, and why.
type Reject struct {
	OfferID    Opt[OfferID]
	Stage      string // discover, fetch, decode, normalise, filter, enrich, categories
	Code       string
	Message    string
	Path       Opt[string]
	Excerpt    Opt[string]
	JournalRef string

	// ObservedAt is when the answer to a call for the offer's details arrived,
	// zero for other rejects. The table does not have it.
	ObservedAt time.Time `json:"-"`
}

// Flag is a row of the flags table: a value to be read with care, and why.
type Flag struct {
	OfferID    OfferID
	SKUKey     Opt[string]
	Code       string
	Message    string
	Path       string
	Excerpt    Opt[string]
	ObservedAt time.Time
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
	// Waste is why the attempt brought no usable answer, null if it did: one of the
	// Waste constants, or a class.
	Waste Opt[string]
}

// What attempts were wasted by, beside the classes throttled, upstream, token,
// quota and denied.
const (
	WasteServer      = "server_error" // a 5xx
	WasteHTTP        = "http_error"   // another status without an answer of the gateway's own, or a redirect
	WasteUnreachable = "unreachable"  // no connection, or one that broke before an answer
	WasteTruncated   = "truncated"    // the answer broke off
	WasteTimeout     = "timeout"      // no whole answer in time
	WasteMalformed   = "malformed"    // HTML, half a document, too large
	WasteDuplicate   = "duplicate"    // answered, as an earlier attempt was
	WasteInDoubt     = "in_doubt"     // sent, and nobody knows what came of it: the process was stopped or killed
)
