package jobs

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"
	"time"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
)

// Summary is what a finished run says of itself; its JSON form is what
// `offerlake run --json` prints.
type Summary struct {
	Job             string                     `json:"job"`
	Date            string                     `json:"date"`
	Run             int                        `json:"run"`
	Published       bool                       `json:"published"`
	Partial         bool                       `json:"partial,omitempty"` // published is what a run that stopped at its budget has
	Resumed         bool                       `json:"resumed"`
	Seconds         float64                    `json:"seconds"`
	Rows            map[string]int64           `json:"rows"`
	Calls           int64                      `json:"calls"`            // attempts made over the wire by this process
	Answered        int64                      `json:"answered"`         // records of the run's journal: its attempts and what it reused
	Paid            int64                      `json:"paid"`             // answered attempts of the run, by all its processes
	Retries         int64                      `json:"retries"`          // attempts beyond the first of their call
	Throttled       int64                      `json:"throttled"`        // attempts that the gateway throttled
	Wasted          map[string]int64           `json:"wasted"`           // attempts of the run, by all its processes, that brought no usable answer, by cause
	FromJournal     int64                      `json:"from_journal"`     // calls served from this run's journal
	Reused          int64                      `json:"reused"`           // calls served from earlier runs' journals
	ReusedOffers    int64                      `json:"reused_offers"`    // offers whose details are of earlier runs
	Unchanged       int64                      `json:"unchanged"`        // those of them that details.unchanged saved asking for
	SecondsAtLimit  float64                    `json:"seconds_at_limit"` // time that calls waited for the rate limit, averaged over the calls in flight
	Cost            string                     `json:"cost,omitempty"`
	Currency        string                     `json:"currency,omitempty"`
	Discovered      int64                      `json:"discovered"`
	Rejects         map[string]int64           `json:"rejects"`
	Flags           map[string]int64           `json:"flags,omitempty"` // values to be read with care, by code
	Drift           []Drift                    `json:"drift,omitempty"` // how the answers differ from what is known of the gateway's API
	DeclaredTotal   int64                      `json:"declared_total"`
	Obtained        int64                      `json:"obtained"`
	Coverage        float64                    `json:"coverage"` // obtained of declared, 0 to 1
	Capped          int64                      `json:"capped"`   // searches that ended at the gateway's window
	Probes          int64                      `json:"probes"`   // attempts that prepared searches: splitting, sub-categories, uploads
	IncompleteLeafs []LeafSummary              `json:"incomplete,omitempty"`
	Endpoints       []pipeline.EndpointStats   `json:"endpoints,omitempty"`
	Credentials     []pipeline.CredentialStats `json:"credentials,omitempty"`
	Outputs         []string                   `json:"outputs"`
	Journal         string                     `json:"journal"`
	JournalDigest   string                     `json:"journal_digest"`
	Differences     []load.TableDiff           `json:"differences,omitempty"` // of a replay that compares: by table, those without any too
	Journals        *Retention                 `json:"retention,omitempty"`   // null where journal.keep and compact_after ask for nothing
}

// LeafSummary is a leaf that is not complete.
type LeafSummary struct {
	Source   string `json:"source"`
	Leaf     string `json:"leaf"` // the query, as JSON, as in the table coverage
	Declared *int64 `json:"declared_total"`
	Obtained int64  `json:"obtained"`
	Reason   string `json:"reason"`
}

// name tells the leaf from others of its source, as those that cover: split
// makes.
func (l LeafSummary) name() string {
	var q catalog.Query
	if json.Unmarshal([]byte(l.Leaf), &q) != nil {
		return l.Source
	}
	name := l.Source
	if q.PriceFrom.OK || q.PriceTo.OK {
		name += " price " + between(q.PriceFrom, q.PriceTo)
	}
	if q.SoldFrom.OK || q.SoldTo.OK {
		name += " sold " + between(q.SoldFrom, q.SoldTo)
	}
	if q.Category != 0 && q.Kind != catalog.CategoryQuery {
		name += fmt.Sprintf(" category %d", q.Category)
	}
	if q.Region != "" {
		name += " " + q.Region
	}
	if q.Sort != "" {
		name += " " + string(q.Sort)
	}
	return name
}

// between writes a range of which either end may be open: 9.9-12, from 12, to
// 9.9.
func between[T any](from, to catalog.Opt[T]) string {
	switch {
	case !to.OK:
		return fmt.Sprint("from ", from.V)
	case !from.OK:
		return fmt.Sprint("to ", to.V)
	}
	return fmt.Sprint(from.V) + "-" + fmt.Sprint(to.V)
}

// tableOrder lists the tables that have counts: offerlake's own in their order,
// then those of call sources.
func tableOrder(rows map[string]int64) []string {
	var names []string
	for _, t := range load.Tables() {
		if _, ok := rows[t.Name]; ok {
			names = append(names, t.Name)
		}
	}
	for _, t := range slices.Sorted(maps.Keys(rows)) {
		if !slices.Contains(names, t) {
			names = append(names, t)
		}
	}
	return names
}

