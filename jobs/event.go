package jobs

import (
	"crypto/sha256"
	"encoding/hex"
	"path"
	"slices"
	"strings"
	"time"

	"offerlake/pipeline/catalog"
)

// maxEventChanges bounds the changes that an event lists; the table has all.
const maxEventChanges = 1000

// Event is what on_change is told of a published run. Its JSON form is the
// standard input of the command and the body of the webhook.
type Event struct {
	// ID is the same whenever the event is sent.
	ID            string `json:"id"`
	Job           string `json:"job"`
	Date          string `json:"date"`
	Run           int    `json:"run"`
	JournalDigest string `json:"journal_digest"`
	ComparedWith  string `json:"compared_with"` // date of the state before
	// Table is the directory of the changes table of this date, in the first
	// output. It has the changes that are not watched as well.
	Table    string           `json:"table"`
	Count    int64            `json:"count"` // of watched changes
	Fields   map[string]int64 `json:"fields"`
	Changes  []EventChange    `json:"changes"`            // the first 1000 in the table's order
	Unlisted int64            `json:"unlisted,omitempty"` // those beyond
}

// EventChange is a row of the changes table.
type EventChange struct {
	OfferID       int64      `json:"offer_id"`
	SKUKey        string     `json:"sku_key,omitempty"`
	Field         string     `json:"field"`
	Old           *string    `json:"old"`
	New           *string    `json:"new"`
	Title         string     `json:"title"`
	OldObservedAt *time.Time `json:"old_observed_at"`
	ObservedAt    time.Time  `json:"observed_at"`
}

// eventID is the same for runs of a job and date over the same answers.
func eventID(job, date, digest string) string {
	sum := sha256.Sum256([]byte(strings.Join([]string{job, date, digest}, "\n")))
	return hex.EncodeToString(sum[:16])
}

// eventGatherer keeps the watched changes of a run.
type eventGatherer struct {
	offers map[catalog.OfferID]bool // nil = all
	fields []string                 // none = all
	event  Event
}

// newEventGatherer reads the watch list of a job.
func newEventGatherer(j *Job) (*eventGatherer, error) {
	w := j.Changes.Watch
	g := &eventGatherer{fields: w.Fields, event: Event{Fields: map[string]int64{}, Changes: []EventChange{}}}
	if w.Offers == "" {
		return g, nil
	}
	ids, err := readIDs(j.input(w.Offers), w.Column)
	if err != nil {
		return nil, err
	}
	offers, err := offerIDs(ids)
	if err != nil {
		return nil, err
	}
	g.offers = map[catalog.OfferID]bool{}
	for _, id := range offers {
		g.offers[id] = true
	}
	return g, nil
}

// add counts the watched ones of some changes, and keeps the first of them.
func (g *eventGatherer) add(changes []catalog.Change) {
	if g == nil {
		return
	}
	for i := range changes {
		c := &changes[i]
		if g.offers != nil && !g.offers[c.OfferID] || len(g.fields) > 0 && !slices.Contains(g.fields, string(c.Field)) {
			continue
		}
		g.event.Count++
		g.event.Fields[string(c.Field)]++
		if len(g.event.Changes) == maxEventChanges {
			g.event.Unlisted++
			continue
		}
		g.event.Changes = append(g.event.Changes, eventChange(c))
	}
}

// eventChange copies a change; its texts share memory with whole answers.
func eventChange(c *catalog.Change) EventChange {
	return EventChange{
		OfferID: int64(c.OfferID), SKUKey: strings.Clone(c.SKUKey.V), Field: string(c.Field), Old: cloned(c.Old), New: cloned(c.New),
		Title: strings.Clone(c.Title), OldObservedAt: pointer(c.OldObservedAt), ObservedAt: c.ObservedAt,
	}
}

func cloned(o catalog.Opt[string]) *string {
	o.V = strings.Clone(o.V)
	return pointer(o)
}

func pointer[T any](o catalog.Opt[T]) *T {
	if !o.OK {
		return nil
	}
	return &o.V
}

// eventOf returns the event of a run that is about to be published, nil when
// there is nothing or nobody to tell. Replays tell nothing: they repeat what was
// told, or would for years of nights at once.
func (s *session) eventOf(c *comparison, digest string) *Event {
	if c == nil || c.watched == nil || c.watched.event.Count == 0 {
		return nil
	}
	e := c.watched.event
	e.ID = eventID(s.job.Name, s.day(), digest)
	e.Job, e.Date, e.Run, e.JournalDigest, e.ComparedWith = s.job.Name, s.day(), s.state.Number, digest, c.before.Date()
	e.Table = strings.TrimRight(s.outputs[0].Store.URL(), "/") + "/" + path.Join("changes", "dt="+s.day())
	return &e
}
