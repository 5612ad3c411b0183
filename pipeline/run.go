package pipeline

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"offerlake/pipeline/catalog"
)

// Market is a gateway as a run needs it. All methods are called from many
// goroutines. They keep each answer in a journal before they return it.
//
// An error that has a catalog.Class which does not stop the run costs only
// what was asked for; any other error ends the run. In particular an answer
// that could not be journaled must be an error without a class.
type Market interface {
	// Leaves returns the queries that take the place of leaf, in the order in
	// which they are to be made: the leaf itself where it needs no splitting.
	// The attempts are returned with an error too.
	Leaves(ctx context.Context, leaf catalog.Leaf) ([]catalog.Leaf, []catalog.CallRow, error)
	// Pages pages through a leaf; the last page has its Stop set. After an
	// error, whose PageResult carries the attempts, there are no more pages.
	Pages(ctx context.Context, leaf catalog.Leaf) iter.Seq2[catalog.PageResult, error]
	// Details fetches 1 to MaxBatch offers. What it could get is returned with
	// an error too.
	Details(ctx context.Context, wanted []catalog.Wanted) (catalog.DetailBatch, error)
	// MaxBatch is the number of offers that one call of Details takes.
	MaxBatch() int
	// Enrich asks for all that kind tells of a subject. What it could get is
	// returned with an error too. A subject that there is nothing to ask about
	// gives no page and no error.
	Enrich(ctx context.Context, kind catalog.Enrichment, s catalog.Subject) (catalog.Enriched, error)
	// Categories reads the whole category tree, parents before their children.
	Categories(ctx context.Context) ([]catalog.CategoryNode, []catalog.CallRow, error)
}

// Normaliser turns offers into rows. It is called from many goroutines, each
// with rows of its own, to which it appends.
type Normaliser interface {
	Normalise(o *catalog.Offer, obs catalog.Observation, rows *catalog.Rows)
}

// Table takes the rows of one table. Write is called from one goroutine, in
// output order; rows are shared with other tables, so it must neither change
// nor keep them. Closing the table is the caller's business.
type Table interface {
	Name() string
	Write(rows *catalog.Rows) error
}

// ErrInterrupted is returned by Run when it left something undone because
// Drain was closed.
var ErrInterrupted = errors.New("interrupted before the end")

