package pipeline

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

// ProgressMode is a way to show progress.
type ProgressMode string

// The progress modes.
const (
	ProgressBar   ProgressMode = "bar"   // a bar that redraws its line; for terminals of 80 columns or more
	ProgressPlain ProgressMode = "plain" // a line of text every few seconds; for logs
	ProgressJSON  ProgressMode = "json"  // a JSON object per line every few seconds; for programs
	ProgressNone  ProgressMode = "none"
)

// ProgressOptions tell a Progress what to show. Snapshot is required.
type ProgressOptions struct {
	// Snapshot gives the state of what is in progress: Stats.Snapshot of a run,
	// or the sum over several. It is called from the goroutine of the Progress.
	Snapshot func() Snapshot
	// Gateway gives the numbers of the gateway client. Default: zeros.
	Gateway func() GatewayStats
	// Every is the time between two updates. Default: 200 ms for a bar, else 5 s.
	Every time.Duration
	// Now is the clock of elapsed and remaining times. Default: time.Now.
	Now func() time.Time
}

func (o ProgressOptions) withDefaults(mode ProgressMode) ProgressOptions {
	if o.Gateway == nil {
		o.Gateway = func() GatewayStats { return GatewayStats{} }
	}
	if mode == ProgressBar {
		o.Every = cmp.Or(max(o.Every, 0), 200*time.Millisecond)
	}
	o.Every = cmp.Or(max(o.Every, 0), 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Progress shows the state of a run until Stop.
type Progress struct {
	ProgressOptions
	show    func(state progressState)
	started time.Time
	pace    pace
	stop    chan struct{} // closed by Stop
	done    chan struct{} // closed by the goroutine when it returns
}

// progressState is what one update shows.
type progressState struct {
	At      time.Time    `json:"at"`
	Final   bool         `json:"final"`
	Elapsed float64      `json:"elapsed_seconds"`
	Left    *float64     `json:"left_seconds"` // null when it cannot be told
	Run     Snapshot     `json:"run"`
	Gateway GatewayStats `json:"gateway"`
}

// StartProgress begins to show progress on out, which is not used after Stop.
// What cannot be written there is lost: progress never fails a run.
func StartProgress(mode ProgressMode, out io.Writer, o ProgressOptions) *Progress {
	p := &Progress{ProgressOptions: o.withDefaults(mode), stop: make(chan struct{}), done: make(chan struct{})}
	p.started = p.Now()
	switch mode {
	case ProgressBar:
		p.show = barPrinter(out)
	case ProgressPlain:
		p.show = func(s progressState) { fmt.Fprintln(out, s.plain()) }
	case ProgressJSON:
		enc := json.NewEncoder(out)
		p.show = func(s progressState) { _ = enc.Encode(s) }
	default:
		close(p.done)
		return p
	}
	go p.refresh()
	return p
}

// Stop shows the final state and waits until nothing is written any more. It
// must be called once.
func (p *Progress) Stop() {
	close(p.stop)
	<-p.done
}

func (p *Progress) refresh() {
	defer close(p.done)
	tick := time.NewTicker(p.Every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			p.show(p.state(false))
		case <-p.stop:
			p.show(p.state(true))
			return
		}
	}
}

func (p *Progress) state(final bool) progressState {
	s := progressState{At: p.Now(), Final: final, Run: p.Snapshot(), Gateway: p.Gateway()}
	s.Elapsed = s.At.Sub(p.started).Seconds()
	if perSecond := p.pace.add(s.At, s.Run.Details); perSecond > 0 && !final {
		left := float64(s.Run.Discovered-s.Run.Details) / perSecond
		s.Left = &left
	}
	return s
}

// pace measures how fast offers are done, over the last minute or so: a run
// that is resumed goes through its journal at another speed than it calls.
type pace struct {
	samples [30]struct {
		at   time.Time
		done int64
	}
	n int
}

// add takes in the number of offers done and returns offers per second, 0 when
// it cannot be told.
func (p *pace) add(at time.Time, done int64) float64 {
	const spacing = 2 * time.Second
	if p.n == 0 || at.Sub(p.samples[(p.n-1)%len(p.samples)].at) >= spacing {
		s := &p.samples[p.n%len(p.samples)]
		s.at, s.done = at, done
		p.n++
	}
	oldest := p.samples[0]
	if p.n > len(p.samples) {
		oldest = p.samples[p.n%len(p.samples)]
	}
	seconds := at.Sub(oldest.at).Seconds()
	if seconds <= 0 {
		return 0
	}
	return float64(done-oldest.done) / seconds
}

// barPrinter returns a printer that redraws one line and leaves a plain one at
// the end.
func barPrinter(out io.Writer) func(progressState) {
	bar := progressbar.NewOptions64(1,
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetWidth(barWidth),
		progressbar.OptionSetPredictTime(false),
		progressbar.OptionSetElapsedTime(false),
		progressbar.OptionShowDescriptionAtLineEnd(),
		progressbar.OptionSetRenderBlankState(false),
	)
	return func(s progressState) {
		if s.Final {
			_ = bar.Clear()
			fmt.Fprintln(out, s.brief()+", "+span(s.Elapsed)+" elapsed")
			return
		}
		// A bar that once was full is never drawn again, and the number of
		// offers still grows: the last step is kept back.
		bar.ChangeMax64(max(s.Run.Discovered, s.Run.Details) + 1)
		_ = bar.Set64(s.Run.Details)
		bar.Describe(s.brief())
	}
}

// A line of 79 columns, because some terminals wrap at the 80th: the bar takes
// what is around it ("  24% |", "|  ", " ") and the rest is text.
const (
	barWidth   = 8
	briefWidth = 79 - barWidth - 11
)

// brief is one line of at most briefWidth columns, the most important first.
func (s progressState) brief() string {
	parts := []string{
		short(s.Run.Details) + "/" + short(s.Run.Discovered) + s.openEnd() + " offers",
	}
	parts = append(parts, s.troubles()...)
	parts = append(parts, short(s.Run.SKUs)+" SKUs", short(s.Gateway.Calls)+" calls")
	if s.Left != nil && s.Run.DiscoveryDone {
		parts = append(parts, "ETA "+span(*s.Left))
	}
	parts = append(parts, s.rate())
	if s.Gateway.Retries > 0 {
		parts = append(parts, short(s.Gateway.Retries)+" retries")
	}
	line := parts[0]
	for _, part := range parts[1:] {
		if len(line)+2+len(part) <= briefWidth {
			line += ", " + part
		}
	}
	return line
}

// plain is one line with everything.
func (s progressState) plain() string {
	parts := []string{
		fmt.Sprintf("%d/%d%s offers", s.Run.Details, s.Run.Discovered, s.openEnd()),
		fmt.Sprintf("%d SKUs", s.Run.SKUs),
		fmt.Sprintf("%d rejected", s.Run.Rejected),
		fmt.Sprintf("%d/%d leaves", s.Run.LeavesDone, s.Run.LeavesTotal),
		fmt.Sprintf("%d calls", s.Gateway.Calls),
		s.rate(),
	}
	for _, count := range []struct {
		n    int64
		name string
	}{
		{s.Gateway.Retries, "retries"}, {s.Gateway.Throttled, "throttled"},
		{s.Gateway.FromJournal, "from the journal"}, {s.Gateway.Reused, "reused"},
	} {
		if count.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count.n, count.name))
		}
	}
	parts = append(parts, s.troubles()...)
	parts = append(parts, span(s.Elapsed)+" elapsed")
	if s.Left != nil && s.Run.DiscoveryDone {
		parts = append(parts, "ETA "+span(*s.Left))
	}
	return strings.Join(parts, ", ")
}

