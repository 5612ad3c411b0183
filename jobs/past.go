package jobs

import (
	"context"
	"log/slog"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/load"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// past is what the last published run of a job tells about the next one, beside
// what its searches gave: the calls of its journal, by what they were for, and
// when they were answered.
type past struct {
	date     time.Time
	listed   int64 // offers of its searches, each as often as it was listed
	found    int64 // distinct ones that details were wanted of
	refused  int64 // of them without details: asked for every time
	searches int64 // attempts of searches, without lists of sub-categories
	details  map[string]time.Time
	children map[string]time.Time
	extras   map[catalog.Enrichment]map[string]time.Time
}

// pastOf reads the journal of a published run, which is that of the job's last
// run; nil if there is none, it is gone or it cannot be read.
func pastOf(ctx context.Context, job *Job, home load.Store, last *load.Manifest, d extract.Dialect) (*past, error) {
	var sum Summary
	if last == nil || unmarshalStrict(last.Run.Details, &sum) != nil || sum.Discovered == 0 {
		return nil, nil
	}
	date, err := time.Parse(time.DateOnly, last.Date)
	if err != nil {
		return nil, err
	}
	runs, err := openRunLog(ctx, home, job.Name, last.Date)
	if err != nil {
		return nil, err
	}
	if err := runs.relocate(job.journalRoot()); err != nil {
		return nil, err
	}
	i := slices.IndexFunc(runs.Runs, func(r *RunState) bool { return r.ID() == last.Run.ID && !r.Replay })
	if i < 0 {
		return nil, nil
	}
	m, err := newMirror(job.journalRoot(), slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	if err := m.fetchRun(ctx, runs.Runs[i].Journal); err != nil {
		return nil, err
	}
	if !isDir(runs.Runs[i].Journal) {
		return nil, nil
	}
	p := &past{
		date: date, found: sum.Discovered,
		refused: sum.Rejects[string(catalog.ErrNotFound)] + sum.Rejects[string(catalog.ErrDelisted)],
		details: map[string]time.Time{}, children: map[string]time.Time{},
		extras: map[catalog.Enrichment]map[string]time.Time{},
	}
	for _, l := range last.Run.Stops {
		if !strings.HasPrefix(l.Source, string(catalog.CallQuery)+"[") { // records are no offers
			p.listed += l.Obtained
		}
	}
	if p.read(filepath.Clean(runs.Runs[i].Journal), job, d) != nil {
		return nil, nil // the run itself will tell; a plan can do without
	}
	return p, nil
}

// read sorts the calls of a journal by what they were for.
func (p *past) read(dir string, job *Job, d extract.Dialect) error {
	j, err := journal.OpenReadOnly(dir, journal.Options{})
	if err != nil {
		return err
	}
	defer j.Close()
	purposes := p.purposes(job, d)
	bd, _ := d.(extract.BatchDialect)
	for r, err := range j.Attempts() {
		if err != nil {
			return err
		}
		kind, api, params, ok := catalog.ParseCallKey(r.Key)
		if !ok || kind != job.Gateway.Kind {
			continue
		}
		calls, known := purposes[api]
		switch {
		case !known:
			p.searches++
			continue
		case r.Error != "" || r.Status != 200:
			continue // what came of it in the end counts
		}
		keys := []string{r.Key}
		if bd != nil {
			if ids := bd.Asked(api, params); len(ids) > 0 {
				keys = keys[:0]
				for _, id := range ids {
					keys = append(keys, id.String())
				}
			}
		}
		for _, k := range keys {
			if r.At.After(calls[k]) {
				calls[k] = r.At
			}
		}
	}
	return nil
}

// purposes returns where the calls of an API belong.
func (p *past) purposes(job *Job, d extract.Dialect) map[string]map[string]time.Time {
	of := map[string]map[string]time.Time{}
	if cd, ok := d.(extract.CategoryDialect); ok {
		of[cd.Children(0).API] = p.children
	}
	for _, e := range job.byCall(d) {
		p.extras[e] = map[string]time.Time{}
		if r, ok := aboutAnOffer(d, e, p.date); ok {
			of[r.API] = p.extras[e]
		}
	}
	of[d.Details([]catalog.OfferID{1}).API] = p.details
	if d.Limits().MaxBatch > 1 {
		of[d.Details([]catalog.OfferID{1, 2}).API] = p.details
	}
	return of
}

// aboutAnOffer is an enrichment's call about some offer, on a day.
func aboutAnOffer(d extract.Dialect, e catalog.Enrichment, day time.Time) (extract.Request, bool) {
	ed, ok := d.(extract.EnrichCallDialect)
	if !ok {
		return extract.Request{}, false
	}
	r, err := ed.Enrich(e, catalog.Subject{Offer: 1, Supplier: catalog.OfferSupplier{ID: "-", LoginID: "-"}}, 1, day)
	return r, err == nil && r.API != ""
}

// young counts the answers that are not older than a time, zero = none.
func young(calls map[string]time.Time, since time.Time) int64 {
	n := int64(0)
	for _, at := range calls {
		if !since.IsZero() && !at.Before(since) {
			n++
		}
	}
	return n
}

// horizon is since when answers of earlier runs may be used, at a planned run;
// the zero value uses none.
type horizon struct {
	day                 time.Time
	details, categories time.Time
	extras              map[catalog.Enrichment]time.Time
}

// horizon returns that of the session's run. The emulated world stands at noon
// of its date.
func (s *session) horizon() horizon {
	at := s.started
	if s.job.Gateway.Kind == "sandbox" {
		at = s.date.Add(12 * time.Hour)
	}
	since := func(within time.Duration) time.Time {
		if within == 0 {
			return time.Time{}
		}
		return at.Add(-within)
	}
	h := horizon{
		day: s.date, details: since(time.Duration(s.job.Details.ReuseWithin)), categories: since(s.categoriesWithin()),
		extras: map[catalog.Enrichment]time.Time{},
	}
	for e, within := range s.job.enrichWithin() {
		h.extras[e] = since(within)
	}
	return h
}

// distinct estimates how many offers a number of listed ones are.
func (p *past) distinct(listed int64) int64 {
	if p == nil || p.listed == 0 {
		return listed
	}
	return scale(listed, p.found, p.listed)
}

// scale is n times a / b, rounded.
func scale(n, a, b int64) int64 { return int64(math.Round(float64(n) * float64(a) / float64(b))) }

// missing estimates how many of some offers have to be asked for.
func (p *past) missing(offers int64, since time.Time) int64 {
	if p == nil || p.found == 0 {
		return offers
	}
	have := max(young(p.details, since)-p.refused, 0)
	return min(max(offers-scale(have, offers, max(p.found, offers)), 0), offers)
}

// extra estimates the calls of an enrichment, and how many more an earlier
// answer saves. An answer that names its day is of no use on another.
func (p *past) extra(e catalog.Enrichment, d extract.Dialect, offers int64, h horizon) (calls, saved int64) {
	all := p.extras[e]
	since := h.extras[e]
	then, _ := aboutAnOffer(d, e, p.date)
	if now, ok := aboutAnOffer(d, e, h.day); !ok || !maps.Equal(then.Params, now.Params) {
		since = time.Time{}
	}
	total := scale(int64(len(all)), offers, p.found)
	saved = scale(young(all, since), offers, max(p.found, offers))
	return max(total-saved, 0), saved
}

// batches estimates the calls for the details of offers that are missing among
// all, which go through in batches: one of which all are known costs nothing.
func batches(offers, missing int64, batch, perCall int) int64 {
	perCall = min(perCall, batch)
	calls := func(n, of int64) int64 { return (n + of - 1) / of }
	full := offers / int64(batch) * calls(int64(batch), int64(perCall))
	groups := full + calls(offers%int64(batch), int64(perCall))
	if missing >= offers || perCall == 1 {
		return min(groups, missing)
	}
	share := float64(missing) / float64(max(offers, 1))
	return min(int64(math.Round(float64(groups)*(1-math.Pow(1-share, float64(perCall))))), missing)
}

// asked returns the calls of an enrichment; ok is false if the run made none, as
// one of a job that did not ask for it.
func (p *past) asked(e catalog.Enrichment) (calls map[string]time.Time, ok bool) {
	if p == nil {
		return nil, false
	}
	return p.extras[e], len(p.extras[e]) > 0
}
