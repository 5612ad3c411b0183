package pipeline

import (
	"cmp"
	"fmt"
	"slices"

	"offerlake/pipeline/catalog"
)

// CodeDrift is the code of rejects that a quarantine makes.
const CodeDrift = "schema_drift"

// maxDrift bounds the ways of drift that a report lists; what exceeds it is
// counted.
const maxDrift = 1000

// Drift is one way in which answers differ from what is known of their API.
type Drift struct {
	Kind    catalog.DriftKind `json:"kind"`
	API     string            `json:"api"`
	Path    string            `json:"path,omitempty"`
	Want    string            `json:"want,omitempty"`
	Got     string            `json:"got,omitempty"`
	Answers int64             `json:"answers"`     // that have it: offers, where an answer is about several
	Values  int64             `json:"values"`      // in all of them
	Ref     string            `json:"journal_ref"` // of the first, in output order
}

// Same reports whether two are the same way, however often they came.
func (d Drift) Same(other Drift) bool { return d.key() == other.key() }

// driftKey tells ways of drift apart.
type driftKey struct {
	kind                 catalog.DriftKind
	api, path, want, got string
}

func (d Drift) key() driftKey {
	k := driftKey{d.Kind, d.API, d.Path, d.Want, d.Got}
	if d.Kind == catalog.DriftNewField {
		k.got = "" // a new field may be null in one answer and a text in the next
	}
	return k
}

// drift counts ways of drift in output order.
type drift struct {
	list []Drift
	at   map[driftKey]int
}

func (t *drift) add(c *catalog.Drift) {
	d := Drift{Kind: c.Kind, API: c.API, Path: c.Path, Want: c.Want, Got: c.Got, Answers: 1, Values: c.Count, Ref: c.Ref}
	i, ok := t.at[d.key()]
	if !ok && len(t.list) >= maxDrift {
		d = Drift{Kind: catalog.DriftUnlisted, Answers: 1, Values: c.Count, Ref: c.Ref}
		i, ok = t.at[d.key()]
	}
	if ok {
		t.list[i].Answers++
		t.list[i].Values += c.Count
		if t.list[i].Got == "null" {
			t.list[i].Got = d.Got
		}
		return
	}
	if t.at == nil {
		t.at = map[driftKey]int{}
	}
	t.at[d.key()] = len(t.list)
	t.list = append(t.list, d)
}

// sorted returns the ways that take values away first, then those that most
// answers have.
func (t *drift) sorted() []Drift {
	list := slices.Clone(t.list)
	slices.SortFunc(list, func(a, b Drift) int {
		if t := cmp.Compare(rank(a.Kind), rank(b.Kind)); t != 0 {
			return t
		}
		return cmp.Or(cmp.Compare(b.Answers, a.Answers), cmp.Compare(a.API, b.API), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Want, b.Want), cmp.Compare(a.Got, b.Got))
	})
	return list
}

// rank is the place of a kind in lists.
func rank(k catalog.DriftKind) int {
	return slices.Index([]catalog.DriftKind{catalog.DriftChangedType, catalog.DriftNewValue, catalog.DriftNewField, catalog.DriftUnlisted}, k)
}

// touching returns the first drift that may have cost or changed a value.
func touching(list []catalog.Drift) (catalog.Drift, bool) {
	i := slices.IndexFunc(list, func(d catalog.Drift) bool { return d.Kind.Touches() })
	if i < 0 {
		return catalog.Drift{}, false
	}
	return list[i], true
}

// quarantined makes the row of an offer, or of an answer about it, that is held
// back for a drift.
func quarantined(id catalog.OfferID, stage string, d catalog.Drift, obs catalog.Observation) catalog.Reject {
	message := fmt.Sprintf("a value that is not on record: %s", d.Got)
	if d.Kind == catalog.DriftChangedType {
		message = fmt.Sprintf("want %s, got %s", d.Want, d.Got)
	}
	return catalog.Reject{
		OfferID: catalog.Some(id), Stage: stage, Code: CodeDrift, Message: message + ", in an answer of " + d.API,
		Path: catalog.Some(d.Path), JournalRef: obs.Ref, ObservedAt: obs.At,
	}
}