// troubles names what the run has to do without for now.
func (s progressState) troubles() []string {
	var parts []string
	down, resting := 0, 0
	for _, e := range s.Gateway.Endpoints {
		if e.State != "up" {
			down++
		}
	}
	for _, c := range s.Gateway.Credentials {
		if !c.RestsUntil.IsZero() {
			resting++
		}
	}
	if down > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d endpoints down", down, len(s.Gateway.Endpoints)))
	}
	if resting > 0 {
		parts = append(parts, fmt.Sprintf("%d of %d keys resting", resting, len(s.Gateway.Credentials)))
	}
	return parts
}

// openEnd marks a number of offers that is still growing.
func (s progressState) openEnd() string {
	if s.Run.DiscoveryDone {
		return ""
	}
	return "+"
}

func (s progressState) rate() string {
	if s.Gateway.Limit <= 0 {
		return fmt.Sprintf("%.1f/s", s.Gateway.Rate)
	}
	return fmt.Sprintf("%.1f of %s/s", s.Gateway.Rate, strconv.FormatFloat(math.Round(10*s.Gateway.Limit)/10, 'f', -1, 64))
}

// short prints a count in at most five characters, such as 999, 12.3k or 4.0M.
func short(n int64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e9, "G"}, {1e6, "M"}, {1e3, "k"}} {
		v := float64(n) / unit.size
		switch {
		case n < 10_000 || v < 1:
		case v < 99.95:
			return strconv.FormatFloat(v, 'f', 1, 64) + unit.name
		default:
			return strconv.FormatFloat(v, 'f', 0, 64) + unit.name
		}
	}
	return strconv.FormatInt(n, 10)
}

// span prints a number of seconds in its two largest units.
func span(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm%02ds", d/time.Minute, d/time.Second%60)
	case d < 100*time.Hour:
		return fmt.Sprintf("%dh%02dm", d/time.Hour, d/time.Minute%60)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}
