package jobs

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"path"
	"slices"
	"strings"
	"time"

	"offerlake/extract"
	"offerlake/load"
	"offerlake/pipeline/catalog"
	"offerlake/pipeline/journal"
)

// PlanOptions are the choices of a plan.
type PlanOptions struct {
	Probe bool // ask the gateway for the first page of each search
}

// Plan is what a run of a job will take.
type Plan struct {
	Job         string       `json:"job"`
	Date        string       `json:"date"`
	Basis       string       `json:"basis"` // what the numbers rest on
	Leaves      []LeafPlan   `json:"leaves"`
	Offers      int64        `json:"offers"`
	SearchCalls int64        `json:"search_calls"`
	DetailCalls int64        `json:"detail_calls"`
	Reused      int64        `json:"reused_offers,omitempty"` // offers whose details are of earlier runs
	Enrich      []EnrichPlan `json:"enrich,omitempty"`
	EnrichCalls int64        `json:"enrich_calls"`
	Calls       int64        `json:"calls"`
	Seconds     float64      `json:"seconds"`           // at the configured rate; 0 = no limit configured
	PerDay      int64        `json:"per_day,omitempty"` // calls of all credentials together; 0 = no limit
	Cost        string       `json:"cost,omitempty"`
	Currency    string       `json:"currency,omitempty"`
	AtMost      bool         `json:"at_most"`           // some searches are unknown and stand with all that a gateway can give
	Unknown     []string     `json:"unknown,omitempty"` // what the numbers leave out
	Notes       []string     `json:"notes,omitempty"`   // see Job.Notes
}

// EnrichPlan is an enrichment's part of a plan.
type EnrichPlan struct {
	Name  string `json:"name"`
	Calls int64  `json:"calls"`
	Saved int64  `json:"saved,omitempty"` // further ones that answers of earlier runs save
	Basis string `json:"basis"`
}

// LeafPlan is a leaf's part of a plan.
type LeafPlan struct {
	Source string `json:"source"`
	Calls  int64  `json:"calls"`
	Offers int64  `json:"offers"`
	Basis  string `json:"basis"` // last run, probe, listed, window (nothing known: all that can be reached), or unknown
}

// MakePlan computes a job's plan. Without Probe it makes no call.
func MakePlan(ctx context.Context, job *Job, date time.Time, opts PlanOptions, ex Execution) (*Plan, error) {
	ctx, after, endStop := ex.stoppable(ctx, job)
	defer endStop()
	s, err := openSession(ctx, after, job, date, true, ex)
	if err != nil {
		return nil, err
	}
	defer s.close()
	if !opts.Probe { // a probe begins a run, which takes them
		if err := s.planStdin(); err != nil {
			return nil, err
		}
	}
	d, err := newDialect(&job.Gateway)
	if err != nil {
		return nil, err
	}
	p := &Plan{Job: job.Name, Date: s.day(), Basis: "the windows of the gateway", Currency: job.Gateway.Cost.Currency, Notes: job.Notes()}
	last, err := s.lastManifest(ctx)
	if err != nil {
		return nil, err
	}
	if last != nil {
		p.Basis = "the run of " + last.Date
	}
	known, err := factsOf(last)
	if err != nil {
		return nil, err
	}
	before, err := pastOf(ctx, job, s.outputs[0].Store, last, d)
	if err != nil {
		return nil, err
	}
	if opts.Probe {
		p.Basis = "the first page of each search"
		if known, err = s.probe(ctx); err != nil {
			return nil, err
		}
	}
	for _, l := range s.leaves {
		p.addLeaf(l, known, d)
	}
	h := s.horizon()
	p.addEnrichments(job, d, before, h)
	p.finish(job, d.Limits(), before, h)
	return p, s.recordPlan(ctx, p, opts.Probe)
}

// basisLast is the basis of what the last published run gave.
const basisLast = "last run"

// leafFacts is what is known of a leaf before the run.
type leafFacts struct {
	calls, offers int64
	basis         string
}

// lastManifest returns that of the newest published run of the job, nil when
// there is none.
func (s *session) lastManifest(ctx context.Context) (*load.Manifest, error) {
	all, err := lastManifests(ctx, s.outputs[0].Store, s.ex.Logger)
	return all[s.job.Name], err
}

