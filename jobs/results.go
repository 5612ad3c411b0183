package jobs

import (
	"bytes"
	"encoding/json"
	"fmt"
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
	paid := r.Paid
	switch {
	case s.state.Replay:
		paid = 0
	case rows == nil:
		paid = max(paid, stats.Calls) // the report of a run that stopped lags behind its calls
	}
	sum := &Summary{
		Job: s.job.Name, Date: s.day(), Run: s.state.Number, Resumed: s.resumed,
		Seconds: time.Since(s.started).Seconds(), Rows: rows,
		Calls: stats.Calls, Answered: int64(j.Len()), Retries: stats.Retries, Throttled: stats.Throttled,
		FromJournal: stats.FromJournal, Reused: stats.Reused,
		Endpoints: stats.Endpoints, Credentials: stats.Credentials,
		SecondsAtLimit: stats.Waited.Seconds() / float64(max(s.job.Gateway.Limits.InFlight, 1)),
		Paid:           paid, Cost: costOf(s.job, paid),
		Discovered: r.Discovered, Rejects: r.Rejects,
		Journal: s.journalDir(), JournalDigest: j.Digest(),
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

// addCoverage adds up the leaves. A leaf that declared no total counts with
// what it gave.
func (s *Summary) addCoverage(leaves []catalog.Coverage) {
	for _, c := range leaves {
		declared := max(c.DeclaredTotal.Or(c.Obtained), 0)
		s.DeclaredTotal += declared
		s.Obtained += min(c.Obtained, declared)
		if c.Complete {
			continue
		}
		l := LeafSummary{Source: c.Source, Obtained: c.Obtained, Reason: c.Reason.V}
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
	for _, l := range sum.IncompleteLeafs {
		if l.Reason == string(catalog.StopError) {
			// No limit makes a search that broke off look whole.
			breaches = append(breaches, fmt.Sprintf("%s broke off: the gateway failed; see the rejects table", l.Source))
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

// coverageBreaches compares the coverage with its limit. A search that failed
// before it declared anything breaches any limit: nobody knows what it hides.
func (s *session) coverageBreaches(sum *Summary, limit float64) []string {
	var breaches []string
	if sum.Coverage < limit {
		breaches = append(breaches, fmt.Sprintf("coverage: %.2f %% (%s of %s declared), less than %.2f %%",
			100*sum.Coverage, count(sum.Obtained), count(sum.DeclaredTotal), 100*limit))
	}
	for _, l := range sum.IncompleteLeafs {
		if l.Declared == nil && limit > 0 {
			breaches = append(breaches, fmt.Sprintf("coverage: %s ended with %s before it declared a total", l.Source, l.Reason))
		}
	}
	return breaches
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
