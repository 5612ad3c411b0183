package jobs

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"offerlake/load"
	"offerlake/load/store"
	"offerlake/pipeline"
	"offerlake/pipeline/catalog"
	"offerlake/transform"
)

// RejectCodes returns all codes of the table rejects, a closed list.
func RejectCodes() []string {
	codes := []string{pipeline.CodeFiltered, "no_offer_id", "bad_type", "bad_utf8", pipeline.CodeDrift}
	for _, c := range []catalog.Class{
		catalog.ErrThrottled, catalog.ErrUnavailable, catalog.ErrMalformed, catalog.ErrUpstream, catalog.ErrToken, catalog.ErrInvalid, catalog.ErrNotFound,
		catalog.ErrForbidden, catalog.ErrRefused, catalog.ErrUnanswered, catalog.ErrNotRecorded, catalog.ErrQuota, catalog.ErrBudget, catalog.ErrDenied, catalog.ErrUnreachable,
	} {
		codes = append(codes, string(c))
	}
	return append(codes, transform.RejectCodes()...)
}

// RejectsFilter says which rejects are wanted. The zero value is those of the
// newest date of each job, with three examples of each group.
type RejectsFilter struct {
	Job, Date, Code string
	Examples        int // of each group; 0 = 3
}

// RejectsReport are the rejects and the flags of one job and date, in groups.
type RejectsReport struct {
	Job    string         `json:"job"`
	Date   string         `json:"date"`
	Offers int64          `json:"offers"` // products and those that were dropped
	Groups []*RejectGroup `json:"groups"` // rejects first, the largest first
}

// RejectGroup are the rejects, or flags, of one stage and code.
type RejectGroup struct {
	Kind     string          `json:"kind"`            // reject or flag
	Stage    string          `json:"stage,omitempty"` // of rejects
	Code     string          `json:"code"`
	Rows     int64           `json:"rows"`
	Offers   int64           `json:"offers"` // that they are of, as far as known
	Paths    map[string]int  `json:"paths,omitempty"`
	Examples []RejectExample `json:"examples"`

	last string // offer, to count each once: the rows of one stand together
}

// RejectExample is a row of a group.
type RejectExample struct {
	OfferID    string `json:"offer_id,omitempty"`
	Path       string `json:"path,omitempty"`
	Message    string `json:"message"`
	Excerpt    string `json:"excerpt,omitempty"`
	JournalRef string `json:"journal_ref"`
}

// Rejects groups what a destination's runs rejected and flagged. Publishes that
// were cut short are finished first.
func Rejects(ctx context.Context, dest string, f RejectsFilter) ([]RejectsReport, error) {
	if err := recoverDest(ctx, dest); err != nil {
		return nil, err
	}
	s, err := store.Open(dest)
	if err != nil {
		return nil, fmt.Errorf("%w (%w)", err, ErrUsage)
	}
	manifests, err := load.ReadManifests(ctx, s)
	if err != nil {
		return nil, err
	}
	f.Examples = cmp.Or(f.Examples, 3)
	var all []RejectsReport
	for _, m := range f.wanted(manifests) {
		r, err := rejectsOf(ctx, s, m, f)
		if err != nil {
			return nil, fmt.Errorf("%s %s: %w", m.Job, m.Date, err)
		}
		all = append(all, r)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s has no published run like that (%w)", dest, ErrUsage)
	}
	return all, nil
}

// wanted picks manifests, by job and date.
func (f RejectsFilter) wanted(all []load.Manifest) []load.Manifest {
	newest := map[string]load.Manifest{}
	for _, m := range all {
		if f.Job != "" && m.Job != f.Job || f.Date != "" && m.Date != f.Date || m.Date < newest[m.Job].Date {
			continue
		}
		newest[m.Job] = m
	}
	var picked []load.Manifest
	for _, m := range newest {
		picked = append(picked, m)
	}
	slices.SortFunc(picked, func(a, b load.Manifest) int { return strings.Compare(a.Job, b.Job) })
	return picked
}