// lastManifests returns those of the newest published runs of a destination, by
// job. One that is damaged costs a plan what that run knew, and no more.
func lastManifests(ctx context.Context, s load.Store, log *slog.Logger) (map[string]*load.Manifest, error) {
	manifests, damaged, err := load.ReadableManifests(ctx, s)
	if err != nil {
		return nil, err
	}
	for _, err := range damaged {
		log.Warn("a manifest is damaged; the plan does without it", "destination", s.URL(), "error", err)
	}
	last := map[string]*load.Manifest{}
	for i, m := range manifests {
		if l := last[m.Job]; l == nil || m.Date >= l.Date {
			last[m.Job] = &manifests[i]
		}
	}
	return last, nil
}

// factsOf returns what the leaves of a published run gave: each by its JSON,
// and all of a source by its name. Without a run nothing is known.
func factsOf(last *load.Manifest) (map[string]leafFacts, error) {
	known := map[string]leafFacts{}
	if last == nil {
		return known, nil
	}
	for _, l := range last.Run.Stops {
		if l.Reason == string(catalog.StopQuota) {
			continue // a part of what it has
		}
		var leaf bytes.Buffer // manifests are indented
		if err := json.Compact(&leaf, l.Leaf); err != nil {
			return nil, fmt.Errorf("manifest of %s %s: %w", last.Job, last.Date, err)
		}
		known[leaf.String()] = leafFacts{calls: l.Calls, offers: l.Obtained, basis: basisLast}
		whole := known[l.Source]
		known[l.Source] = leafFacts{calls: whole.calls + l.Calls, offers: whole.offers + l.Obtained, basis: basisLast}
	}
	return known, nil
}

// probe asks for the first page of every search and keeps the answers in the
// journal of the coming run.
func (s *session) probe(ctx context.Context) (facts map[string]leafFacts, err error) {
	if done, err := s.begin(ctx, false); err != nil {
		return nil, err
	} else if done != nil {
		if _, err = s.begin(ctx, false); err != nil { // the finished one was recovered; this is a new one
			return nil, err
		}
	}
	j, err := journal.Open(s.journalDir(), s.journalOptions())
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, j.Close()) }()
	s.doubts = openDoubts(s.journalDir(), int64(j.Len()), s.log())
	defer s.doubts.close()
	g, err := openGateway(&s.job.Gateway, s.date)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, g.close()) }()
	budget := s.allotment(RunOptions{})
	if budget != nil {
		defer func() { err = errors.Join(err, budget.close()) }() // the run has what is left of it
	}
	client, err := extract.NewClient(g.dialect, j, s.clientOptions(g, budget))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ctx, end := s.ex.soften(ctx)
	defer end()
	facts = map[string]leafFacts{}
	for _, leaf := range s.leaves {
		if leaf.Query.Kind == catalog.OffersQuery {
			continue
		}
		expanded, calls, err := client.Leaves(ctx, leaf)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", leaf.Source, err)
		}
		sum := leafFacts{basis: "probe", calls: int64(len(calls))}
		for _, l := range expanded {
			f, err := probeLeaf(ctx, client, l, g.dialect.Limits())
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.Source, err)
			}
			sum.calls += f.calls
			sum.offers += f.offers
		}
		facts[leafJSON(leaf)] = sum
	}
	return facts, nil
}

// probeLeaf reads a leaf's first page.
func probeLeaf(ctx context.Context, client *extract.Client, l catalog.Leaf, limits extract.Limits) (leafFacts, error) {
	for page, err := range client.Pages(ctx, l) {
		if err != nil {
			return leafFacts{}, err
		}
		if !page.Total.OK || page.Stop != "" {
			return leafFacts{calls: 1, offers: int64(len(page.Hits)), basis: "probe"}, nil
		}
		size := int64(page.PageSize.Or(limits.PageSize))
		offers := page.Total.V
		if limits.Window > 0 {
			offers = min(offers, int64(limits.Window))
		}
		pages := (offers + size - 1) / size
		if l.MaxPages > 0 {
			pages = min(pages, int64(l.MaxPages))
		}
		return leafFacts{calls: max(pages, 1), offers: min(offers, pages*size), basis: "probe"}, nil
	}
	return leafFacts{}, nil
}