// Print writes the summary for a person, at most 80 columns wide where paths
// allow.
func (s *Summary) Print(w io.Writer) {
	state := "published"
	if !s.Published {
		state = "NOT published"
	} else if s.Partial {
		state = "published in part"
	}
	fmt.Fprintf(w, "\n%s %s: %s in %s\n\n", s.Job, s.Date, state, time.Duration(s.Seconds*float64(time.Second)).Round(time.Millisecond*10))
	line := func(label, format string, args ...any) {
		fmt.Fprintf(w, "  %-10s %s\n", label, fmt.Sprintf(format, args...))
	}
	if len(s.Rows) > 0 {
		printRows(w, s.Rows)
	}
	line("calls", "%s made, %s retried, %s throttled; %s from the journal, %s reused",
		count(s.Calls), count(s.Retries), count(s.Throttled), count(s.FromJournal), count(s.Reused))
	if len(s.Wasted) > 0 {
		printWasted(line, s.Wasted)
	}
	if s.ReusedOffers > 0 {
		line("saved", "details of %s offers are of earlier runs, %s of them as unchanged", count(s.ReusedOffers), count(s.Unchanged))
	}
	if s.Cost != "" {
		line("cost", "%s %s for the %s answered calls of this run", s.Cost, s.Currency, count(s.Paid))
	}
	if text := endpointsText(s.Endpoints); text != "" {
		line("endpoints", "%s", text)
	}
	if text := credentialsText(s.Credentials); text != "" {
		line("keys", "%s", text)
	}
	line("at limit", "%s waiting for the rate limit", time.Duration(s.SecondsAtLimit*float64(time.Second)).Round(time.Millisecond*10))
	if len(s.Rejects) > 0 {
		line("rejects", "%s", countsByName(s.Rejects))
	}
	if len(s.Flags) > 0 {
		line("flags", "%s", countsByName(s.Flags))
	}
	s.printDrift(line)
	if s.DeclaredTotal > 0 {
		line("coverage", "%s (%s of %s declared)", percent(s.Coverage), count(s.Obtained), count(s.DeclaredTotal))
	}
	if s.Capped > 0 {
		line("", "%d searches ended at the gateway's window: more may lie beyond", s.Capped)
	}
	if s.Probes > 0 && s.Discovered > 0 {
		line("probes", "%s calls to prepare the searches, %.1f per 1,000 offers", count(s.Probes), 1000*float64(s.Probes)/float64(s.Discovered))
	}
	for i, l := range s.IncompleteLeafs {
		if i == 5 {
			line("", "... and %d more; see the coverage table", len(s.IncompleteLeafs)-i)
			break
		}
		declared := "?"
		if l.Declared != nil {
			declared = count(*l.Declared)
		}
		line("incomplete", "%s, %s of %s: %s", l.name(), count(l.Obtained), declared, l.Reason)
	}
	line("journal", "%s", place(s.Journal))
	if !s.Published {
		return
	}
	for _, o := range s.Outputs {
		format, dir, _ := strings.Cut(o, " ")
		line("files", "%s %s", format, place(dir))
	}
	if len(s.Outputs) > 0 {
		fmt.Fprintf(w, "\n  Open it:  %s\n", openLine(s.Outputs[0]))
	}
}

// printWasted writes the causes in as many lines as they need.
func printWasted(line func(label, format string, args ...any), causes map[string]int64) {
	var sum int64
	for _, n := range causes {
		sum += n
	}
	var text strings.Builder
	wrap(&text, "             ", fmt.Sprintf("%s calls brought no usable answer: %s", count(sum), countsByName(causes)))
	label := "wasted"
	for l := range strings.Lines(text.String()) {
		line(label, "%s", strings.TrimSpace(l))
		label = ""
	}
}

func printRows(w io.Writer, rows map[string]int64) {
	head := "rows"
	for three := range slices.Chunk(tableOrder(rows), 3) {
		line := fmt.Sprintf("  %-10s ", head)
		for _, t := range three {
			line += fmt.Sprintf("%-11s %9s  ", t, count(rows[t]))
		}
		fmt.Fprintln(w, strings.TrimRight(line, " "))
		head = ""
	}
}

// place is a URL as people read it: how a bucket is reached is in the job file.
func place(url string) string {
	if store.Remote(url) {
		url, _, _ = strings.Cut(url, "?")
	}
	return url
}

// openLine is a command that shows the products of an output.
func openLine(output string) string {
	format, dir, _ := strings.Cut(output, " ")
	pattern := place(strings.TrimSpace(dir)) + "/products/**/*." + format
	if format != "parquet" {
		pattern += "*"
	}
	return fmt.Sprintf(`duckdb -c "FROM '%s' LIMIT 10"`, pattern)
}

// count writes a number with thin groups: 1,234,567.
func count(n int64) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// countsByName lists counts, largest first.
func countsByName(counts map[string]int64) string {
	names := make([]string, 0, len(counts))
	for n := range counts {
		names = append(names, n)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := names[i], names[j]
		return counts[a] > counts[b] || counts[a] == counts[b] && a < b
	})
	parts := make([]string, len(names))
	for i, n := range names {
		parts[i] = count(counts[n]) + " " + n
	}
	return strings.Join(parts, ", ")
}

// harmless reports whether a reject code says something about the offer
// itself or what the job asked for, not about the run: such rejects do not count against max_rejects.
func harmless(code string) bool {
	switch catalog.Class(code) {
	case catalog.ErrNotFound, catalog.ErrDelisted, pipeline.CodeFiltered:
		return true
	}
	return false
}
