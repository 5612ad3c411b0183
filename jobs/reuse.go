package jobs

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"offerlake/extract"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// Reuse says how old answers of earlier runs of the job may be to stand in for
// new ones. Searches are not among them: they are what a run is about.
type Reuse struct {
	Supplier   Duration `yaml:"supplier" default:"0s" doc:"Of the enrichment supplier."`
	Sales      Duration `yaml:"sales" default:"0s" doc:"Of the enrichment sales. Where a call names the day that it is about, another day's answer is another call's and never used."`
	Reviews    Duration `yaml:"reviews" default:"0s" doc:"Of the enrichment reviews. The pages about an offer are reused together or not at all."`
	Shipping   Duration `yaml:"shipping" default:"0s" doc:"Of the enrichment shipping."`
	Categories Duration `yaml:"categories" default:"30d" doc:"Of lists of sub-categories, for subtree, cover: split and the enrichment categories."`
}

// The ways to treat an offer that is unchanged by its row of search results.
const (
	unchangedAsk   = "ask"
	unchangedReuse = "reuse"
)

// unchangedWithin is how old an unchanged offer's details may be.
func (d *Details) unchangedWithin() time.Duration {
	if d.Unchanged != unchangedReuse {
		return 0
	}
	return time.Duration(d.Refresh)
}

// enrichWithin is how old answers to the job's enrichments may be.
func (j *Job) enrichWithin() map[catalog.Enrichment]time.Duration {
	all := map[catalog.Enrichment]Duration{
		catalog.EnrichSupplier: j.Reuse.Supplier, catalog.EnrichSales: j.Reuse.Sales,
		catalog.EnrichReviews: j.Reuse.Reviews, catalog.EnrichShipping: j.Reuse.Shipping,
	}
	within := map[catalog.Enrichment]time.Duration{}
	for _, e := range j.enrichments() {
		within[e] = time.Duration(all[e])
	}
	return within
}

// categoriesWithin is how old lists of sub-categories may be, 0 if the job
// needs none.
func (s *session) categoriesWithin() time.Duration {
	lists := func(l catalog.Leaf) bool { return l.Query.Subtree || l.Split }
	if !s.job.wantsCategories() && !slices.ContainsFunc(s.leaves, lists) {
		return 0
	}
	return time.Duration(s.job.Reuse.Categories)
}

// reuseWithin is the age of the oldest answer that the job could reuse.
func (s *session) reuseWithin() time.Duration {
	d := &s.job.Details
	longest := max(time.Duration(d.ReuseWithin), d.unchangedWithin(), s.categoriesWithin())
	for _, within := range s.job.enrichWithin() {
		longest = max(longest, within)
	}
	return longest
}

// reuse sets the options of a client that say which earlier answers to use.
func (s *session) reuse(o *extract.Options, earlier extract.Earlier, g *gateway) {
	o.Earlier, o.AsOf = earlier, s.state.Started
	if s.job.Gateway.Kind == "sandbox" {
		o.AsOf = g.now() // its world stands still
	}
	o.ReuseWithin = time.Duration(s.job.Details.ReuseWithin)
	o.UnchangedWithin = s.job.Details.unchangedWithin()
	o.CategoriesWithin = s.categoriesWithin()
	o.EnrichWithin = s.job.enrichWithin()
}

// earlier opens the journals of the job's other runs that can hold answers
// young enough to be reused, newest first.
func (s *session) earlier(ctx context.Context) (extract.Earlier, func(), error) {
	within := s.reuseWithin()
	if within == 0 {
		return nil, func() {}, nil
	}
	if err := s.mirror.fetchSince(ctx, s.job.Name, s.journalDir(), s.state.Started.Add(-within)); err != nil {
		// Reuse saves money; that it does not must not stop the night.
		s.log().Warn("earlier journals are not used", "error", err)
	}
	dirs, err := journalsOf(filepath.Dir(filepath.Dir(s.journalDir())))
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(dirs)
	var open []*journal.Journal
	for _, d := range dirs {
		if d.dir == s.journalDir() || !touchedSince(d.dir, s.state.Started.Add(-within)) {
			continue
		}
		o := s.journalOptions()
		o.Name = s.job.Name + "/" + d.date
		j, err := journal.OpenReadOnly(d.dir, o)
		if err != nil {
			// Reuse saves money; a journal that cannot serve it must not stop the night.
			s.log().Warn("earlier journal is not used", "journal", d.dir, "error", err)
			continue
		}
		open = append(open, j)
	}
	closeAll := func() {
		for _, j := range open {
			_ = j.Close() // read only: there is nothing to lose
		}
	}
	return journal.NewSet(open...), closeAll, nil
}

// datedDir is the journal directory of a run.
type datedDir struct {
	date string
	dir  string
}

// journalsOf lists the journal directories of a job, by date and run.
func journalsOf(root string) ([]datedDir, error) {
	days, err := os.ReadDir(root)
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var all []datedDir
	for _, day := range days { // sorted by name
		if _, err := time.Parse(time.DateOnly, day.Name()); err != nil {
			continue
		}
		dirs, err := runDirs(filepath.Join(root, day.Name()))
		if err != nil {
			return nil, err
		}
		for _, dir := range dirs {
			all = append(all, datedDir{date: day.Name(), dir: dir})
		}
	}
	return all, nil
}

// touchedSince reports whether anything in a journal's directory was written
// at or after a time. If nothing was, no answer in it is younger.
func touchedSince(dir string, since time.Time) bool {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return true // opening it will tell what is wrong
	}
	return slices.ContainsFunc(entries, func(e os.DirEntry) bool {
		info, err := e.Info()
		return err != nil || !info.ModTime().Before(since)
	})
}

// validateReuse checks that the job asks for nothing that its gateway cannot
// tell.
func (p *parsing) validateReuse(j *Job, d extract.Dialect) {
	if _, ok := d.(extract.MarkDialect); j.Details.Unchanged == unchangedReuse && !ok {
		p.wrong("details.unchanged", fmt.Sprintf("the search results of gateway kind %s do not tell when an offer was changed", j.Gateway.spoken()),
			"Remove it, or use details.reuse_within. "+kindsThat(marks))
	}
}

func marks(d extract.Dialect) bool {
	_, ok := d.(extract.MarkDialect)
	return ok
}
