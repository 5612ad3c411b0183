package catalog

// DriftKind is how an answer differs from what is known of its API.
type DriftKind string

// The kinds of drift.
const (
	DriftNewField    DriftKind = "new_field"    // a field that is not on record
	DriftChangedType DriftKind = "changed_type" // a field that is used, of a type that cannot be
	DriftNewValue    DriftKind = "new_value"    // a value that is not on record for its enumeration
	DriftUnlisted    DriftKind = "unlisted"     // more than are listed one by one
)

// Touches reports whether values may have been lost or misread for it: a new
// field takes nothing away.
func (k DriftKind) Touches() bool { return k == DriftChangedType || k == DriftNewValue }

// Drift is a way in which an answer differs from what is known of its API. Its
// texts are safe to print and bounded in length.
type Drift struct {
	Kind  DriftKind
	API   string // as in the calls table
	Path  string // from the answer's root, without numbers of elements: items.item[].price
	Want  string // changed_type: what can be used
	Got   string // the type that came, of new_value the value
	Count int64  // how often the answer has it
	Ref   string // journal_ref of the answer
}
