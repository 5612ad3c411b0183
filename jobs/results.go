package jobs

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/load"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// summarise collects what a run says of itself. rows is nil when nothing was
// finished.
func (s *session) summarise(client *extract.Client, j *journal.Journal, r pipeline.Report, rows map[string]int64) *Summary {
	stats := gatewayStats(client.Stats())
	paid, wasted := r.Paid, maps.Clone(r.Wasted)
	switch {
	case s.state.Replay:
		paid = 0
	case rows == nil: // the report of a run that stopped lags behind its calls
		paid = max(paid, stats.Calls)
		wasted = mostWasted(wasted, stats.Wasted)
	}
	delete(wasted, catalog.WasteInDoubt)
	if n := s.inDoubt(j); n > 0 {
		wasted[catalog.WasteInDoubt] = n
	}
	sum := &Summary{
		Job: s.job.Name, Date: s.day(), Run: s.state.Number, Resumed: s.resumed,
		Seconds: time.Since(s.started).Seconds(), Rows: rows, Partial: s.partial && !s.state.Replay,
		Calls: stats.Calls, Answered: int64(j.Len()), Retries: stats.Retries, Throttled: stats.Throttled, Wasted: wasted,
		FromJournal: stats.FromJournal, Reused: stats.Reused, ReusedOffers: stats.ReusedOffers, Unchanged: stats.Unchanged,
		Endpoints: stats.Endpoints, Credentials: stats.Credentials,
		SecondsAtLimit: stats.Waited.Seconds() / float64(max(s.job.Gateway.Limits.InFlight, 1)),
		Paid:           paid, Cost: costOf(s.job, paid),
		Discovered: r.Discovered, Probes: r.Probes, Rejects: r.Rejects, Flags: r.Flags,
		Journal: cmp.Or(s.replays, s.runs.named(s.journalDir())), JournalDigest: j.Digest(),
	}
	if sum.Cost != "" {
		sum.Currency = s.job.Gateway.Cost.Currency
	}
	for _, o := range s.job.Output {
		sum.Outputs = append(sum.Outputs, o.Format+" "+cleanURL(o.URL))
	}
	sum.addCoverage(r.Coverage)
	return sum
}

// mostWasted returns the larger number of each cause: both count some of the same
// attempts, each perhaps not all.
func mostWasted(a, b map[string]int64) map[string]int64 {
	most := map[string]int64{}
	for _, counts := range []map[string]int64{a, b} {
		for cause, n := range counts {
			most[cause] = max(most[cause], n)
		}
	}
	return most
}

// addCoverage adds up the leaves. A leaf that declared no total counts with
// what it gave. One that is not complete lacks one offer at least, whatever it
// declared.
func (s *Summary) addCoverage(leaves []catalog.Coverage) {
	for _, c := range leaves {
		declared := max(c.DeclaredTotal.Or(c.Obtained), 0)
		if !c.Complete {
			declared = max(declared, c.Obtained+1)
		}
		if !strings.HasPrefix(c.Source, string(catalog.CallQuery)+"[") { // records are no offers
			s.DeclaredTotal += declared
			s.Obtained += min(c.Obtained, declared)
		}
		if c.Complete {
			continue
		}
		if capped(c.Reason.V) {
			s.Capped++
		}
		l := LeafSummary{Source: c.Source, Leaf: c.Leaf, Obtained: c.Obtained, Reason: c.Reason.V}
		if c.DeclaredTotal.OK {
			l.Declared = &c.DeclaredTotal.V
		}
		s.IncompleteLeafs = append(s.IncompleteLeafs, l)
	}
	s.Coverage = 1
	if s.DeclaredTotal > 0 {
		s.Coverage = float64(s.Obtained) / float64(s.DeclaredTotal)
	}
}

// capped reports whether a leaf ended at the gateway's window, so that nobody
// knows how much lies beyond.
func capped(reason string) bool {
	return reason == string(catalog.StopCapped) || reason == pipeline.ReasonUnsplittable || reason == pipeline.ReasonRegions
}

