package catalog

// Enrichment names what can be known of an offer or its seller beyond the
// offer's details.
type Enrichment string

// The enrichments.
const (
	EnrichSupplier Enrichment = "supplier"
	EnrichSales    Enrichment = "sales"
	EnrichReviews  Enrichment = "reviews"
	EnrichShipping Enrichment = "shipping"
)

// PerSupplier reports whether the subject is a seller, asked about once, and
// not an offer.
func (e Enrichment) PerSupplier() bool { return e == EnrichSupplier }

// Subject is what an enrichment is asked about: an offer, for EnrichSupplier
// its seller.
type Subject struct {
	Offer    OfferID
	Supplier OfferSupplier // what the offer's details tell of its seller
}

// Extra is what a gateway tells of a Subject, uniform but raw: each scalar is
// the text that was sent, "" where it was absent.
type Extra struct {
	Supplier     *OfferSupplier
	Sales        []RawSale
	Reviews      []RawReview
	Shipping     []RawShipping
	DecodeIssues []Issue
	More         bool // there is another page
}

// RawSale is what was sold on a day, or in a window of days.
type RawSale struct {
	Day        string // such as 20240701
	WindowDays int    // 0 when Day is set
	Sold       string
	Amount     string
}

// RawReview is one review.
type RawReview struct {
	ID      string
	Rating  string
	Text    string
	SKUText string
	At      string
}

// RawShipping is one freight estimate.
type RawShipping struct {
	Destination string
	Quantity    int64
	Method      string
	Fee         string
	FeeInFen    bool // Fee counts hundredths of a yuan
}

// Enriched is what came of asking about one Subject: a page per answer, and the
// attempts that they took.
type Enriched struct {
	Pages []ExtraPage
	Calls []CallRow
	// Failed is the journal_ref of the call that an error is about, "" where no
	// call was made.
	Failed string
}

// ExtraPage is one answer about a Subject.
type ExtraPage struct {
	Extra Extra
	Obs   Observation
	Drift []Drift // what the answer has that is not known of its API
}

// CategoryNode is a node of the category tree as a gateway described it.
type CategoryNode struct {
	ID     CategoryID
	Parent CategoryID // 0 for a root
	Name   string
	Leaf   bool
	Obs    Observation
}
