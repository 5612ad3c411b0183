package jobs

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/url"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// Changes says that a job compares offers with their last published state.
type Changes struct {
	Thresholds Thresholds `yaml:"thresholds" doc:"The least differences that are changes. Below them the older value stays the reference, so that small steps are noticed once they add up. Default: every difference."`
	Watch      Watch      `yaml:"watch" doc:"What on_change tells of. The table has all changes. Default: all of them."`
	OnChange   *OnChange  `yaml:"on_change" doc:"What happens after a run with changes is published: at least once per run, with an id that does not change when it is repeated."`
}

// Thresholds are the least differences that are changes.
type Thresholds struct {
	Price Percent `yaml:"price" default:"0%" doc:"Share of the old price; 0% = every difference."`
	Stock int64   `yaml:"stock" default:"0" doc:"Pieces; 0 = every difference."`
}

// Watch picks changes.
type Watch struct {
	Offers string   `yaml:"offers" doc:"A .csv file with a header, a .parquet file, or a file with one id a line; relative to the job file. Default: all offers."`
	Column string   `yaml:"column" doc:"The column of offers that holds the ids. Default: offer_id."`
	Fields []string `yaml:"fields" enum:"listed,delisted,relisted,status,title,price,tiers,stock,sku_added,sku_removed" doc:"Default: all fields."`
}

// OnChange says whom to tell.
type OnChange struct {
	Command []string `yaml:"command" doc:"A program and its arguments, run in the directory of the job file. It gets the event, one JSON object, on its standard input; exit code 0 means that it has it."`
	Webhook string   `yaml:"webhook" doc:"An https address that the event is sent to with POST; an answer of 200 to 299 means that it has it."`
}

func (p *parsing) validateChanges(c *Changes) {
	if c.Thresholds.Stock < 0 {
		p.wrong("changes.thresholds.stock", "must not be negative", "")
	}
	p.repeated(c.Watch.Fields, "changes.watch.fields")
	if c.Watch.Offers == "" && c.Watch.Column != "offer_id" {
		p.wrong("changes.watch.column", "is a column of a file, but there is none", "Name the file under changes.watch.offers.")
	}
	o := c.OnChange
	if o == nil {
		if c.Watch.Offers != "" || len(c.Watch.Fields) > 0 {
			p.wrong("changes.watch", "picks what on_change tells of, but there is no on_change", "Add changes.on_change, or remove it: the table has all changes.")
		}
		return
	}
	p.validateHook("changes.on_change", o.hook())
}

// hook returns whom to tell.
func (o *OnChange) hook() hook {
	return hook{name: "on_change", command: o.Command, webhook: o.Webhook}
}

// validateHook checks the command and the webhook below at.
func (p *parsing) validateHook(at string, h hook) {
	switch {
	case len(h.command) == 0 && h.webhook == "":
		p.wrong(at, "needs command or webhook", "")
	case len(h.command) > 0 && h.command[0] == "":
		p.wrong(at+".command[0]", "is empty", "Write the program's name.")
	}
	if h.webhook != "" {
		p.validateWebhook(at+".webhook", h.webhook)
	}
}

// validateWebhook does not repeat the address, which may be a secret.
func (p *parsing) validateWebhook(at, address string) {
	u, err := url.Parse(address)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		p.wrong(at, "is not an absolute http or https URL", "")
	case u.Scheme == "http" && !isLoopback(u.Hostname()):
		p.wrong(at, "plain http would send it unencrypted", "Use https; plain http is only for this machine (127.0.0.1, localhost).")
	}
}

// comparison fills the changes table of a run, and writes the state that the
// next date is compared with.
type comparison struct {
	limits  transform.Thresholds
	before  *load.State // nil when there is none
	after   *load.StateWriter
	watched *eventGatherer // nil when nobody is to be told
}

// openComparison prepares to compare the run with the last published state
// before its date. It returns nil where the job does not ask for that.
func (s *session) openComparison(ctx context.Context, data *load.Dataset) (*comparison, error) {
	c := s.job.Changes
	if c == nil {
		return nil, nil
	}
	var watched *eventGatherer
	if c.OnChange != nil && !s.state.Replay {
		var err error
		if watched, err = newEventGatherer(s.job); err != nil {
			return nil, fmt.Errorf("changes.watch.offers: %w (%w)", err, ErrUsage)
		}
	}
	states, err := s.stateStore()
	if err != nil {
		return nil, err
	}
	before, err := load.OpenState(ctx, states, s.job.Name, s.day())
	if err != nil {
		return nil, err
	}
	if before == nil {
		s.log().Info("there is no earlier state to compare with: this run is the first", "job", s.job.Name)
	}
	after, err := data.KeepState(ctx, before)
	if err != nil {
		return nil, errors.Join(err, before.Close())
	}
	return &comparison{
		limits: transform.Thresholds{Price: catalog.Decimal(math.Round(float64(c.Thresholds.Price) * 10_000)), Stock: c.Thresholds.Stock},
		before: before, after: after, watched: watched,
	}, nil
}

// stateStore is where earlier states are: that of the run's first output, but
// for a replay to another place the job's own, so that it gives the same
// changes.
func (s *session) stateStore() (load.Store, error) {
	if s.state.Replay && s.job.homeState != "" {
		return store.Open(s.job.homeState)
	}
	return s.outputs[0].Store, nil
}

// rows appends the changes of a chunk and keeps the states of its offers. The
// first run with changes has none, since all that it sees is new to it.
func (c *comparison) rows(rows *catalog.Rows) error {
	first := len(rows.Changes)
	for now := range transform.States(rows) {
		old, found, err := c.before.Find(now.OfferID)
		if err != nil {
			return err
		}
		next := now
		switch {
		case found:
			var changes []catalog.Change
			changes, next = c.limits.Compare(old, now)
			rows.Changes = append(rows.Changes, changes...)
		case c.before != nil && !now.Gone():
			rows.Changes = append(rows.Changes, transform.Listed(&now))
		}
		if err := c.after.Write(&next); err != nil {
			return err
		}
	}
	if err := c.delisted(rows); err != nil {
		return err
	}
	c.watched.add(rows.Changes[first:])
	return nil
}

// delisted compares the offers of a chunk that the gateway says are gone.
func (c *comparison) delisted(rows *catalog.Rows) error {
	for i := range rows.Rejects {
		r := &rows.Rejects[i]
		if !transform.IsDelisting(r) {
			continue
		}
		old, found, err := c.before.Find(r.OfferID.V)
		if err != nil {
			return err
		}
		if !found {
			continue // it was never there
		}
		changes, next := transform.Delisted(old, r)
		rows.Changes = append(rows.Changes, changes...)
		if err := c.after.Write(&next); err != nil {
			return err
		}
	}
	return nil
}

// finish ends the state when all rows are there.
func (c *comparison) finish() error {
	if c == nil {
		return nil
	}
	return c.after.Close()
}

// close gives the earlier state back, which was only read.
func (c *comparison) close() {
	if c != nil {
		_ = c.before.Close()
	}
}
