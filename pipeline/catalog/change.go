package catalog

import "time"

// ChangeField says what a row of the changes table is about.
type ChangeField string

// The fields, in the order in which an offer's changes are listed. Price,
// tiers and stock are also those of a SKU.
const (
	ChangeListed     ChangeField = "listed"   // the job sees the offer for the first time
	ChangeDelisted   ChangeField = "delisted" // the gateway says that the offer is taken down, or that there is no such offer
	ChangeRelisted   ChangeField = "relisted" // an offer that was delisted is there again
	ChangeStatus     ChangeField = "status"   // any other change of the status
	ChangeTitle      ChangeField = "title"
	ChangePrice      ChangeField = "price"
	ChangeTiers      ChangeField = "tiers"
	ChangeStock      ChangeField = "stock"
	ChangeSKUAdded   ChangeField = "sku_added"
	ChangeSKURemoved ChangeField = "sku_removed"
)

// ChangeFields returns all fields.
func ChangeFields() []ChangeField {
	return []ChangeField{
		ChangeListed, ChangeDelisted, ChangeRelisted, ChangeStatus, ChangeTitle, ChangePrice, ChangeTiers, ChangeStock,
		ChangeSKUAdded, ChangeSKURemoved,
	}
}

// Change is a row of the changes table: what differs from the last state of an
// offer that the job published.
type Change struct {
	OfferID       OfferID
	SKUKey        Opt[string] // absent for what the offer as a whole has
	Field         ChangeField
	Old           Opt[string]
	New           Opt[string]
	Title         string // of the offer, as last known
	OldObservedAt Opt[time.Time]
	ObservedAt    time.Time
	JournalRef    string
}

// OfferState is what is compared of an offer from one run to the next. Values
// are canonical text, "" where they are not known: equal texts mean equal
// values.
type OfferState struct {
	OfferID OfferID    `json:"offer_id"`
	Status  string     `json:"status"` // that of the product, or StatusNotFound
	Title   string     `json:"title,omitempty"`
	Basis   PriceBasis `json:"price_basis,omitempty"`
	Price   string     `json:"price,omitempty"` // "12.5", or the range "9.9-12.5"
	Tiers   string     `json:"tiers,omitempty"` // the offer's own, as "2-9=12.5;10-=11"
	Stock   string     `json:"stock,omitempty"`
	SKUs    []SKUState `json:"skus,omitempty"` // in the gateway's order
	// InDoubt says that the answer's SKU table could not be read in full, so
	// that SKUs may be missing or have a wrong key.
	InDoubt    bool      `json:"skus_in_doubt,omitempty"`
	ObservedAt time.Time `json:"observed_at"`
	JournalRef string    `json:"journal_ref"`
}

// StatusNotFound is the status of an OfferState that the gateway does not know
// any more. No product has it.
const StatusNotFound = string(ErrNotFound)

// Gone reports whether the offer was taken down.
func (s *OfferState) Gone() bool { return s.Status == StatusDelisted || s.Status == StatusNotFound }

// SKUState is what is compared of a SKU.
type SKUState struct {
	Key        string `json:"sku_key"`
	Attributes string `json:"attributes_text,omitempty"`
	Price      string `json:"price,omitempty"`
	Tiers      string `json:"tiers,omitempty"`
	Stock      string `json:"stock,omitempty"`
}
