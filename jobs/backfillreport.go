package jobs

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"offerlake/pipeline"
)

// The states of a shard.
const (
	ShardDone      = "done"      // published before
	ShardWaiting   = "waiting"   // not begun
	ShardBegun     = "begun"     // not finished; to be resumed
	ShardRefused   = "refused"   // cannot be done, see Error
	ShardRunning   = "running"   //
	ShardPublished = "published" // by this backfill
	ShardQuality   = "quality"   // the same, but beyond the job's quality limits
	ShardFailed    = "failed"
)

// BackfillReport is what a backfill says of itself, and what its plan is.
type BackfillReport struct {
	Job      string         `json:"job"`
	Shards   []*ShardReport `json:"shards"`
	Calls    int64          `json:"calls"`          // made by this process, or planned
	AtMost   bool           `json:"at_most"`        // of a plan: some searches stand with all that a gateway can give
	About    bool           `json:"about"`          // of a plan: some calls are not known
	Cost     string         `json:"cost,omitempty"` // of these calls
	Seconds  float64        `json:"seconds"`        // of a plan: at the configured rate
	Currency string         `json:"currency,omitempty"`
	Unknown  []string       `json:"unknown,omitempty"` // of a plan: why it is not known which shards there are
}

// ShardReport is a shard's part of it.
type ShardReport struct {
	Shard   Shard             `json:"-"`
	Job     string            `json:"job"`
	Date    string            `json:"date"`
	Values  map[string]string `json:"values,omitempty"`
	State   string            `json:"state"`
	Calls   int64             `json:"calls"`           // made by this process, or planned
	Before  int64             `json:"calls_before"`    // answered before this process
	Error   string            `json:"error,omitempty"` // first line
	Summary *Summary          `json:"summary,omitempty"`

	err      error
	attempts int
	rebuild  bool // from its journal
}

// refuse notes why nothing can be done.
func (r *ShardReport) refuse(why string) {
	r.State, r.Error = ShardRefused, why
	r.err = fmt.Errorf("%s (%w)", why, ErrUsage)
}

// spent is the number of answered calls of the last run.
func (l *runLog) spent() int64 {
	if r := l.last(); r != nil && r.Summary != nil {
		return r.Summary.Answered
	}
	return 0
}

// count counts the shards in some states.
func (r *BackfillReport) count(states ...string) int {
	n := 0
	for _, s := range r.Shards {
		for _, state := range states {
			if s.State == state {
				n++
			}
		}
	}
	return n
}

// states counts the shards by state.
func (r *BackfillReport) states() map[string]int {
	n := map[string]int{}
	for _, s := range r.Shards {
		n[s.State]++
	}
	return n
}

// backfillError is the outcome of a backfill: the worst of its shards'.
type backfillError struct {
	text  string
	worst error
}

// Error does not repeat what the shard's error says of running it alone.
func (e *backfillError) Error() string { return e.text }

// Unwrap gives the exit code.
func (e *backfillError) Unwrap() error { return e.worst }

// severity orders exit codes: what tells most of the outcome comes first.
var severity = []int{ExitInterrupted, ExitFailed, ExitUsage, ExitBudget, ExitQuality}

// outcome returns the error of the worst shard, nil when all are published.
func (b *backfill) outcome() error {
	for _, r := range b.report.Shards {
		b.report.Calls += r.Calls
	}
	b.report.Cost = costOf(b.job, b.report.Calls)
	errs := []error{b.cause}
	for _, r := range b.report.Shards {
		errs = append(errs, r.err)
	}
	for _, code := range severity {
		for _, err := range errs {
			if err != nil && ExitCode(err) == code {
				return &backfillError{text: b.explain(err), worst: err}
			}
		}
	}
	return nil
}

func (b *backfill) explain(worst error) string {
	first, _, _ := strings.Cut(worst.Error(), "\n")
	first = strings.ReplaceAll(first, " ("+ErrUsage.Error()+")", "")
	s := fmt.Sprintf("%d of %d shards are published. %s", b.report.count(ShardDone, ShardPublished, ShardQuality), len(b.report.Shards), first)
	if b.report.count(ShardWaiting, ShardBegun, ShardFailed) > 0 {
		s += "\nEvery answered call is in the journals. To go on: offerlake backfill " + b.job.File
		if b.opts.From != "" {
			s += " --from " + b.opts.From
		}
		if b.opts.To != "" {
			s += " --to " + b.opts.To
		}
	}
	return s
}