// rejectsOf reads the two tables of a manifest.
func rejectsOf(ctx context.Context, s load.Store, m load.Manifest, f RejectsFilter) (RejectsReport, error) {
	report := RejectsReport{Job: m.Job, Date: m.Date}
	groups := map[string]*RejectGroup{}
	dropped := ""
	columns := []string{"stage", "code", "offer_id", "path", "message", "excerpt", "journal_ref"}
	for _, table := range []string{"rejects", "flags"} {
		for row, err := range load.ReadTable(ctx, s, m, table, columns) {
			if err != nil {
				return report, err
			}
			// A drift has a path, and the offer is held back all the same.
			whole := row[3] == "" || row[0] == "decode" && row[1] == pipeline.CodeDrift
			if table == "rejects" && row[2] != "" && whole && row[2] != dropped {
				dropped = row[2]
				report.Offers++
			}
			if f.Code == "" || f.Code == row[1] {
				groupOf(groups, table, row).add(row, f.Examples)
			}
		}
	}
	for _, t := range m.Tables {
		if t.Name == "products" {
			report.Offers += t.Rows
		}
	}
	for _, g := range groups {
		report.Groups = append(report.Groups, g)
	}
	slices.SortFunc(report.Groups, func(a, b *RejectGroup) int {
		return cmp.Or(-strings.Compare(a.Kind, b.Kind), -cmp.Compare(a.Rows, b.Rows), strings.Compare(a.Stage+a.Code, b.Stage+b.Code))
	})
	return report, nil
}

// groupOf returns the group of a row.
func groupOf(groups map[string]*RejectGroup, table string, row []string) *RejectGroup {
	key := table + "\x00" + row[0] + "\x00" + row[1]
	g, ok := groups[key]
	if !ok {
		g = &RejectGroup{Kind: strings.TrimSuffix(table, "s"), Stage: row[0], Code: row[1], Paths: map[string]int{}, Examples: []RejectExample{}}
		groups[key] = g
	}
	return g
}

// maxPaths bounds the paths that a group tells apart.
const maxPaths = 100

// add counts a row. Examples are of different paths as far as there are some.
func (g *RejectGroup) add(row []string, examples int) {
	g.Rows++
	if id := row[2]; id != "" && id != g.last {
		g.last = id
		g.Offers++
	}
	path := withoutIndexes(row[3])
	if _, known := g.Paths[path]; path != "" && (known || len(g.Paths) < maxPaths) {
		g.Paths[path]++
	}
	if len(g.Examples) < examples && (g.Paths[path] <= 1 || g.Rows <= int64(examples)) {
		g.Examples = append(g.Examples, RejectExample{OfferID: row[2], Path: row[3], Message: row[4], Excerpt: row[5], JournalRef: row[6]})
	}
}

// withoutIndexes makes one path of those of all rows of a list.
func withoutIndexes(path string) string {
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(path, "[")
		b.WriteString(before)
		if !ok {
			return b.String()
		}
		_, path, _ = strings.Cut(rest, "]")
		b.WriteString("[]")
	}
}

// PrintRejects writes reports for a person, 80 columns wide where texts allow.
func PrintRejects(w io.Writer, dest string, all []RejectsReport) {
	for i, r := range all {
		if i > 0 {
			fmt.Fprintln(w)
		}
		fmt.Fprintf(w, "%s %s, %s offers\n", r.Job, r.Date, count(r.Offers))
		if len(r.Groups) == 0 {
			fmt.Fprintln(w, "  nothing was rejected or flagged")
		}
		for _, g := range r.Groups {
			g.print(w, r.Offers)
		}
	}
	for _, r := range all {
		if len(r.Groups) > 0 && len(r.Groups[0].Examples) > 0 {
			fmt.Fprintf(w, "\nThe answer behind a row, by what stands in brackets:\n  offerlake journal cat %s --ref '%s' --bare\n", dest, r.Groups[0].Examples[0].JournalRef)
			return
		}
	}
}

func (g *RejectGroup) print(w io.Writer, offers int64) {
	name := g.Code
	if g.Stage != "" {
		name = g.Stage + ": " + g.Code
	}
	fmt.Fprintf(w, "\n%-7s %-30s %9s rows %9s offers %7.2f %%\n", g.Kind, name, count(g.Rows), count(g.Offers), 100*float64(g.Offers)/float64(max(offers, 1)))
	for _, e := range g.Examples {
		text := e.Message
		if e.Path != "" {
			text = e.Path + ": " + text
		}
		fmt.Fprintf(w, "  %-13s %s\n", cmp.Or(e.OfferID, "-"), strings.TrimRight(fit(text, 62), " "))
		if e.Excerpt != "" {
			fmt.Fprintf(w, "  %-13s %s\n", "", strings.TrimRight(fit("sent: "+e.Excerpt, 62), " "))
		}
		fmt.Fprintf(w, "  %-13s [%s]\n", "", e.JournalRef)
	}
}