// quality returns a *QualityError if the summary breaches the job's limits, or
// if a search failed.
func (s *session) quality(sum *Summary) error {
	var breaches []string
	q := s.job.Quality
	if q.MaxRejects != nil && sum.Discovered > 0 {
		var bad int64
		for code, n := range sum.Rejects {
			if !harmless(code) {
				bad += n
			}
		}
		if share := float64(bad) / float64(sum.Discovered); share > float64(*q.MaxRejects) {
			breaches = append(breaches, fmt.Sprintf("rejects: %s of %s offers, %.2f %%, more than %.2f %%: see the rejects table",
				count(bad), count(sum.Discovered), 100*share, 100*float64(*q.MaxRejects)))
		}
	}
	breaches = append(breaches, rejectBreaches(sum, q.MaxRejectsOf)...)
	for _, l := range sum.IncompleteLeafs {
		if l.Reason == string(catalog.StopError) {
			// No limit makes a search that broke off look whole.
			breaches = append(breaches, fmt.Sprintf("%s broke off: the gateway failed; see the rejects table", l.name()))
		}
	}
	if q.MinCoverage != nil {
		breaches = append(breaches, s.coverageBreaches(sum, float64(*q.MinCoverage))...)
	}
	if len(breaches) == 0 {
		return nil
	}
	return &QualityError{Breaches: breaches}
}

// rejectBreaches compares single codes with their limits, by code.
func rejectBreaches(sum *Summary, limits map[string]Percent) []string {
	var breaches []string
	for _, code := range slices.Sorted(maps.Keys(limits)) {
		n := sum.Rejects[code]
		if share := float64(n) / float64(max(sum.Discovered, 1)); n > 0 && share > float64(limits[code]) {
			breaches = append(breaches, fmt.Sprintf("rejects: %s of %s for %s offers, %.2f %%, more than %.2f %%: see offerlake rejects",
				count(n), code, count(sum.Discovered), 100*share, 100*float64(limits[code])))
		}
	}
	return breaches
}

// coverageBreaches compares the coverage with its limit. A search that failed
// before it declared anything breaches any limit: nobody knows what it hides.
func (s *session) coverageBreaches(sum *Summary, limit float64) []string {
	var breaches []string
	if sum.Coverage < limit {
		breaches = append(breaches, fmt.Sprintf("coverage: %s (%s of %s declared), less than %s; %s",
			percent(sum.Coverage), count(sum.Obtained), count(sum.DeclaredTotal), percent(limit), worstLeaves(sum.IncompleteLeafs)))
	}
	if sum.Capped > 0 && limit > 0 {
		breaches = append(breaches, fmt.Sprintf("coverage: %d searches ended at the gateway's window, and what lies beyond is not known: use cover: split, "+
			"or narrow them", sum.Capped))
	}
	for _, l := range sum.IncompleteLeafs {
		if l.Declared == nil && limit > 0 {
			breaches = append(breaches, fmt.Sprintf("coverage: %s ended with %s before it declared a total", l.name(), l.Reason))
		}
	}
	return breaches
}

// worstLeaves names the leaves that lack most.
func worstLeaves(leaves []LeafSummary) string {
	const most = 3
	worst := slices.Clone(leaves)
	slices.SortStableFunc(worst, func(a, b LeafSummary) int { return cmp.Compare(b.lacks(), a.lacks()) })
	var names []string
	for _, l := range worst[:min(len(worst), most)] {
		names = append(names, fmt.Sprintf("%s lacks %s (%s)", l.name(), count(l.lacks()), l.Reason))
	}
	return "worst: " + strings.Join(names, ", ")
}

// lacks is how many offers of a leaf are known to be missing.
func (l LeafSummary) lacks() int64 {
	if l.Declared == nil {
		return 1
	}
	return max(*l.Declared-l.Obtained, 1)
}

// percent writes a share so that less than all never looks like all.
func percent(share float64) string {
	return fmt.Sprintf("%.2f %%", math.Floor(10_000*share)/100)
}

// coverageOf sums up the leaves for a manifest.
func coverageOf(leaves []catalog.Coverage) load.Coverage {
	var c load.Coverage
	for _, l := range leaves {
		c.Leaves++
		if l.Complete {
			c.Complete++
		}
		c.Declared += l.DeclaredTotal.V
		c.Obtained += l.Obtained
	}
	return c
}

// stopsOf lists for a manifest which signal ended each leaf.
func stopsOf(leaves []catalog.Coverage) []load.LeafStop {
	stops := make([]load.LeafStop, len(leaves))
	for i, l := range leaves {
		stops[i] = load.LeafStop{
			Source: l.Source, Leaf: json.RawMessage(l.Leaf), Reason: l.Reason.V,
			Obtained: l.Obtained, Calls: l.Calls, Complete: l.Complete,
		}
		if l.DeclaredTotal.OK {
			stops[i].Declared = &l.DeclaredTotal.V
		}
	}
	return stops
}

// unmarshalStrict decodes JSON that this program wrote itself.
func unmarshalStrict(b []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	return dec.Decode(v)
}