func leafJSON(l catalog.Leaf) string {
	b, err := json.Marshal(l.Query)
	if err != nil {
		return ""
	}
	return string(b)
}

// addLeaf adds a leaf with what is known of it, or with all that the gateway
// can give.
func (p *Plan) addLeaf(l catalog.Leaf, known map[string]leafFacts, d extract.Dialect) {
	f := leafFacts{basis: "listed", offers: int64(len(l.Query.IDs))}
	if l.Query.Kind != catalog.OffersQuery {
		var ok bool
		name := leafJSON(l)
		if f, ok = known[name]; l.Split || l.Query.Subtree {
			if of, has := known[l.Source]; has { // the run made several leaves of it
				f, ok = of, true
			}
		}
		if !ok {
			f = p.guess(l, d)
		}
	}
	if l.Query.Kind == catalog.CallQuery {
		f.offers = 0 // it gives records
	}
	p.Leaves = append(p.Leaves, LeafPlan{Source: l.Source, Calls: f.calls, Offers: f.offers, Basis: f.basis})
	p.SearchCalls += f.calls
	p.Offers += f.offers
}

// guess is what a leaf that nothing is known of takes: all pages that the
// gateway gives, or the job's own limit of pages.
func (p *Plan) guess(l catalog.Leaf, d extract.Dialect) leafFacts {
	limits := d.Limits()
	pages := int64(l.MaxPages)
	switch kind := l.Query.Kind; {
	case kind == catalog.CallQuery && l.Query.Call.PageParam == "", kind == catalog.TopQuery:
		pages = 1
	case kind == catalog.CallQuery || kind == catalog.PoolQuery || limits.Window == 0:
		// Only the answers tell how much there is.
	default:
		window := int64((limits.Window + limits.PageSize - 1) / limits.PageSize)
		if pages = window; l.MaxPages > 0 {
			pages = min(window, int64(l.MaxPages))
		}
		if l.Split {
			p.Unknown = append(p.Unknown, "what "+l.Source+" has beyond the gateway's window")
		}
	}
	p.AtMost = true
	if pages == 0 {
		p.Unknown = append(p.Unknown, "pages of "+l.Source)
		return leafFacts{calls: 1, offers: int64(limits.PageSize), basis: "unknown"}
	}
	f := leafFacts{calls: pages, offers: pages * int64(limits.PageSize), basis: "window"}
	if uploads(l.Query, d) {
		f.calls++
	}
	if doubtful(l.Query, d) {
		f.calls++
	}
	return f
}

// doubtful reports whether a call will ask if the gateway heeds the query.
func doubtful(q catalog.Query, d extract.Dialect) bool {
	dd, ok := d.(extract.DoubtDialect)
	if !ok {
		return false
	}
	_, part := dd.Doubtful(q)
	return part != ""
}

// uploads reports whether a query's picture is handed to the gateway first.
func uploads(q catalog.Query, d extract.Dialect) bool {
	id, ok := d.(extract.ImageDialect)
	if !ok || q.Kind != catalog.ImageQuery {
		return false
	}
	_, needed, err := id.Upload(*q.Picture)
	return err == nil && needed
}

// addEnrichments adds the calls of enrich. An offer's answers may have several
// pages, and a seller is asked about once, however many offers are his.
// What the last run asked says how much that is, and its answers' ages how much
// of it need not be asked again.
func (p *Plan) addEnrichments(job *Job, d extract.Dialect, before *past, h horizon) {
	offers := before.distinct(p.Offers)
	for _, name := range job.Enrich {
		e := EnrichPlan{Name: name}
		kind := catalog.Enrichment(name)
		_, asked := before.asked(kind)
		switch {
		case name == enrichCategories && before != nil && len(before.children) > 0:
			e.Saved = young(before.children, h.categories)
			e.Calls, e.Basis = int64(len(before.children))-e.Saved, basisLast
		case asked:
			e.Calls, e.Saved = before.extra(kind, d, offers, h)
			e.Basis = basisLast
		case name == enrichCategories:
			e.Calls, e.Basis = 1, "a call for each category with sub-categories"
			p.Unknown = append(p.Unknown, "the categories that have sub-categories")
		case wayOf(d, kind) == extract.InDetails:
			e.Basis = "the details have it"
		case kind.PerSupplier():
			e.Calls, e.Basis = p.Offers, "at most one call per offer: one for each seller"
			p.AtMost = true
		default:
			e.Calls, e.Basis = p.Offers, "a call per offer"
			if kind == catalog.EnrichReviews {
				e.Basis = "a call per offer for its first page"
				p.Unknown = append(p.Unknown, "further pages of reviews")
			}
		}
		if e.Saved > 0 {
			e.Basis += ", " + count(e.Saved) + " more are reused"
		}
		p.Enrich = append(p.Enrich, e)
		p.EnrichCalls += e.Calls
	}
}

