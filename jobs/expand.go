package jobs

import (
	"fmt"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/token"
)

// Expand is what turns one job file into many shards: names with their values,
// in the order of the file. A shard is one combination.
type Expand []Dimension

// Dimension is a name that fields of the job can use as {name}, and where its
// values come from: one of Values, Category and dates.
type Dimension struct {
	Name     string
	Values   []string // of a list, a column of a file, or dates that are listed
	Category int64    // the leaves below this category
	Dates    bool     // it is date, whose values are the dates of the runs
	From, To string   // dates; "" = left to the command line
	// Parameter says that the dates are about the records that are asked for, not
	// about when they are asked for: days that are over can be asked about.
	Parameter bool
}

const (
	// dateName is the dimension whose values are the dates of the shards' runs.
	dateName = "date"
	// maxValues bounds a dimension and maxShards all their combinations: more is
	// a mistake, and each shard has files of its own.
	maxValues = 100_000
	maxShards = 100_000
)

var dimensionName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,31}$`)

// takeExpand takes expand out of the mapping at the top of the file and reads
// it. It reports what is wrong with it.
func (p *parsing) takeExpand(root ast.Node) Expand {
	m, ok := root.(*ast.MappingNode)
	if !ok {
		return nil
	}
	i := slices.IndexFunc(m.Values, func(v *ast.MappingValueNode) bool { return keyText(v) == "expand" })
	if i < 0 {
		return nil
	}
	n := m.Values[i]
	m.Values = slices.Delete(slices.Clone(m.Values), i, i+1)
	entries, ok := mapValues(n.Value)
	if !ok || len(entries) == 0 {
		p.fault(n.Key.GetToken(), "expand: is a mapping from names to values", "Write expand: {keyword: [保温杯, 玻璃杯]}.")
		return nil
	}
	var all Expand
	for _, e := range entries {
		d, ok := p.dimension(e)
		if !ok {
			continue
		}
		if slices.ContainsFunc(all, func(o Dimension) bool { return o.Name == d.Name }) {
			p.fault(e.Key.GetToken(), "expand."+d.Name+": is there twice", "Remove one.")
			continue
		}
		all = append(all, d)
		p.dimensions = append(p.dimensions, e.Key.GetToken())
	}
	return all
}

// dimension reads one entry of expand.
func (p *parsing) dimension(e *ast.MappingValueNode) (Dimension, bool) {
	d := Dimension{Name: keyText(e), Dates: keyText(e) == dateName}
	at, before := "expand."+d.Name, len(p.faults)
	if !dimensionName.MatchString(d.Name) {
		p.fault(e.Key.GetToken(), fmt.Sprintf("expand: %q is not a name", d.Name), "Names are lower-case letters, digits and _, and begin with a letter.")
		return d, false
	}
	if seq, ok := e.Value.(*ast.SequenceNode); ok {
		for i, v := range seq.Values {
			p.addValue(&d, v, fmt.Sprintf("%s[%d]", at, i))
		}
	} else if entries, ok := mapValues(e.Value); ok && d.Dates {
		p.dateRange(&d, entries)
	} else if ok {
		p.dimensionFrom(&d, e.Value, entries)
	} else {
		p.fault(e.Value.GetToken(), at+": is neither a list nor a mapping", "Write a list such as [保温杯, 玻璃杯], {csv: FILE, column: NAME}, or {category_leaves: ID}.")
	}
	if len(p.faults) == before && !d.Dates && d.Category == 0 && len(d.Values) == 0 {
		p.fault(e.Value.GetToken(), at+": has no values", "")
	}
	if len(d.Values) > maxValues {
		p.fault(e.Value.GetToken(), fmt.Sprintf("%s: has %s values; at most %s are possible", at, count(int64(len(d.Values))), count(maxValues)), "")
	}
	return d, len(p.faults) == before
}

// addValue adds an element of a list.
func (p *parsing) addValue(d *Dimension, n ast.Node, at string) {
	value, ok := p.scalar(n, at)
	switch {
	case !ok:
	case strings.TrimSpace(value) == "":
		p.fault(n.GetToken(), at+": is empty", "")
	case slices.Contains(d.Values, value):
		p.fault(n.GetToken(), fmt.Sprintf("%s: %s is there twice", at, value), "Remove one.")
	case d.Dates && !p.isDate(n.GetToken(), value, at):
	default:
		d.Values = append(d.Values, value)
	}
}

// scalar returns the text of a plain value.
func (p *parsing) scalar(n ast.Node, at string) (string, bool) {
	s, ok := asText(n).(*ast.StringNode)
	if !ok {
		p.fault(n.GetToken(), at+": is not a plain value", "")
		return "", false
	}
	return unescapeNames(s.Value), true
}

func (p *parsing) isDate(tk *token.Token, s, at string) bool {
	if _, err := ParseDate(s, time.Time{}); err != nil || s == "" {
		p.fault(tk, fmt.Sprintf("%s: %q is not a date of the form 2006-01-02", at, s), "")
		return false
	}
	return true
}

// dateRange reads {from, to, as}.
func (p *parsing) dateRange(d *Dimension, entries []*ast.MappingValueNode) {
	for _, e := range entries {
		at := "expand.date." + keyText(e)
		switch keyText(e) {
		case "from":
			d.From = p.date(e.Value, at)
		case "to":
			d.To = p.date(e.Value, at)
		case "as":
			s, ok := p.scalar(e.Value, at)
			if ok && s != "run" && s != "parameter" {
				p.fault(e.Value.GetToken(), fmt.Sprintf("%s: %q is not a value of it", at, s), "Valid: run, parameter.")
			}
			d.Parameter = s == "parameter"
		default:
			p.unknownName(e, "expand.date", "from", "to", "as")
		}
	}
	if d.From != "" && d.To != "" && d.From > d.To {
		p.fault(entries[0].Key.GetToken(), fmt.Sprintf("expand.date: from %s is after to %s", d.From, d.To), "Swap them.")
	}
}

func (p *parsing) date(n ast.Node, at string) string {
	s, ok := p.scalar(n, at)
	if ok && p.isDate(n.GetToken(), s, at) {
		return s
	}
	return ""
}

// dimensionFrom reads {csv, column} or {category_leaves}.
func (p *parsing) dimensionFrom(d *Dimension, n ast.Node, entries []*ast.MappingValueNode) {
	at := "expand." + d.Name
	file, column, before := "", d.Name, len(p.faults)
	for _, e := range entries {
		below := at + "." + keyText(e)
		switch keyText(e) {
		case "csv":
			file, _ = p.scalar(e.Value, below)
		case "column":
			column, _ = p.scalar(e.Value, below)
		case "category_leaves":
			s, _ := p.scalar(e.Value, below)
			id, err := strconv.ParseInt(s, 10, 64)
			if err != nil || id <= 0 {
				p.fault(e.Value.GetToken(), below+": is not a category id", "")
			}
			d.Category = id
		case "from", "to", "as":
			p.fault(e.Key.GetToken(), below+": a range of dates is for the name date", "Rename it to date, the date of the runs.")
		default:
			p.unknownName(e, at, "csv", "column", "category_leaves")
		}
	}
	switch {
	case len(p.faults) > before:
	case file != "" && d.Category != 0:
		p.fault(n.GetToken(), at+": names two places for its values", "Keep csv or category_leaves.")
	case file != "":
		p.readColumn(d, n, file, column)
	case d.Category == 0:
		p.fault(n.GetToken(), at+": needs csv or category_leaves", "")
	}
}

// readColumn fills d from a column of a file, each value once.
func (p *parsing) readColumn(d *Dimension, n ast.Node, file, column string) {
	values, err := readColumn((&Job{Dir: filepath.Dir(p.path)}).input(file), column)
	if err != nil {
		p.fault(n.GetToken(), "expand."+d.Name+": "+err.Error(), "")
		return
	}
	seen := map[string]bool{}
	for _, v := range values {
		if v = strings.TrimSpace(v); v != "" && !seen[v] {
			seen[v] = true
			d.Values = append(d.Values, v)
		}
	}
}

func (p *parsing) unknownName(e *ast.MappingValueNode, at string, names ...string) {
	hint := "Valid here: " + strings.Join(names, ", ") + "."
	if n := nearest(keyText(e), names); n != "" {
		hint = fmt.Sprintf("Did you mean %q? %s", n, hint)
	}
	p.fault(e.Key.GetToken(), fmt.Sprintf("unknown key %q in %s", keyText(e), at), hint)
}

// sample is a combination that a job file is checked with before all values
// are known.
func (e Expand) sample() map[string]string {
	values := map[string]string{dateName: "2026-01-01"}
	for _, d := range e {
		switch {
		case len(d.Values) > 0:
			values[d.Name] = d.Values[0]
		case d.Category != 0:
			values[d.Name] = strconv.FormatInt(d.Category, 10)
		case d.From != "":
			values[d.Name] = d.From
		}
	}
	return values
}

// valuesOr returns the values of a shard, or a sample if there are none.
func (e Expand) valuesOr(values map[string]string) map[string]string {
	if values == nil {
		return e.sample()
	}
	return values
}

// dates returns the dimension of dates, nil when there is none.
func (e Expand) dates() *Dimension {
	for i := range e {
		if e[i].Dates {
			return &e[i]
		}
	}
	return nil
}