// Options tell Run what to do. Leaves, Market, Normaliser and Reject are
// required; Extra and Record are where there is something for them to do.
type Options struct {
	// Leaves are the queries of the job in their order, those of one source
	// next to each other.
	Leaves     []catalog.Leaf
	Market     Market
	Normaliser Normaliser
	// Reject makes the row for an offer that could not be fetched.
	Reject func(id catalog.OfferID, err error, obs catalog.Observation) catalog.Reject
	Tables []Table

	// Hit reads the title and the price of a row of search results. The
	// price is what a leaf's price filter looks at. Default: the title as it
	// was sent and no price.
	Hit func(h catalog.Hit) (title catalog.Opt[string], price catalog.Opt[catalog.Decimal])
	// Enrich lists what is asked for beside the details, each kind once, of
	// every offer that gave a product, or of its seller. Default: nothing.
	Enrich []catalog.Enrichment
	// Extra appends the rows of an answer about a subject; it is called from
	// many goroutines, each with rows of its own. A row of suppliers overlays
	// the one that the details gave. Required with Enrich.
	Extra func(kind catalog.Enrichment, s catalog.Subject, page catalog.ExtraPage, rows *catalog.Rows)
	// Categories appends the rows of the category tree, which come before all
	// other rows. Default: nil, the tree is not read.
	Categories func(nodes []catalog.CategoryNode, rows *catalog.Rows)
	// Record appends row with the cells of a record, one JSON value, of a
	// CallQuery. It is called in output order and never twice at a time.
	// Required with such a leaf.
	Record func(row catalog.RecordRow, record []byte, rows *catalog.Rows)

	// Changes appends what differs from earlier runs to the rows of whole
	// offers. It is called in output order and never twice at a time. Default:
	// nil, nothing is compared.
	Changes func(rows *catalog.Rows) error

	// Quarantine rejects offers, and answers about them, whose drift may have
	// cost or changed a value. Default: false, they are normalised as usual.
	Quarantine bool

	// AtHand says that Market answers at once, as in a replay: the calls of a
	// batch are made one after the other, and each offer is normalised while its
	// answer is in the processor's cache. Default: false, they are made side by side.
	AtHand bool
	// Batch is the number of offers that are fetched and written as a unit.
	// Default: 20.
	Batch int
	// Workers is the number of batches that are in work at a time. Default: 4.
	Workers int
	// Window is the number of batches that may wait for an earlier one to be
	// finished; it bounds the memory. Default: four times Workers, so that a
	// call that is retried does not leave the other workers idle at once.
	Window int
	// DiscoverAhead is the number of leaves that are paged at a time. Default: 4.
	DiscoverAhead int
	// Grace is how long calls in flight are waited for after an error.
	// Default: 10 s. Cancelling the context of Run does not wait.
	Grace time.Duration
	// Drain, once closed, makes Run finish what is in flight, begin nothing
	// more, and return ErrInterrupted. Default: nil, never.
	Drain <-chan struct{}
	// StopGrace is how long calls in flight are waited for once Drain is closed.
	// Default: StopGrace.
	StopGrace time.Duration

	// Stats is where the run counts, for progress to be read. Default: a new one.
	Stats *Stats
	// Gateway tells the numbers of the gateway client for the Report.
	// Default: zeros.
	Gateway func() GatewayStats
	// Now is the clock of the Report. Default: time.Now.
	Now func() time.Time
	// Logger is told about rejected leaves and faults of the normaliser.
	// Default: discard.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	o.Batch = cmp.Or(max(o.Batch, 0), 20)
	o.Workers = cmp.Or(max(o.Workers, 0), 4)
	o.Window = cmp.Or(max(o.Window, 0), 4*o.Workers)
	o.DiscoverAhead = cmp.Or(max(o.DiscoverAhead, 0), 4)
	o.Grace = cmp.Or(max(o.Grace, 0), 10*time.Second)
	o.StopGrace = cmp.Or(max(o.StopGrace, 0), StopGrace)
	if o.Stats == nil {
		o.Stats = new(Stats)
	}
	if o.Gateway == nil {
		o.Gateway = func() GatewayStats { return GatewayStats{} }
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Hit == nil {
		o.Hit = func(h catalog.Hit) (catalog.Opt[string], catalog.Opt[catalog.Decimal]) {
			return catalog.Text(h.Title), catalog.Opt[catalog.Decimal]{}
		}
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Validate reports everything that is missing.
func (o Options) Validate() error {
	var faults []error
	missing := func(absent bool, name string) {
		if absent {
			faults = append(faults, errors.New("pipeline: no "+name))
		}
	}
	missing(o.Market == nil, "Market")
	missing(o.Normaliser == nil, "Normaliser")
	missing(o.Reject == nil, "Reject")
	missing(o.Extra == nil && len(o.Enrich) > 0, "Extra")
	missing(o.Record == nil && slices.ContainsFunc(o.Leaves, isCall), "Record")
	return errors.Join(faults...)
}

// Run runs a job to its end and reports what happened, also with an error. It
// returns nil only when every leaf was paged, every offer was asked for and
// every row was written; rejected offers and incomplete leaves are rows, not
// errors. All goroutines that it starts have ended when it returns.
func Run(ctx context.Context, o Options) (Report, error) {
	if err := o.Validate(); err != nil {
		return Report{}, err
	}
	r := &run{Options: o.withDefaults()}
	r.report = newReport(r.Now())
	err := r.stages(ctx)
	if err == nil && r.cut.Load() {
		err = ErrInterrupted
	}
	r.finish()
	return r.report, err
}

// run is one Run in progress.
type run struct {
	Options
	report    Report          // written by the order stage
	drift     drift           // so is this
	calls     context.Context // of all calls to the market
	cut       atomic.Bool     // something was left undone because of Drain
	left      atomic.Int64    // offers that were, for that
	discovery atomic.Int64    // nanoseconds, once it is done
	chunks    sync.Pool       // of *chunk
}

// stages starts all stages and waits for them.
func (r *run) stages(parent context.Context) error {
	g, ctx := errgroup.WithContext(parent)
	soft, end := Soften(parent, r.Drain, r.StopGrace)
	defer end()
	calls, release := Linger(soft, ctx.Done(), r.Grace, func() error { return context.Cause(ctx) })
	defer release()
	r.calls = calls

	streams := r.discover(ctx, g)
	units := r.merge(ctx, g, streams)
	chunks := ordered(ctx, g, r.Workers, r.Window, units, func(u unit) (*chunk, error) { return r.fetch(ctx, u) })
	chunks = r.behindCategories(ctx, g, r.enrich(ctx, g, chunks))
	r.order(ctx, g, chunks, r.write(ctx, g))
	return g.Wait()
}

// StopGrace is how long calls in flight are waited for after a soft stop. Many
// supervisors kill a process ten seconds after they asked it to end: the rest of
// that is for saving.
const StopGrace = 7 * time.Second

// Soften returns a context for calls to a market that ends with parent, and once
// drain has been closed for grace, with the cause ErrInterrupted. What became of
// calls that it breaks off is not known: the gateway may have answered and charged
// for them. end must be called; drain may be nil.
func Soften(parent context.Context, drain <-chan struct{}, grace time.Duration) (ctx context.Context, end func()) {
	return Linger(parent, drain, grace, func() error { return ErrInterrupted })
}

// Linger returns a context that ends with parent, and once over has been closed for
// grace, with what cause returns then. end must be called; over may be nil.
func Linger(parent context.Context, over <-chan struct{}, grace time.Duration, cause func() error) (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancelCause(parent)
	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-over:
		case <-ctx.Done():
			return
		}
		timer := time.NewTimer(grace)
		defer timer.Stop()
		select {
		case <-timer.C:
			cancel(cause())
		case <-ctx.Done():
		}
	})
	return ctx, func() {
		cancel(nil)
		watch.Wait()
	}
}

// drained reports whether nothing new may begin, and remembers that something
// was left undone for it.
func (r *run) drained() bool {
	select {
	case <-r.Drain:
		r.cut.Store(true)
		return true
	default:
		return false
	}
}

// fatal returns the error that must end the run because of err, or nil.
func (r *run) fatal(err error) error {
	if err == nil {
		return nil
	}
	if r.calls.Err() != nil {
		// Whatever a cancelled call says is a consequence.
		return context.Cause(r.calls)
	}
	if class := catalog.ClassOf(err); class == "" || class.StopsRun() {
		return err
	}
	return nil
}