// finish computes the totals. Offers that several searches find count once for
// each, unless an earlier run tells how many that are: the plan errs on the side
// of more calls.
func (p *Plan) finish(job *Job, limits extract.Limits, before *past, h horizon) {
	p.Offers = before.distinct(p.Offers)
	missing := before.missing(p.Offers, h.details)
	p.Reused = p.Offers - missing
	p.DetailCalls = batches(p.Offers, missing, job.Details.Batch, max(limits.MaxBatch, 1))
	p.searchAgain(job, before, h)
	p.Calls = p.SearchCalls + p.DetailCalls + p.EnrichCalls
	rate, perDay := job.Gateway.allowance()
	if rate > 0 {
		p.Seconds = float64(p.Calls) / rate
	}
	p.PerDay = perDay
	p.noteReuse(job, before, h)
	p.Cost = costOf(job, p.Calls)
	if p.Cost == "" {
		p.Currency = ""
	}
}

// searchAgain takes out of the searches the lists of sub-categories that need
// not be asked for again, or that enrich counts, if the last run tells.
func (p *Plan) searchAgain(job *Job, before *past, h horizon) {
	ofLast := func(l LeafPlan) bool { return l.Basis == basisLast || l.Basis == "listed" }
	if before == nil || len(before.children) == 0 || slices.ContainsFunc(p.Leaves, func(l LeafPlan) bool { return !ofLast(l) }) {
		return
	}
	calls := before.searches
	if !job.wantsCategories() {
		calls += int64(len(before.children)) - young(before.children, h.categories)
	}
	p.SearchCalls = min(p.SearchCalls, calls)
}

// noteReuse says what is known of the calls that earlier runs save. What the
// searches will show as unchanged nobody knows before.
func (p *Plan) noteReuse(job *Job, before *past, h horizon) {
	switch {
	case job.Details.Unchanged == unchangedReuse:
		p.AtMost = true
		p.Notes = append(p.Notes, "details of offers that the searches show as unchanged cost nothing; how many only the searches tell")
	case job.Details.ReuseWithin == 0:
	case before == nil || h.details.IsZero():
		p.AtMost = true
		p.Notes = append(p.Notes, "details of earlier runs are used where they are young enough, and cost nothing")
	}
	if p.Reused > 0 {
		p.Notes = append(p.Notes, fmt.Sprintf("the last run has details of %s of these offers that are young enough, and cost nothing", count(p.Reused)))
	}
}

// allowance returns what all credentials together may call: per second, and
// per day; 0 where one of them has no limit.
func (g *Gateway) allowance() (perSecond float64, perDay int64) {
	all := g.credentials()
	for i, c := range all {
		rate, day := cmp.Or(c.PerSecond, g.Limits.PerSecond), cmp.Or(c.PerDay, g.Limits.PerDay)
		if i == 0 || perSecond > 0 {
			perSecond += rate
		}
		if i == 0 || perDay > 0 {
			perDay += day
		}
		if rate == 0 || rate >= extract.Unlimited {
			perSecond = 0
		}
		if day == 0 || day == extract.NoQuota {
			perDay = 0
		}
	}
	return perSecond, perDay
}

// costOf is the price of calls, "" when the job names none.
func costOf(job *Job, calls int64) string {
	if job.Gateway.Cost.PerCall.Decimal == 0 {
		return ""
	}
	total, err := job.Gateway.Cost.PerCall.Mul(calls)
	if err != nil {
		return ""
	}
	return total.String()
}