// Print writes the report for a person: what is left, and the totals.
func (r *BackfillReport) Print(w io.Writer, all bool) {
	if len(r.Unknown) > 0 {
		r.printUnknown(w)
		return
	}
	if all {
		fmt.Fprintf(w, "%-30s %-10s %-9s %9s  %s\n", "SHARD", "DATE", "STATE", "CALLS", "VALUES")
	}
	for _, s := range r.Shards {
		state := s.State
		if s.rebuild && s.State == ShardWaiting {
			state = "rebuild"
		}
		left := s.State != ShardDone && s.State != ShardPublished
		if all || left {
			fmt.Fprintf(w, "%s %-10s %-9s %9s  %s\n", fit(s.Job, 30), s.Date, state, count(s.Calls), ValuesText(s.Values))
		}
		if s.Error != "" {
			printNote(w, s.Error)
		}
	}
	fmt.Fprintf(w, "\n%s: %d shards", r.Job, len(r.Shards))
	for _, state := range []string{ShardDone, ShardPublished, ShardQuality, ShardBegun, ShardWaiting, ShardFailed, ShardRefused} {
		if n := r.count(state); n > 0 {
			fmt.Fprintf(w, ", %d %s", n, state)
		}
	}
	bound := ""
	switch {
	case r.About:
		bound = "about "
	case r.AtMost:
		bound = "at most "
	}
	fmt.Fprintf(w, "; %s%s calls", bound, count(r.Calls))
	if r.Cost != "" {
		fmt.Fprintf(w, ", %s %s", r.Cost, r.Currency)
	}
	if r.Seconds > 0 {
		fmt.Fprintf(w, ", %s at the configured rate", time.Duration(r.Seconds*float64(time.Second)).Round(time.Second))
	}
	fmt.Fprintln(w)
}

// printUnknown says why there is no plan.
func (r *BackfillReport) printUnknown(w io.Writer) {
	fmt.Fprintf(w, "%s: the shards are not known yet, and so neither are their calls:\n", r.Job)
	for _, u := range r.Unknown {
		printNote(w, u)
	}
	fmt.Fprintln(w, "--dry-run --probe makes these calls and keeps the answers for the backfill.")
}

// backfillProgress shows a backfill in one line, which a terminal redraws.
type backfillProgress struct {
	mode   pipeline.ProgressMode
	out    io.Writer
	report *BackfillReport
	every  time.Duration
	last   time.Time
}

func newBackfillProgress(ex Execution, r *BackfillReport) *backfillProgress {
	p := &backfillProgress{mode: ex.Progress, out: ex.ProgressTo, report: r, every: 5 * time.Second}
	if p.mode == pipeline.ProgressBar {
		p.every = 200 * time.Millisecond
	}
	return p
}

// update shows the state, unless it was just shown. What cannot be written is
// lost.
func (p *backfillProgress) update() {
	if now := time.Now(); now.Sub(p.last) >= p.every {
		p.last = now
		p.show()
	}
}

func (p *backfillProgress) end() {
	p.show()
	if p.mode == pipeline.ProgressBar {
		_, _ = fmt.Fprintln(p.out)
	}
}

func (p *backfillProgress) show() {
	r := p.report
	done, failed, running := r.count(ShardDone, ShardPublished, ShardQuality), r.count(ShardFailed, ShardRefused), r.count(ShardRunning)
	var calls int64
	for _, s := range r.Shards {
		calls += s.Calls
	}
	line := fmt.Sprintf("%s: %d of %d shards, %d running, %d failed, %s calls", r.Job, done, len(r.Shards), running, failed, count(calls))
	switch p.mode {
	case pipeline.ProgressBar:
		_, _ = fmt.Fprintf(p.out, "\r%s\x1b[K", fit(line, 78))
	case pipeline.ProgressPlain:
		_, _ = fmt.Fprintln(p.out, line)
	case pipeline.ProgressJSON:
		b, err := json.Marshal(map[string]any{"job": r.Job, "shards": len(r.Shards), "done": done, "running": running, "failed": failed, "calls": calls})
		if err == nil {
			_, _ = fmt.Fprintf(p.out, "%s\n", b)
		}
	}
}