// recordPlan keeps a plan with its run, so that `runs` can tell how far it was
// off. One that was not probed has no run yet, see takePlan. What is no more than
// a bound is not kept.
func (s *session) recordPlan(ctx context.Context, p *Plan, probed bool) error {
	if !probed {
		if p.AtMost || len(p.Unknown) > 0 {
			return nil
		}
		return writeObject(ctx, s.outputs[0].Store, s.planKey(), fmt.Appendf(nil, "{\"calls\": %d}\n", p.Calls))
	}
	s.state.State, s.state.Planned = StateInterrupted, p.Calls
	return s.runs.save(ctx)
}

func (s *session) planKey() string { return path.Join("_offerlake/plans", s.job.Name, s.day()+".json") }

// takePlan returns the calls of the plan that was made for a run before it
// began, 0 when there is none. A plan is of one run, and those of earlier dates
// are of none any more. That one cannot be removed does no harm.
func (s *session) takePlan(ctx context.Context) int64 {
	home := s.outputs[0].Store
	var plan struct{ Calls int64 }
	if b, err := readObject(ctx, home, s.planKey()); err != nil || json.Unmarshal(b, &plan) != nil {
		plan.Calls = 0
	}
	for key, err := range home.List(ctx, path.Dir(s.planKey())+"/") {
		if err != nil || key > s.planKey() {
			break
		}
		if err := home.Remove(ctx, key); err != nil {
			s.log().Warn("plan", "error", err)
		}
	}
	return plan.Calls
}

// Print writes the plan for a person.
func (p *Plan) Print(w io.Writer) {
	fmt.Fprintf(w, "%s %s, from %s\n\n", p.Job, p.Date, p.Basis)
	fmt.Fprintf(w, "  %-44s %9s %9s  %s\n", "SOURCE", "CALLS", "OFFERS", "BASIS")
	for _, l := range p.Leaves {
		fmt.Fprintf(w, "  %s %9s %9s  %s\n", fit(l.Source, 44), count(l.Calls), count(l.Offers), l.Basis)
	}
	for _, e := range p.Enrich {
		fmt.Fprintf(w, "  %s %9s %9s  %s\n", fit("enrich: "+e.Name, 44), count(e.Calls), "", e.Basis)
	}
	most := p.bound()
	fmt.Fprintf(w, "\n  calls  %s%s (%s searching, %s for details of %s offers", most, count(p.Calls), count(p.SearchCalls), count(p.DetailCalls), count(p.Offers))
	if p.EnrichCalls > 0 {
		fmt.Fprintf(w, ", %s for enrich", count(p.EnrichCalls))
	}
	fmt.Fprintln(w, ")")
	if p.Seconds > 0 {
		fmt.Fprintf(w, "  time   %s%s at the configured rate\n", most, time.Duration(p.Seconds*float64(time.Second)).Round(time.Second))
	} else {
		fmt.Fprintf(w, "  time   bound by the gateway: no rate is configured\n")
	}
	if p.PerDay > 0 {
		fmt.Fprintf(w, "  quota  %s%.1f %% of the %s calls a day\n", most, 100*float64(p.Calls)/float64(p.PerDay), count(p.PerDay))
	}
	if p.Cost != "" {
		fmt.Fprintf(w, "  cost   %s%s\n", most, strings.TrimSpace(p.Cost+" "+p.Currency))
	}
	if slices.ContainsFunc(p.Leaves, func(l LeafPlan) bool { return l.Basis == "window" || l.Basis == "unknown" }) {
		fmt.Fprintf(w, "\n  Some searches are not known yet; --probe asks for their first pages.\n")
	}
	for _, u := range p.Unknown {
		fmt.Fprintln(w)
		wrap(w, "  ", "Not known, and not in the numbers: "+u+".")
	}
	for _, n := range p.Notes {
		fmt.Fprintln(w)
		wrap(w, "  ", "Note: "+n+".")
	}
}

// bound says which way the totals may be off.
func (p *Plan) bound() string {
	switch {
	case len(p.Unknown) > 0:
		return "about "
	case p.AtMost:
		return "at most "
	}
	return ""
}
